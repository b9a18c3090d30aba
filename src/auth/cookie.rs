//! The refresh token's cookie: which requests it counts on, and how it is set.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use super::store::SESSION_MAX;
use super::tokens::RefreshToken;
use crate::app::App;
use crate::error::{Error, Result};

/// The refresh token in the request's cookie, if it has one. The request must come from our own
/// pages: a cookie is sent along whoever asks.
pub struct Cookie(pub Option<RefreshToken>);

impl FromRequestParts<App> for Cookie {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        if !is_same_origin(&parts.headers, app.config.public_url.as_deref()) {
            return Err(Error::Forbidden("cross_site_request"));
        }
        Ok(Self(token(&parts.headers, cookie_name(app))))
    }
}

/// The refresh token in the cookie of that name.
pub(crate) fn token(headers: &HeaderMap, name: &str) -> Option<RefreshToken> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = pairs.find(|(key, _)| *key == name)?;
    RefreshToken::parse(token)
}

/// `Sec-Fetch-Site` where the browser sends it, else `Origin`. A program that sends neither has no
/// cookies but its own.
pub(crate) fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    public_url == Some(origin) || (host.is_some() && host == text("host"))
}

fn cookie_name(app: &App) -> &'static str {
    if app.secure_cookies() { "__Host-refresh" } else { "refresh" }
}

/// The value of `Set-Cookie` that hands out `token`.
#[must_use]
pub fn handing_out(app: &App, token: &RefreshToken) -> String {
    set_cookie(app, token.as_str(), SESSION_MAX.as_secs())
}

/// The value of `Set-Cookie` that takes the token back.
#[must_use]
pub fn clearing(app: &App) -> HeaderValue {
    HeaderValue::try_from(set_cookie(app, "", 0)).unwrap_or(HeaderValue::from_static(""))
}

fn set_cookie(app: &App, value: &str, max_age_seconds: i64) -> String {
    let secure = if app.secure_cookies() { "; Secure" } else { "" };
    format!(
        "{}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}",
        cookie_name(app)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_origin(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        is_same_origin(&headers.collect(), Some("https://parking.example.org"))
    }

    #[test]
    fn only_our_own_pages_may_use_the_cookie() {
        assert!(same_origin(&[("sec-fetch-site", "same-origin")]));
        assert!(!same_origin(&[("sec-fetch-site", "same-site")]));
        assert!(!same_origin(&[("sec-fetch-site", "cross-site")]));
        assert!(same_origin(&[("origin", "https://parking.example.org")]));
        assert!(same_origin(&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")]));
        assert!(!same_origin(&[("origin", "https://evil.example"), ("host", "127.0.0.1:8080")]));
        assert!(!same_origin(&[("origin", "null"), ("host", "127.0.0.1:8080")]));
        assert!(same_origin(&[]));
    }
}
