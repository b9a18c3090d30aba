//! A page of the list: what is asked for, and how it is answered.

use std::fmt::Write as _;
use std::sync::Arc;

use uuid::Uuid;

use super::entry::{Entry, words};
use crate::auth::tokens::{decode, encode};
use crate::error::{Fields, Result};
use crate::http::paging::{bad_cursor, parse_limit};
use crate::lots::Position;

/// What a list is asked for.
pub struct Question {
    words: Vec<String>,
    near: Option<Position>,
    limit: usize,
    after: Option<Vec<u8>>,
}

impl Question {
    /// # Errors
    /// 422
    pub fn new(
        q: Option<&str>,
        near: Option<&str>,
        limit: Option<i64>,
        cursor: Option<&str>,
    ) -> Result<Self> {
        let mut fields = Fields::new();
        let near = fields.check("near", near.map(parse_position).transpose());
        let limit = fields.check("limit", parse_limit(limit));
        let after = cursor.map(|cursor| decode(cursor).filter(|bytes| bytes.len() >= 16));
        let after = after.map(|after| after.ok_or_else(bad_cursor)).transpose();
        let after = fields.check("cursor", after);
        fields.done()?;
        Ok(Self {
            words: words(q.unwrap_or_default()),
            near: near.flatten(),
            limit: limit.unwrap_or_default(),
            after: after.flatten(),
        })
    }

    pub(super) fn render(&self, sorted: &[Arc<Entry>]) -> String {
        let matching = sorted.iter().filter(|lot| lot.holds(&self.words));
        let mut json = String::with_capacity(self.limit * 512);
        json.push_str("{\"items\":[");
        let next = match self.near {
            None => {
                let after = self.after.as_deref().map(name_of_cursor);
                let rest = matching.filter(|lot| {
                    after
                        .as_ref()
                        .is_none_or(|after| (lot.order.0.as_bytes(), lot.order.1) > *after)
                });
                self.page(rest, &mut json, |_| None, |lot| cursor(lot.id, lot.order.0.as_bytes()))
            }
            Some(near) => {
                // A lot whose place is unknown is farther than any other.
                let metres = |lot: &Entry| {
                    lot.details
                        .position
                        .map_or(u32::MAX, |position| whole(near.distance_m(&position)))
                };
                let mut by_distance: Vec<_> =
                    matching.map(|lot| ((metres(lot), lot.id), lot)).collect();
                by_distance.sort_unstable_by_key(|(order, _)| *order);
                let after = self.after.as_deref().map(distance_of_cursor);
                let rest = by_distance
                    .iter()
                    .filter(|(order, _)| after.is_none_or(|after| *order > after))
                    .map(|(_, lot)| *lot);
                let shown =
                    |lot: &Entry| Some(lot.details.position.map(|_| i64::from(metres(lot))));
                self.page(rest, &mut json, shown, |lot| cursor(lot.id, &metres(lot).to_be_bytes()))
            }
        };
        match next {
            None => json.push_str("],\"next_cursor\":null}"),
            Some(cursor) => {
                let _ = write!(json, "],\"next_cursor\":\"{cursor}\"}}");
            }
        }
        json
    }

    fn page<'a>(
        &self,
        lots: impl Iterator<Item = &'a Arc<Entry>>,
        json: &mut String,
        distance: impl Fn(&Entry) -> Option<Option<i64>>,
        cursor: impl Fn(&Entry) -> String,
    ) -> Option<String> {
        let mut last: Option<&Entry> = None;
        for (index, lot) in lots.enumerate() {
            if index == self.limit {
                return last.map(cursor);
            }
            if index > 0 {
                json.push(',');
            }
            lot.render(json, distance(lot));
            last = Some(lot);
        }
        None
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20,038 km")]
fn whole(metres: f64) -> u32 {
    metres.round() as u32
}

fn parse_position(text: &str) -> Result<Position, String> {
    let parsed = text.split_once(',').and_then(|(latitude, longitude)| {
        Some((latitude.trim().parse().ok()?, longitude.trim().parse().ok()?))
    });
    let (latitude, longitude) =
        parsed.ok_or("must be latitude,longitude in degrees, as in 18.94,72.83")?;
    Position::new(latitude, longitude)
}

fn cursor(id: Uuid, order: &[u8]) -> String {
    encode(&[id.as_bytes(), order].concat())
}

fn name_of_cursor(cursor: &[u8]) -> (&[u8], Uuid) {
    let (id, name) = cursor.split_at(16);
    (name, Uuid::from_slice(id).unwrap_or_default())
}

fn distance_of_cursor(cursor: &[u8]) -> (u32, Uuid) {
    let (id, metres) = cursor.split_at(16);
    let metres = metres.try_into().map_or(0, u32::from_be_bytes);
    (metres, Uuid::from_slice(id).unwrap_or_default())
}
