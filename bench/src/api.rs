//! The few calls of the HTTP API that every run needs: sign in, register, create lots.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::data::Lot;
use crate::http::{Connection, Request};

#[derive(Debug, Deserialize)]
pub struct Session {
    pub access_token: String,
    /// In seconds.
    pub expires_in: u64,
}

/// What most answers are read for.
#[derive(Debug, Deserialize)]
pub struct Created {
    pub id: String,
}

#[derive(Serialize)]
struct Credentials<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    email: &'a str,
    password: &'a str,
}

#[derive(Serialize)]
pub struct NewLot<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub city: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    pub number_of_spots: u32,
    pub price_per_hour_minor: u32,
    pub currency: &'a str,
    pub time_zone: &'a str,
}

impl<'a> NewLot<'a> {
    #[must_use]
    pub fn named(name: &'a str, number_of_spots: u32) -> Self {
        Self {
            name,
            city: "",
            address: "",
            latitude: None,
            longitude: None,
            number_of_spots,
            price_per_hour_minor: 200,
            currency: "EUR",
            time_zone: "Europe/Berlin",
        }
    }
}

impl<'a> From<&'a Lot> for NewLot<'a> {
    fn from(lot: &'a Lot) -> Self {
        Self {
            city: &lot.city,
            address: &lot.address,
            latitude: lot.latitude,
            longitude: lot.longitude,
            ..Self::named(&lot.name, lot.number_of_spots)
        }
    }
}

/// # Errors
/// When the server refuses.
pub async fn log_in(connection: &mut Connection, email: &str, password: &str) -> Result<Session> {
    let body = serde_json::to_string(&Credentials { name: None, email, password })?;
    let answer = connection.call(&Request::post("/api/auth/login", Some(&body))).await?;
    Ok(serde_json::from_slice(answer.expect(200).context("cannot sign in")?)?)
}

/// # Errors
/// When the server refuses.
pub async fn register(connection: &mut Connection, email: &str, password: &str) -> Result<Session> {
    let body = serde_json::to_string(&Credentials { name: Some("Somebody"), email, password })?;
    let answer = connection.call(&Request::post("/api/auth/register", Some(&body))).await?;
    Ok(serde_json::from_slice(answer.expect(201).context("cannot register")?)?)
}

/// # Errors
/// When the server refuses.
pub async fn create_lot(
    connection: &mut Connection,
    token: &str,
    lot: &NewLot<'_>,
) -> Result<Created> {
    let body = serde_json::to_string(lot)?;
    let answer = connection.call(&Request::post("/api/lots", Some(&body)).token(token)).await?;
    Ok(serde_json::from_slice(answer.expect(201).context("cannot create a lot")?)?)
}
