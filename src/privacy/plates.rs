//! Plates are kept for `PLATES_KEPT_DAYS` after the end of a stay.
//!
//! An id carries the start of its booking, so those that may have ended by then are a span of ids,
//! and a mark says up to where it was worked through. A stay that had not ended by then is noted as
//! it is passed over; there are as many as vehicles were parked at a time. So each booking is looked
//! at once, and nothing is added to what parking writes.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{BOOKINGS_AT_ONCE, by_pages, store};
use crate::app::App;
use crate::error::Result;
use crate::ids;

/// Forgets the plates that were kept long enough; says how many.
///
/// # Errors
/// Those of storage.
pub async fn forget_old(app: &App) -> Result<u64> {
    let days = app.config.plates_kept_days;
    if days == 0 {
        return Ok(0);
    }
    let ended_by = app.clock.now() - SignedDuration::from_hours(24 * days);
    Ok(passed_over(app, ended_by).await? + up_to(app, ended_by).await?)
}

async fn passed_over(app: &App, ended_by: Timestamp) -> Result<u64> {
    by_pages(
        app,
        Uuid::nil(),
        |tx, after| store::page_of_kept(tx, after, BOOKINGS_AT_ONCE),
        move |tx, span| store::forget_kept(tx, span, ended_by),
    )
    .await
}

async fn up_to(app: &App, ended_by: Timestamp) -> Result<u64> {
    let end = ids::first_id(ended_by);
    let mark = app.db.read(store::mark).await?.unwrap_or_default();
    if mark > end {
        // The clock was ahead, or plates are kept longer now.
        app.db.write(Uuid::nil(), move |tx| store::set_mark(tx, end)).await?;
        return Ok(0);
    }
    by_pages(
        app,
        mark,
        move |tx, after| store::page_before(tx, after, end, BOOKINGS_AT_ONCE),
        move |tx, span| store::forget(tx, span, ended_by),
    )
    .await
}
