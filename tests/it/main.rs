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
mod canaries;
mod connections;
mod contract;
mod copy;
mod crash;
mod crowds;
mod demo;
mod deploy;
mod endurance;
mod exports;
mod first_free;
mod guessing;
mod imports;
mod jobs;
mod lanes;
mod live;
mod lots;
mod mails;
mod peers;
mod prices;
mod privacy;
mod process;
mod raw_requests;
mod refusals;
mod reminders;
mod replicas;
mod reports;
mod search;
mod sessions;
mod standby;
mod stats;
mod storage;
mod tokens;
mod torture;
mod traces;
mod vehicles;
mod wall_clock;
