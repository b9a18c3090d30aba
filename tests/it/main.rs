//! The story of each feature against a whole application, and of the whole process.
//!
//! `harness.rs` is what the stories are told with. `make test-rust` runs them on both engines.

#[macro_use]
mod harness;

mod access;
mod accounts;
mod architecture;
mod audit;
mod bad_input;
mod bookings;
mod connections;
mod contract;
mod copy;
mod demo;
mod deploy;
mod endurance;
mod exports;
mod first_free;
mod imports;
mod jobs;
mod live;
mod lots;
mod mails;
mod peers;
mod privacy;
mod process;
mod reminders;
mod replicas;
mod reports;
mod search;
mod sessions;
mod standby;
mod stats;
mod storage;
mod traces;
mod vehicles;
