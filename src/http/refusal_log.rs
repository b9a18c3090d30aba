//! What was refused, in the log: a line says what was asked for and why it was refused, and names a person by
//! their id alone. What is refused every day to everybody has none: no token or an old one, a full lot.

use std::num::NonZero;

use axum::http::StatusCode;
use axum::response::Response;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use uuid::Uuid;

use crate::error::Refused;

/// Lines a second for each reason: who is refused all day must not fill the disk, nor hide others. The metrics count
/// all.
const LINES_A_SECOND_MAX: NonZero<u32> = NonZero::new(10).unwrap();

pub struct RefusalLog {
    lines: DefaultKeyedRateLimiter<&'static str>,
}

impl Default for RefusalLog {
    fn default() -> Self {
        Self { lines: RateLimiter::keyed(Quota::per_second(LINES_A_SECOND_MAX)) }
    }
}

impl RefusalLog {
    pub fn note(&self, method: &str, route: &str, response: &Response, user: Option<Uuid>) {
        let Some(Refused(reason)) = response.extensions().get() else { return };
        let status = response.status();
        let Some(weight) = weight(status, reason, user.is_some()) else { return };
        if self.lines.check_key(reason).is_err() {
            return;
        }
        let (status, user) = (status.as_u16(), user.map(tracing::field::display));
        match weight {
            Weight::Access => tracing::warn!(method, route, status, reason, user, "refused"),
            Weight::Input => tracing::info!(method, route, status, reason, user, "refused"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Weight {
    /// Somebody tries what they may not.
    Access,
    /// Somebody sends what our own client does not.
    Input,
}

fn weight(status: StatusCode, reason: &str, is_signed_in: bool) -> Option<Weight> {
    match status {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => Some(Weight::Access),
        StatusCode::UNAUTHORIZED if reason == "forged_token" => Some(Weight::Access),
        // What is somebody else's does not exist either.
        StatusCode::NOT_FOUND if is_signed_in => Some(Weight::Input),
        // So whoever asks finds out who has an account.
        StatusCode::CONFLICT if reason == "email_taken" => Some(Weight::Input),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Some(Weight::Input),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    use crate::error::Error;

    fn weight_of(error: Error, is_signed_in: bool) -> Option<Weight> {
        let response = error.into_response();
        let Refused(reason) = response.extensions().get().unwrap();
        weight(response.status(), reason, is_signed_in)
    }

    #[test]
    fn what_is_tried_weighs_more_than_what_is_mistyped_and_what_is_ordinary_has_no_line() {
        for error in [
            Error::Forbidden("forbidden"),
            Error::Forbidden("cross_site_request"),
            Error::Forbidden("wrong_password"),
            Error::ForgedToken,
            Error::RateLimited { retry_after_seconds: 1 },
        ] {
            assert_eq!(weight_of(error, false), Some(Weight::Access));
        }
        for error in [
            Error::invalid("name", "is missing"),
            Error::Malformed("not JSON".into()),
            Error::Conflict("email_taken"),
        ] {
            assert_eq!(weight_of(error, false), Some(Weight::Input));
        }
        assert_eq!(weight_of(Error::NotFound, true), Some(Weight::Input));
        assert_eq!(weight_of(Error::NotFound, false), None);
        for code in ["unauthorized", "invalid_token", "invalid_refresh_token"] {
            assert_eq!(weight_of(Error::Unauthorized(code), false), None);
        }
        assert_eq!(weight_of(Error::Conflict("lot_full"), true), None);
    }

    #[test]
    fn one_reason_cannot_fill_the_log_nor_hide_another() {
        let log = RefusalLog::default();
        let written = (0..10_000).filter(|_| log.lines.check_key(&"forged_token").is_ok()).count();
        assert!((10..10_000).contains(&written), "{written}");
        assert!(log.lines.check_key(&"forbidden").is_ok());
    }
}
