//! What is in a request.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::{blank, defaults, now, text};
use crate::auth::store::Account;
use crate::auth::tokens::{AccessTokens, RefreshToken, encode};
use crate::auth::{AdminClaim, Role, cookie, extract, reset};
use crate::clock::Clock;
use crate::db::Snapshot;
use crate::error::Error;
use crate::http::body;
use crate::http::paging::{Page, Paging};
use crate::lots::catalogue::{Catalogue, Question};
use crate::lots::store::LotRow;
use crate::lots::{Lot, LotChange, LotDetails, NewLot, Position};
use crate::mail::links;
use crate::traces::context::Parent;

/// What a cursor names is the cursor, and the pages of a list hold no lot twice. The lines are what
/// is searched for, a position and a cursor; or all of it is a cursor.
pub(super) fn cursor(data: &[u8]) {
    static LOTS: LazyLock<Catalogue> = LazyLock::new(catalogue);
    let Some(text) = text(data) else { return };
    if let Ok(paging) = Paging::new(None, Some(text)) {
        assert_eq!(encode(paging.before().as_bytes()), text);
    }
    let mut lines = text.splitn(3, '\n');
    let (q, near) = (lines.next(), lines.next().filter(|near| !near.is_empty()));
    let mut cursor = lines.next().map(ToOwned::to_owned);
    let mut seen = BTreeSet::new();
    loop {
        let question = || Question::new(q, near, Some(2), cursor.as_deref());
        let Ok(answer) = LOTS.list(&format!("{q:?}{near:?}{cursor:?}"), question) else {
            assert!(seen.is_empty(), "a cursor of ours is refused");
            return;
        };
        let page: Page<Lot> = serde_json::from_slice(&answer.plain).unwrap();
        assert!(page.items.iter().all(|lot| seen.insert(lot.id)), "a lot comes twice");
        cursor = page.next_cursor;
        if cursor.is_none() {
            return;
        }
    }
}

fn catalogue() -> Catalogue {
    let names = ["airport", "Lakeside Mall", "Old Market", "Old market", "Ünter"];
    let rows = names.iter().zip(1_u8..).map(|(name, number)| LotRow {
        id: Uuid::from_u128(number.into()),
        details: LotDetails {
            name: (*name).into(),
            position: (number % 3 > 0).then(|| Position {
                latitude: f64::from(number),
                longitude: 72.9 - f64::from(number),
            }),
            ..blank()
        },
        created_at: now(),
        updated_at: now(),
        number_of_spots: 10,
        free_spots: 10,
    });
    let catalogue = Catalogue::default();
    catalogue.replace(&rows.collect::<Vec<_>>(), Snapshot::default());
    catalogue
}

/// Lines of `name: value`. Where a request comes from says nobody but a proxy of ours.
pub(super) fn headers(data: &[u8]) {
    let is_ours = |address| matches!(address, IpAddr::V4(address) if address.octets()[0] == 10);
    let (client, proxy) = (Ipv4Addr::new(192, 0, 2, 7).into(), Ipv4Addr::new(10, 0, 0, 1).into());
    let headers = header_map(data);
    assert_eq!(extract::client_address(client, &headers, is_ours), client);
    for said in headers.get_all("x-forwarded-for") {
        // As a proxy adds it to what it was told.
        let noted = [said.as_bytes(), b", 192.0.2.7"].concat();
        let noted = HeaderValue::from_bytes(&noted).unwrap();
        let noted = HeaderMap::from_iter([(HeaderName::from_static("x-forwarded-for"), noted)]);
        assert_eq!(extract::client_address(proxy, &noted, is_ours), client);
    }
    let texts = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    for parent in texts("traceparent") {
        if let Some(Parent { trace, span, .. }) = Parent::of(parent) {
            assert!(parent[2..].starts_with(&format!("-{trace:032x}-{span:016x}-")));
        }
    }
    if let Some(token) = cookie::token(&headers, "__Host-refresh") {
        assert!(texts("cookie").any(|cookie| cookie.contains(token.as_str())));
    }
    let from_nowhere = headers.get("origin").is_some_and(|origin| origin == "null");
    if from_nowhere && !headers.contains_key("sec-fetch-site") {
        assert!(!cookie::is_same_origin(&headers, Some("https://parking.example.org")));
    }
}

fn header_map(data: &[u8]) -> HeaderMap {
    let lines = data.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name, value);
    }
    headers
}

/// A change that was made changes nothing when it is made again; what is refused is named.
pub(super) fn lot_body(data: &[u8]) {
    match body::parse::<NewLot>(data) {
        Err(Error::Malformed(_)) => {
            assert!(serde_json::from_slice::<serde_json::Value>(data).is_err());
        }
        Err(error) => assert!(matches!(error, Error::Invalid(errors) if !errors.is_empty())),
        Ok(new) => {
            if let Ok((details, _)) = new.check(&defaults()) {
                let lines = details.price.lines(2000);
                let sum: i64 = lines.iter().map(|line| line.amount_minor).sum();
                assert_eq!(sum, details.price.cost_minor(jiff::SignedDuration::from_mins(2000)));
            }
        }
    }
    if let Ok(change) = body::parse::<LotChange>(data)
        && let Ok(after) = change.check(&blank())
    {
        assert_eq!(change.check(&after).ok(), Some(after));
    }
}

/// No token is good but the one that was given out, to the letter.
pub(super) fn token(data: &[u8]) {
    const KEY: [u8; 32] = [7; 32];
    static ACCESS: LazyLock<(AccessTokens, String)> = LazyLock::new(|| {
        let tokens = AccessTokens::new(&KEY, 15, Clock::manual(now()));
        let token = tokens.issue(Uuid::from_u128(1), Role::User, Uuid::from_u128(2)).unwrap();
        (tokens, token)
    });
    let Some(text) = text(data) else { return };
    if ACCESS.0.check(text).is_ok() {
        assert_eq!(text, ACCESS.1);
    }
    let account = Account {
        id: Uuid::from_u128(9),
        email: "asha@example.org".into(),
        name: "Asha".into(),
        role: Role::User,
        active: true,
        password_hash: Some("hash".into()),
    };
    if reset::Claim::of(text).is_ok_and(|claim| claim.check(&KEY, &account, now()).is_ok()) {
        assert_eq!(text, reset::token(&KEY, &account, now()));
    }
    if let Ok((user, list)) = links::check_unsubscribe_token(&KEY, text) {
        assert_eq!(text, links::unsubscribe_token(&KEY, user, list));
    }
    let claim = AdminClaim::new(&KEY);
    if claim.check(text, now()).is_ok() {
        assert_eq!(text, claim.open(now()));
    }
    if let Some(token) = RefreshToken::parse(text) {
        assert_eq!(token.as_str(), text);
    }
}
