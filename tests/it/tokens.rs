//! Forged access tokens: each gets the answer that every bad token gets, and nothing else.

use hmac::{Hmac, KeyInit, Mac};
use parking::auth::tokens::{decode, encode};
use parking::auth::{Role, reset, store};
use parking::mail::{List, links};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::harness::{Answer, Caller, TestApp, items};
use crate::torture::seen;

/// Tokens, each with what is wrong with it.
type Forgeries = Vec<(String, String)>;

fn signature<M: Mac + KeyInit>(key: &[u8], message: &str) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    encode(&mac.finalize().into_bytes())
}

fn signed(key: &[u8], header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let message = format!("{}.{}", encode(header.as_ref()), encode(claims.as_ref()));
    format!("{message}.{}", signature::<Hmac<Sha256>>(key, &message))
}

/// A genuine token taken apart, with the key that signed it.
struct Mold {
    key: [u8; 32],
    header: Value,
    claims: Value,
    now: i64,
}

impl Mold {
    fn of(app: &TestApp, token: &str) -> Self {
        let mut parts = token.split('.').map(|part| decode(part).unwrap());
        let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
        let (header, claims) = (next(), next());
        Self { key: app.app.keys.access_tokens, header, claims, now: app.now().as_second() }
    }

    fn genuine(&self) -> String {
        signed(&self.key, self.header.to_string(), self.claims.to_string())
    }

    /// Signed with our key, but for one field of its header; `None`: without it.
    fn with_header(&self, field: &str, value: Option<Value>) -> String {
        let header = with(&self.header, field, value).to_string();
        signed(&self.key, header, self.claims.to_string())
    }

    /// Likewise for a claim.
    fn with_claim(&self, field: &str, value: Option<Value>) -> String {
        let claims = with(&self.claims, field, value).to_string();
        signed(&self.key, self.header.to_string(), claims)
    }

    /// The header and claims as they are, and what follows them.
    fn followed_by(&self, signature: &str) -> String {
        let genuine = self.genuine();
        format!("{}.{signature}", genuine.rsplit_once('.').unwrap().0)
    }
}

fn with(object: &Value, field: &str, value: Option<Value>) -> Value {
    let mut object = object.clone();
    let fields = object.as_object_mut().unwrap();
    match value {
        Some(value) => fields.insert(field.into(), value),
        None => fields.remove(field),
    };
    object
}

fn other_keys(mold: &Mold, others: &[(&str, Vec<u8>)]) -> Forgeries {
    let mut forged = Vec::new();
    for (whose, key) in others {
        let token = signed(key, mold.header.to_string(), mold.claims.to_string());
        forged.push((format!("signed with {whose}"), token));
        for (field, value) in [
            ("jwk", json!({ "kty": "oct", "k": encode(key) })),
            ("kid", json!(whose)),
            ("jku", json!("https://evil.example/keys.json")),
        ] {
            let header = with(&mold.header, field, Some(value)).to_string();
            let token = signed(key, header, mold.claims.to_string());
            forged.push((format!("signed with {whose}, with {field}"), token));
        }
    }
    forged
}

fn other_algorithms(mold: &Mold) -> Forgeries {
    let mut forged = Vec::new();
    for alg in [
        "none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS1", "HS384", "HS512", "RS256",
        "RS384", "RS512", "PS256", "PS512", "ES256", "ES384", "EdDSA", "dir", "A256KW",
    ] {
        let token = mold.with_header("alg", Some(alg.into()));
        let unsigned = token.rsplit_once('.').unwrap().0.to_owned();
        forged.push((format!("alg {alg:?}"), token));
        for (how, signature) in [
            ("no signature", String::new()),
            ("HMAC SHA-384", signature::<Hmac<Sha384>>(&mold.key, &unsigned)),
            ("HMAC SHA-512", signature::<Hmac<Sha512>>(&mold.key, &unsigned)),
        ] {
            forged.push((format!("alg {alg:?}, {how}"), format!("{unsigned}.{signature}")));
        }
    }
    for alg in [None, Some(json!(null)), Some(json!(256)), Some(json!(["HS256"]))] {
        forged.push((format!("alg {alg:?}"), mold.with_header("alg", alg)));
    }
    forged
}

