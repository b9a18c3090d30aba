//! `Idempotency-Key`: a change that is asked for twice happens once, and both get the same answer.
//!
//! The record is written in the transaction of the change. A change that was refused because of
//! the state (409) is recorded as well. Answers that hold tokens are never recorded.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::body::{json, json_text};
use crate::app::App;
use crate::auth::tokens::mac;
use crate::db::{Tx, Value};
use crate::error::{Error, Result};

const KEY_LENGTH_MAX: usize = 255;
/// How long an answer can be had again.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Half a SHA-256: nobody finds a second body for it.
type Hash = [u8; 16];

/// A key as it was sent, and whose it is; the nil id for somebody without an account. In this
/// order, because keys that begin with the time then lie side by side in the index.
type Key = (String, Uuid);

fn finish(hash: Sha256) -> Hash {
    let whole: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|index| whole[index])
}

/// How a request wants to be done: once, when it came with a key.
#[derive(Debug, Clone)]
pub struct Once(Option<Request>);

#[derive(Debug, Clone)]
struct Request {
    key: String,
    /// Of method, path and body.
    hash: Hash,
}

/// Keys whose first request is being worked on.
#[derive(Default, Clone)]
pub struct InFlight(Arc<Mutex<HashSet<Key>>>);

/// Frees its key when the work is done.
struct Flight {
    keys: InFlight,
    key: Key,
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Ok(mut keys) = self.keys.0.lock() {
            keys.remove(&self.key);
        }
    }
}

impl InFlight {
    fn begin(&self, key: Key) -> Result<Flight> {
        let new = self.0.lock().is_ok_and(|mut keys| keys.insert(key.clone()));
        if new {
            Ok(Flight { keys: self.clone(), key })
        } else {
            Err(Error::Conflict("idempotency_key_in_flight"))
        }
    }
}

impl Once {
    /// # Errors
    /// 422 for a key that is empty, too long or not visible ASCII.
    pub fn from_request(parts: &Parts, body: &[u8]) -> Result<Self> {
        let Some(key) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = key.to_str().unwrap_or_default();
        let visible = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if key.is_empty() || key.len() > KEY_LENGTH_MAX || !visible {
            let message = format!("must have 1 to {KEY_LENGTH_MAX} visible ASCII characters");
            return Err(Error::invalid("Idempotency-Key", message));
        }
        let mut hash = Sha256::new();
        hash.update(parts.method.as_str());
        hash.update([0]);
        hash.update(parts.uri.path());
        hash.update([0]);
        hash.update(body);
        Ok(Self(Some(Request { key: key.to_owned(), hash: finish(hash) })))
    }
}

/// An answer as it is recorded.
struct Answer {
    status: StatusCode,
    body: String,
}

impl App {
    /// As it is recorded: some bodies hold a password, which nobody shall guess by its hash.
    fn keyed(&self, hash: Hash) -> Hash {
        let whole = mac(&self.keys.links, "idempotency", &hash);
        std::array::from_fn(|index| whole[index])
    }

    /// Does a change and answers with `status` and its result as JSON; with a key, once. `owner`
    /// keeps the keys of different people apart.
    ///
    /// # Errors
    /// What the change refuses with; 422 `idempotency_key_reused`; 409
    /// `idempotency_key_in_flight`.
    pub async fn write_once<T: Serialize + Send + 'static>(
        &self,
        once: Once,
        owner: Uuid,
        lane: Uuid,
        status: StatusCode,
        mut change: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Response> {
        let Some(request) = once.0 else {
            return self.db.write(lane, change).await.map(|value| answer(status, &value));
        };
        let hash = self.keyed(request.hash);
        let flight = self.in_flight.begin((request.key, owner))?;
        let clock = self.clock.clone();
        let answer = self
            .db
            .write(lane, move |tx| {
                if let Some(answer) = recorded(tx, &flight.key, &hash)? {
                    return Ok(answer);
                }
                let answer = match change(tx) {
                    Ok(value) => Answer { status, body: write(status, &value)? },
                    Err(refusal @ Error::Conflict(_)) if !tx.wrote() => {
                        let problem = refusal.problem();
                        Answer {
                            status: refusal.status(),
                            body: write(refusal.status(), &problem)?,
                        }
                    }
                    Err(error) => return Err(error),
                };
                record(tx, clock.now(), &flight.key, &hash, &answer)?;
                Ok(answer)
            })
            .await?;
        Ok(respond(answer))
    }
}

