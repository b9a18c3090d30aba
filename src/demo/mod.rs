//! `parking demo`: a believable city in an empty installation, so that every page has something to
//! show.
//!
//! `city.rs` has the lots and the people, `rhythm.rs` lets them park through the year (pure),
//! `store.rs` writes it all, or refuses where there is anything already.

pub mod city;
pub mod rhythm;
pub mod store;

use jiff::SignedDuration;

use crate::app::App;
use crate::auth::passwords::{self, Password};
use crate::{ids, stats};

/// What the demo is made with.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many days of bookings there are, up to now.
    pub days: i64,
    /// The same number makes the same city.
    pub seed: u64,
}

/// Who can sign in afterwards, and what there is.
#[derive(Debug)]
pub struct Demo {
    /// `None`: the installation had its admin already, who keeps the password.
    pub admin_password: Option<String>,
    pub driver_password: String,
    pub lots: usize,
    pub people: usize,
    pub bookings: usize,
    pub open: usize,
}

/// Fills an empty installation.
///
/// # Errors
/// In words; nothing is changed then.
pub fn fill(app: &App, options: Options) -> Result<Demo, String> {
    let now = app.clock.now();
    let from = now - SignedDuration::from_hours(24 * options.days);
    let (admin, driver) = (new_password(), new_password());
    let hashes = [hash(&admin)?, hash(&driver)?];
    let written = store::write(app, options.seed, (from, now), hashes)?;
    let counting = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let counting = counting.map_err(|error| error.to_string())?;
    while counting.block_on(stats::count(app)).map_err(|error| error.to_string())? {}
    Ok(Demo {
        admin_password: written.made_admin.then_some(admin),
        driver_password: driver,
        lots: city::LOTS.len(),
        people: city::PEOPLE,
        bookings: written.bookings,
        open: written.open,
    })
}

/// Sixteen speakable characters in four groups.
fn new_password() -> String {
    let secret = ids::new_secret();
    let letters = b"abcdefghjkmnpqrstuvwxyz23456789";
    let groups = secret[..16].chunks(4).map(|group| {
        group.iter().map(|byte| char::from(letters[usize::from(*byte) % letters.len()])).collect()
    });
    groups.collect::<Vec<String>>().join("-")
}

fn hash(password: &str) -> Result<String, String> {
    passwords::hash_blocking(&Password::new(password.to_owned()))
}