fn other_headers(mold: &Mold) -> Forgeries {
    let mut forged = Vec::new();
    for typ in [
        None,
        Some(json!(null)),
        Some(json!(7)),
        Some(json!(["at+jwt"])),
        Some("JWT".into()),
        Some("jwt".into()),
        Some("".into()),
        Some("rt+jwt".into()),
        Some("at+jwt ".into()),
        Some("at+jwt\u{200b}".into()),
        Some("аt+jwt".into()),
        Some("id+jwt".into()),
        Some("logout+jwt".into()),
    ] {
        forged.push((format!("typ {typ:?}"), mold.with_header("typ", typ)));
    }
    // What a recipient has to understand, and we do not (RFC 7515, section 4.1.11).
    forged.push(("crit".into(), mold.with_header("crit", Some(json!(["exp"])))));
    forged
}

fn other_claims(mold: &Mold) -> Forgeries {
    let mut forged = Vec::new();
    for claim in ["iss", "aud", "sub", "sid", "role", "iat", "nbf", "exp"] {
        forged.push((format!("no {claim}"), mold.with_claim(claim, None)));
        for value in
            [json!(null), json!(true), json!(1.5), json!(""), json!("x"), json!([]), json!({})]
        {
            let token = mold.with_claim(claim, Some(value.clone()));
            forged.push((format!("{claim} {value}"), token));
        }
    }
    for (claim, value) in [
        ("iss", json!("Parking")),
        ("iss", json!("parking ")),
        ("iss", json!("pаrking")),
        ("iss", json!("https://evil.example")),
        ("iss", json!(["parking"])),
        ("aud", json!("parking")),
        ("aud", json!("PARKING-API")),
        ("aud", json!(["parking-api"])),
        ("aud", json!(["parking-api", "other"])),
        ("sub", json!(0)),
        ("sub", json!("admin")),
        ("sub", json!("admin@example.org")),
        ("sid", json!(0)),
        ("sid", json!("' or 1=1 --")),
        ("role", json!("Admin")),
        ("role", json!("ADMIN")),
        ("role", json!("root")),
        ("role", json!("user,admin")),
        ("role", json!("admin\u{0}")),
        ("role", json!(["admin"])),
        ("role", json!({ "admin": null, "user": null })),
        ("role", json!(1)),
        ("exp", json!(mold.now)),
        ("exp", json!(mold.now - 1)),
        ("exp", json!(mold.now - 3600)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MIN)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(1e300)),
        ("exp", json!((mold.now + 600).to_string())),
        ("nbf", json!(mold.now + 6)),
        ("nbf", json!(mold.now + 60)),
        ("nbf", json!(mold.now + 3600)),
        ("nbf", json!(i64::MAX)),
        ("nbf", json!(u64::MAX)),
        ("nbf", json!(mold.now.to_string())),
    ] {
        let token = mold.with_claim(claim, Some(value.clone()));
        forged.push((format!("{claim} {value}"), token));
    }
    forged
}

/// A name twice: with the genuine value and with another, in either order.
fn said_twice(mold: &Mold) -> Forgeries {
    let mut forged = Vec::new();
    let mut push = |what: String, header: &str, claims: &str| {
        forged.push((what, signed(&mold.key, header, claims)));
    };
    let (header, claims) = (mold.header.to_string(), mold.claims.to_string());
    for (name, value) in mold.claims.as_object().unwrap() {
        for value in [value.clone(), json!("x")] {
            let rest = &claims[1..];
            push(format!("{name} twice"), &header, &format!("{{\"{name}\":{value},{rest}"));
        }
    }
    for (name, value) in [("alg", "none"), ("alg", "HS256"), ("typ", "JWT"), ("typ", "at+jwt")] {
        let rest = &header[1..];
        push(format!("{name} twice"), &format!("{{\"{name}\":\"{value}\",{rest}"), &claims);
    }
    forged
}

fn no_json(mold: &Mold) -> Forgeries {
    let (header, claims) = (mold.header.to_string(), mold.claims.to_string());
    let nested = "[".repeat(10_000);
    let mut forged = Vec::new();
    for text in ["", "null", "[]", "\"x\"", "7", "{", "not JSON", "\u{feff}{}", "{}", &nested] {
        forged.push((format!("claims {text:.9}"), signed(&mold.key, &header, text)));
        forged.push((format!("header {text:.9}"), signed(&mold.key, text, &claims)));
    }
    let more = format!("{claims}{claims}");
    forged.push(("claims followed by claims".into(), signed(&mold.key, &header, more)));
    let mut bytes = claims.into_bytes();
    let place = bytes.len() / 2;
    bytes[place] = 0xff;
    forged.push(("claims that are no UTF-8".into(), signed(&mold.key, &header, bytes)));
    forged
}

fn truncated(genuine: &str) -> Forgeries {
    let ends = (1..genuine.len()).step_by(7);
    let cut = ends.flat_map(|end| {
        [
            (format!("the first {end}"), genuine[..end].to_owned()),
            (format!("without the first {end}"), genuine[end..].to_owned()),
        ]
    });
    cut.collect()
}