fn answer<T: Serialize>(status: StatusCode, value: &T) -> Response {
    if status == StatusCode::NO_CONTENT {
        return respond(Answer { status, body: String::new() });
    }
    json(status, value)
}

fn write<T: Serialize>(status: StatusCode, value: &T) -> Result<String> {
    if status == StatusCode::NO_CONTENT {
        return Ok(String::new());
    }
    serde_json::to_string(value)
        .map_err(|error| Error::Internal(format!("an answer cannot be written: {error}")))
}

fn respond(answer: Answer) -> Response {
    use axum::http::{HeaderValue, header};
    let mut response = json_text(answer.status, answer.body);
    if answer.status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(header::CONTENT_TYPE);
    } else if answer.status.is_client_error() {
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
    }
    response
}

fn recorded(tx: &mut Tx<'_>, (key, owner): &Key, request: &Hash) -> Result<Option<Answer>> {
    let found = tx.opt(
        "select request_hash, status, body from idempotency_keys where key = $1 and owner_id = $2",
        &[key.into(), (*owner).into()],
        |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<i64>(1)?, row.get::<String>(2)?)),
    )?;
    let Some((hash, status, body)) = found else { return Ok(None) };
    if hash != request {
        return Err(Error::IdempotencyKeyReused);
    }
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    Ok(Some(Answer { status: status.unwrap_or(StatusCode::OK), body }))
}

fn record(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (key, owner): &Key,
    request: &Hash,
    answer: &Answer,
) -> Result<()> {
    tx.send(
        "insert into idempotency_keys (key, owner_id, request_hash, status, body, created_at) \
         values ($1, $2, $3, $4, $5, $6)",
        &[
            key.into(),
            (*owner).into(),
            request.into(),
            i64::from(answer.status.as_u16()).into(),
            Value::Text(&answer.body),
            now.into(),
        ],
    )?;
    Ok(())
}

/// Removes some of the answers that nobody will ask for again; says how many. A busy hour's are too
/// many for one transaction: bookings would wait for it.
///
/// # Errors
/// Those of storage.
pub fn remove_old(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    let sql = "delete from idempotency_keys where (key, owner_id) in (select key, owner_id \
         from idempotency_keys where created_at < $1 order by created_at limit 200)";
    Ok(tx.exec(sql, &[(now - KEPT_FOR).into()])?)
}

/// The keys of answers that are somebody's or tell of them; a look at every answer, for a reader.
///
/// # Errors
/// Those of storage.
pub fn keys_about(tx: &mut Tx<'_>, user: Uuid) -> Result<Vec<(String, Uuid)>> {
    let named = format!("%{user}%");
    Ok(tx.all(
        "select key, owner_id from idempotency_keys where owner_id = $1 or body like $2",
        &[user.into(), (&named).into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}

/// # Errors
/// Those of storage.
pub fn remove(tx: &mut Tx<'_>, keys: &[(String, Uuid)]) -> Result<()> {
    for (key, owner) in keys {
        let sql = "delete from idempotency_keys where key = $1 and owner_id = $2";
        tx.exec(sql, &[key.into(), (*owner).into()])?;
    }
    Ok(())
}

impl App {
    /// Opens an account once: the record keeps the account's id and no answer, because the answer
    /// holds tokens. `change` is given the id when this is a repeat.
    ///
    /// # Errors
    /// As [`App::write_once`].
    pub async fn once_for_account<T: Send + 'static>(
        &self,
        once: Once,
        mut change: impl FnMut(&mut Tx<'_>, Option<Uuid>) -> Result<(Uuid, T)> + Send + 'static,
    ) -> Result<T> {
        let keyed = match once.0 {
            None => None,
            Some(request) => {
                let hash = self.keyed(request.hash);
                Some((hash, self.in_flight.begin((request.key, Uuid::nil()))?))
            }
        };
        let clock = self.clock.clone();
        self.db
            .write(Uuid::nil(), move |tx| {
                let Some((hash, flight)) = &keyed else {
                    return change(tx, None).map(|(_, value)| value);
                };
                let first = recorded(tx, &flight.key, hash)?;
                let account = first.as_ref().and_then(|first| first.body.parse().ok());
                let (id, value) = change(tx, account)?;
                if first.is_none() {
                    let answer = Answer { status: StatusCode::CREATED, body: id.to_string() };
                    record(tx, clock.now(), &flight.key, hash, &answer)?;
                }
                Ok(value)
            })
            .await
    }
}
