//! The vehicles of an account: what its owner parks, so that nobody types a plate in the rain.

pub mod routes;
pub mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How many one account may have.
pub const VEHICLES_MAX: i64 = 20;
const NAME_CHARACTERS_MAX: usize = 40;

/// A vehicle of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vehicle {
    pub id: Uuid,
    #[schema(example = "MH12AB1234")]
    pub plate: String,
    /// What its owner calls it.
    #[schema(required, example = "The blue one")]
    pub name: Option<String>,
    /// The one that parks when nothing else is said. At most one is.
    pub is_default: bool,
    pub created_at: Timestamp,
}

/// A name as it is kept: without blanks around it; an empty one is none.
fn check_name(name: Option<&str>) -> Result<Option<String>, String> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.chars().count() > NAME_CHARACTERS_MAX) {
        return Err(format!("must have at most {NAME_CHARACTERS_MAX} characters"));
    }
    if name.is_some_and(|name| name.chars().any(char::is_control)) {
        return Err("must not contain control characters".into());
    }
    Ok(name.map(ToOwned::to_owned))
}