/// One bit is another, in every byte of the header and signature and every other one of the claims.
fn flipped(genuine: &str) -> Forgeries {
    let parts: Vec<_> = genuine.split('.').map(|part| decode(part).unwrap()).collect();
    let mut forged = Vec::new();
    for (part, step) in [(0, 1), (1, 2), (2, 1)] {
        for place in (0..parts[part].len()).step_by(step) {
            let mut parts = parts.clone();
            parts[part][place] ^= 1 << (place % 8);
            let token = parts.iter().map(|part| encode(part)).collect::<Vec<_>>().join(".");
            forged.push((format!("a bit of byte {place} of part {part}"), token));
        }
    }
    forged
}

/// Other parts, and the same bytes in another spelling.
fn put_together(mold: &Mold) -> Forgeries {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let genuine = mold.genuine();
    let parts: Vec<_> = genuine.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{genuine}") };
    let (rest, last) = genuine.split_at(genuine.len() - 1);
    let last = ALPHABET.find(last).unwrap();
    // The last two bits of the last letter belong to no byte.
    let spellings = (1..4).map(|bits| format!("{rest}{}", &ALPHABET[last ^ bits..=last ^ bits]));
    let tokens = [
        ".".into(),
        "..".into(),
        "....".into(),
        ".".repeat(5_000),
        format!("{genuine}."),
        format!(".{genuine}"),
        format!("{genuine}.{signature}"),
        format!("{genuine}.{genuine}"),
        format!("{header}.{genuine}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{claims}"),
        format!("{header}.{claims}.{signature}{signature}"),
        format!("{header}.{claims}{claims}.{signature}"),
        format!("{header}.{claims}. {signature}"),
        format!("{genuine}="),
        format!("{genuine} {genuine}"),
        format!("{genuine},{genuine}"),
        format!("\"{genuine}\""),
        format!("Bearer {genuine}"),
        genuine.replace('.', "%2e"),
        genuine.replace('.', "．"),
        genuine.to_lowercase(),
        genuine.chars().rev().collect(),
        mold.followed_by(&encode(&[0; 32])),
        mold.followed_by(&encode(&[0xff; 32])),
        mold.followed_by(&encode(&mold.key)),
    ];
    let tokens = tokens.into_iter().chain(spellings).enumerate();
    tokens.map(|(n, token)| (format!("parts {n}: {token:.30}"), token)).collect()
}

