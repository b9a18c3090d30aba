//! Parking: lots, spots and bookings in one binary. Start reading here.
//!
//! **Features**, each a folder with `mod.rs` (types and pure rules), `routes.rs` (HTTP) and
//! `store.rs` (SQL): [`auth`], [`users`], [`vehicles`], [`lots`], [`bookings`], [`exports`], [`reminders`],
//! [`reports`], [`stats`], [`mail`], [`audit`], [`imports`],
//! [`search`], [`privacy`].
//!
//! **Below them**, knowing no feature: [`db`] (one SQL text, two engines, group commit), [`live`]
//! (events), [`pdf`] (documents), [`clock`], [`ids`], [`money`], [`locale`], [`text`], [`tls`],
//! [`threads`], [`shared`] (what servers share in Redis), [`traces`] (for OpenTelemetry), [`error`], [`config`].
//!
//! **Above them**: [`app`] holds what all share, [`http`] merges the routes and serves them,
//! [`replicas`] tells other processes, [`jobs`] does later what [`work`] lists, [`web`] is the
//! embedded client, [`cli`] the commands, [`demo`] a city to look at, [`copy`] the way to another
//! database.
//!
//! `docs/ARCHITECTURE.md` follows one booking from its route to its row.

#[cfg(all(feature = "broken-order", not(debug_assertions)))]
compile_error!("broken-order is for tests, never for a release");

pub mod app;
pub mod audit;
pub mod auth;
pub mod bookings;
pub mod cli;
pub mod clock;
pub mod config;
pub mod copy;
pub mod db;
pub mod demo;
pub mod error;
pub mod exports;
pub mod http;
pub mod ids;
pub mod imports;
pub mod jobs;
pub mod live;
pub mod locale;
pub mod lots;
pub mod mail;
pub mod money;
pub mod pdf;
pub mod privacy;
#[cfg(any(test, fuzzing))]
pub mod properties;
pub mod reminders;
pub mod replicas;
pub mod reports;
pub mod search;
pub mod secrets;
pub mod shared;
pub mod stats;
pub mod text;
pub mod threads;
pub mod tls;
pub mod traces;
pub mod users;
pub mod vehicles;
pub mod web;
pub mod work;

pub use error::{Error, Result};
