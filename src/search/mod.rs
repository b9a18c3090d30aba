//! One box for everything: lots, bookings and people by what the operator has of them.

pub mod routes;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::bookings::{AdminBooking, BookedLot};
use crate::users::Person;

/// Of each kind at most.
pub const FOUND_MAX: usize = 5;

/// What was found, the likeliest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// By words of name, city, address or PIN code.
    pub lots: Vec<BookedLot>,
    /// By the beginning of a plate or of a reference, the open ones first.
    pub bookings: Vec<AdminBooking>,
    /// By a part of name or email.
    pub users: Vec<Person>,
}