fn strange(mold: &Mold) -> Forgeries {
    let long = mold.with_claim("more", Some("x".repeat(40_000).into()));
    let unsigned = long.rsplit_once('.').unwrap().0;
    let tokens = [
        String::new(),
        "x".into(),
        "null".into(),
        "undefined".into(),
        "पार्किंग".into(),
        "🅿️.🅿️.🅿️".into(),
        "é".repeat(1_000),
        "x".repeat(60_000),
        format!("{unsigned}.{}", encode(&[7; 32])),
        format!("{}.e30.x", encode(br#"{"alg":"none"}"#)),
        "eyJhbGciOiJub25lIn0.e30.".into(),
        "' or 1=1 --".into(),
    ];
    let tokens = tokens.into_iter();
    tokens.map(|token| (format!("{token:.20}"), token)).collect()
}

/// What this installation hands out for something else.
async fn of_other_kinds(app: &TestApp, admin: &Caller<'_>) -> Forgeries {
    let (links, now) = (&app.app.keys.links, app.now());
    let id = admin.id.parse().unwrap();
    let account = app.app.db.read(move |tx| store::account_by_id(tx, id)).await.unwrap().unwrap();
    let refresh = admin.cookie.split_once('=').unwrap().1.to_owned();
    let sessions = admin.get("/api/me/sessions").await.expect(200);
    let session = items(&sessions)[0]["id"].as_str().unwrap().to_owned();
    let mut forged = vec![
        ("a link for a new password".into(), reset::token(links, &account, now)),
        ("the link to claim the admin".into(), app.app.claim.open(now)),
        ("a refresh token".into(), refresh),
        ("an id".into(), admin.id.clone()),
        ("a session's id".into(), session),
        ("the name of the keys".into(), app.app.keys.fingerprint.clone()),
        ("a hash".into(), account.password_hash.unwrap()),
    ];
    for list in [List::Account, List::Reminders, List::Reports, List::Receipts] {
        let token = links::unsubscribe_token(links, id, list);
        forged.push((format!("a link to unsubscribe from {list:?}"), token));
    }
    forged
}

/// What another installation, with a secret of its own, made for the same people.
async fn of_another_installation(app: &TestApp, mold: &Mold) -> Forgeries {
    let other = TestApp::sqlite().await;
    let (admin, asha) = (other.admin().await, other.driver("asha").await);
    let [user, session] = ["sub", "sid"].map(|claim| {
        let id = mold.claims[claim].as_str().unwrap();
        id.parse().unwrap()
    });
    let same = other.app.tokens.issue(user, Role::Admin, session).unwrap();
    assert_eq!(other.now(), app.now());
    vec![
        ("its admin's".into(), admin.token().to_owned()),
        ("a driver's of it".into(), asha.token().to_owned()),
        ("its own for our admin".into(), same),
    ]
}

fn is_refused_as(answer: &Answer, expected: &Answer) -> bool {
    answer.status == 401 && answer.headers == expected.headers && answer.body == expected.body
}

#[tokio::test]
async fn hundreds_of_forged_tokens_get_the_same_401_and_nothing_else() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    let mold = Mold::of(&app, admin.token());
    let genuine = mold.genuine();
    let keys = &app.app.keys;
    let others = [
        ("nothing", Vec::new()),
        ("zeros", vec![0; 32]),
        ("the key of links", keys.links.to_vec()),
        ("our key as text", encode(&keys.access_tokens).into_bytes()),
        ("half of our key", keys.access_tokens[..16].to_vec()),
        ("what people choose", b"secret".to_vec()),
    ];
    let forged = [
        other_keys(&mold, &others),
        other_algorithms(&mold),
        other_headers(&mold),
        other_claims(&mold),
        said_twice(&mold),
        no_json(&mold),
        truncated(&genuine),
        flipped(&genuine),
        put_together(&mold),
        strange(&mold),
        of_other_kinds(&app, &admin).await,
        of_another_installation(&app, &mold).await,
    ]
    .concat();

    let bad = admin.with_token("bad").get("/api/me").await;
    assert_eq!(
        bad.refused(401, "invalid_token"),
        json!({
            "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "invalid_token",
            "detail": "The access token is not valid any more. Refresh it or sign in again.",
        })
    );
    assert_eq!(bad.header("www-authenticate"), "Bearer");
    let lot = json!({ "name": "Forged", "price_per_hour_minor": 1, "number_of_spots": 1 });
    let mut believed = Vec::new();
    for (what, token) in &forged {
        // The same, but for what is wrong with it.
        admin.with_token(&genuine).get("/api/me").await.expect(200);
        let bearer = admin.with_token(token);
        let answers = [bearer.get("/api/me").await, bearer.post("/api/lots", lot.clone()).await];
        if !answers.iter().all(|answer| is_refused_as(answer, &bad)) {
            let statuses = answers.map(|answer| answer.status);
            believed.push(format!("{what}: {statuses:?}"));
        }
    }
    assert!(believed.is_empty(), "{believed:#?}");
    assert!(forged.len() > 400, "{}", forged.len());
    assert!(items(&admin.get("/api/lots").await.expect(200)).is_empty());
    seen(&format!("{} forged tokens, each tried on two operations", forged.len()));
}

#[tokio::test]
async fn a_token_is_good_from_five_seconds_before_its_time_to_its_last_second() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    let mold = Mold::of(&app, admin.token());
    for (claim, time, status) in [
        ("exp", mold.now + 1, 200),
        ("exp", mold.now, 401),
        ("nbf", mold.now + 5, 200),
        ("nbf", mold.now + 6, 401),
    ] {
        let token = mold.with_claim(claim, Some(time.into()));
        admin.with_token(&token).get("/api/me").await.expect(status);
    }
}

#[tokio::test]
async fn a_token_counts_as_a_bearer_token_and_nowhere_else() {
    let app = TestApp::sqlite().await;
    let token = app.admin().await.token().to_owned();
    let ask = async |path: &str, header: &str, value: &str| {
        app.nobody().send("GET", path, None, &[(header, value)]).await
    };
    ask("/api/me", "authorization", &format!("bearer {token}")).await.expect(200);
    for scheme in ["", "Basic ", "Token ", "Bearer:", "Bearer,", "Bearer", "JWT "] {
        let value = format!("{scheme}{token}");
        ask("/api/me", "authorization", &value).await.refused(401, "invalid_token");
    }
    let in_path = format!("/api/me?access_token={token}");
    ask(&in_path, "x-access-token", &token).await.refused(401, "unauthorized");
    for name in ["access_token", "token", "__Host-refresh", "refresh"] {
        let cookie = format!("{name}={token}");
        ask("/api/me", "cookie", &cookie).await.refused(401, "unauthorized");
    }
}
