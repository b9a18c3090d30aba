//! What is held about people, and the end of it (docs/adr/0024).
//!
//! `data.rs` gives a person all of it as one file, `erasure.rs` takes a deleted account out of
//! everything, `plates.rs` forgets the plates of stays that ended long ago.

pub mod data;
pub mod erasure;
pub mod plates;
pub mod routes;
pub mod store;

use uuid::Uuid;

use crate::app::App;
use crate::db::Tx;
use crate::error::Result;

/// Bookings that are changed together: few, so that parking does not wait long.
const BOOKINGS_AT_ONCE: usize = 250;

/// Changes bookings behind `after`, a page of them after the other; says how many.
///
/// `page` gives the last id of the page behind an id, and `change` is given what lies between.
async fn by_pages(
    app: &App,
    mut after: Uuid,
    page: impl Fn(&mut Tx<'_>, Uuid) -> Result<Option<Uuid>> + Copy + Send + 'static,
    change: impl Fn(&mut Tx<'_>, Span) -> Result<u64> + Copy + Send + 'static,
) -> Result<u64> {
    let mut changed = 0;
    while let Some(through) = app.db.read(move |tx| page(tx, after)).await? {
        let span = Span { after, through };
        changed += app.db.write(Uuid::nil(), move |tx| change(tx, span)).await?;
        after = through;
    }
    Ok(changed)
}

/// Ids behind one and up to another.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub after: Uuid,
    pub through: Uuid,
}
