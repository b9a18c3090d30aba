//! Lists by keyset: `?limit=` and an opaque `?cursor=` that names the last row seen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::tokens::{decode, encode};
use crate::error::{Error, Fields, Result};

const LIMIT_DEFAULT: i64 = 20;
const LIMIT_MAX: i64 = 100;

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// For the next page; `null` on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that is always answered whole.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// A page out of rows of which one more than the limit was asked for.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, paging: &Paging, id: impl Fn(&T) -> Uuid) -> Self {
        let more = rows.len() > paging.limit;
        rows.truncate(paging.limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| encode(id(last).as_bytes()));
        Self { items: rows, next_cursor }
    }
}

/// Where a page of rows, newest first, begins and how long it is.
#[derive(Debug, Clone)]
pub struct Paging {
    pub limit: usize,
    before: Option<Uuid>,
}

impl Paging {
    /// # Errors
    /// 422 for a limit outside 1 to 100 or a cursor that is none of ours.
    pub fn new(limit: Option<i64>, cursor: Option<&str>) -> Result<Self> {
        let mut fields = Fields::new();
        let limit = fields.check("limit", parse_limit(limit));
        let before = cursor.map(|cursor| {
            let bytes = decode(cursor).and_then(|bytes| Uuid::from_slice(&bytes).ok());
            bytes.ok_or_else(bad_cursor)
        });
        let before = fields.check("cursor", before.transpose());
        fields.done()?;
        Ok(Self { limit: limit.unwrap_or_default(), before: before.flatten() })
    }

    /// Rows of this page have a lower id.
    #[must_use]
    pub fn before(&self) -> Uuid {
        self.before.unwrap_or(Uuid::max())
    }

    /// One more than the limit tells whether there is another page.
    #[must_use]
    pub fn limit_and_one(&self) -> usize {
        self.limit + 1
    }
}

/// # Errors
/// When outside 1 to 100.
pub fn parse_limit(limit: Option<i64>) -> Result<usize, String> {
    match limit.unwrap_or(LIMIT_DEFAULT) {
        limit @ 1..=LIMIT_MAX => Ok(usize::try_from(limit).unwrap_or_default()),
        _ => Err(format!("must be 1 to {LIMIT_MAX}")),
    }
}

#[must_use]
pub fn bad_cursor() -> String {
    "is not a cursor of this list".into()
}

/// An id in a path that is not even a UUID is as unknown as any other.
///
/// # Errors
/// 404
pub fn parse_id(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| Error::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_behind_the_last_row_of_its_page() {
        let ids = [9, 8, 7].map(Uuid::from_u128);
        let paging = Paging::new(Some(2), None).unwrap();
        let page = Page::cut(ids.to_vec(), &paging, |id| *id);
        assert_eq!(page.items, ids[..2]);
        let next = Paging::new(Some(2), page.next_cursor.as_deref()).unwrap();
        assert_eq!(next.before(), ids[1]);
        assert_eq!(Page::cut(ids[2..].to_vec(), &next, |id| *id).next_cursor, None);
    }

    #[test]
    fn limits_and_cursors_out_of_bounds_are_refused() {
        for limit in [0, 101, -1, i64::MAX] {
            assert!(Paging::new(Some(limit), None).is_err(), "{limit}");
        }
        for cursor in ["", "x", "!!!!", "AAAA"] {
            assert!(Paging::new(None, Some(cursor)).is_err(), "{cursor}");
        }
    }
}
