//! Request bodies and queries: parsed once, refused with the documented problems.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use super::idempotency::Once;
use crate::error::{Error, FieldError, Result};
use crate::jobs::TaskId;

const JSON: &str = "application/json";
const CSV: &str = "text/csv";
/// Longest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest CSV file, in bytes: some 50,000 lots.
pub const CSV_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_SECONDS_MAX: u64 = 30;

/// A JSON answer with status 200.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// Says where the task is that was begun.
///
/// # Errors
/// None that a caller can cause.
pub async fn accepted(response: Response) -> Result<Response> {
    if response.status() != StatusCode::ACCEPTED {
        return Ok(response);
    }
    let broken = |error: &dyn std::fmt::Display| Error::Internal(error.to_string());
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| broken(&error))?.to_bytes();
    let TaskId { task_id } = serde_json::from_slice(&body).map_err(|error| broken(&error))?;
    let location = HeaderValue::try_from(format!("/api/tasks/{task_id}"));
    parts.headers.insert(header::LOCATION, location.map_err(|error| broken(&error))?);
    Ok(Response::from_parts(parts, body.into()))
}

/// A JSON answer.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => json_text(status, body),
        Err(error) => {
            Error::Internal(format!("an answer cannot be written: {error}")).into_response()
        }
    }
}

/// An answer that is JSON already.
pub fn json_text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// A JSON request body, with what is needed to do the request once.
pub struct Input<T> {
    pub value: T,
    pub once: Once,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        if !is_of_type(&request, JSON) {
            return Err(Error::UnsupportedMediaType(JSON));
        }
        let (parts, body) = request.into_parts();
        let body = collect(body, BODY_BYTES_MAX).await?;
        let once = Once::from_request(&parts, &body)?;
        Ok(Self { value: parse(&body)?, once })
    }
}

/// [`Input`] of a request that may have no body: nothing is said then.
pub struct OptionalInput<T> {
    pub value: T,
    pub once: Once,
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalInput<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let is_json = is_of_type(&request, JSON);
        let (parts, body) = request.into_parts();
        let body = collect(body, BODY_BYTES_MAX).await?;
        let once = Once::from_request(&parts, &body)?;
        if body.is_empty() {
            return Ok(Self { value: T::default(), once });
        }
        if !is_json {
            return Err(Error::UnsupportedMediaType(JSON));
        }
        Ok(Self { value: parse(&body)?, once })
    }
}

/// A request without a body, with what is needed to do it once.
pub struct NoInput(pub Once);

impl<S: Send + Sync> FromRequest<S> for NoInput {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let body = collect(body, BODY_BYTES_MAX).await?;
        Ok(Self(Once::from_request(&parts, &body)?))
    }
}

fn is_of_type(request: &Request, media_type: &str) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(media_type)
}

/// A CSV file as a request's body.
pub struct Csv(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Csv {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        if !is_of_type(&request, CSV) {
            return Err(Error::UnsupportedMediaType(CSV));
        }
        collect(request.into_body(), CSV_BYTES_MAX).await.map(Self)
    }
}

async fn collect(body: Body, bytes_max: usize) -> Result<Bytes> {
    // What says that it is too large is not waited for.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(Error::TooLarge);
    }
    let collected = Limited::new(body, bytes_max).collect();
    let limit = std::time::Duration::from_secs(BODY_SECONDS_MAX);
    match tokio::time::timeout(limit, collected).await {
        Err(_) => Err(Error::TimedOut),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Error::TooLarge),
        Ok(Err(_)) => Err(Error::Malformed("the body ended early".into())),
    }
}

/// Malformed JSON is 400; JSON of another shape names its field: 422.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        // The field that does not fit may come before the place where the JSON breaks.
        if cause.is_data() && serde_json::from_slice::<IgnoredAny>(body).is_ok() {
            invalid(&path, &cause.to_string())
        } else {
            Error::Malformed(format!("The body is not JSON: {cause}"))
        }
    })?;
    deserializer
        .end()
        .map_err(|error| Error::Malformed(format!("The body is not JSON: {error}")))?;
    Ok(value)
}

/// Serde names an unknown or missing field in its message, and the path leads to its parent.
fn invalid(path: &str, cause: &str) -> Error {
    let message = cause.split(" at line ").next().unwrap_or(cause);
    let named = ["unknown field `", "missing field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start).and_then(|rest| rest.split('`').next()));
    let parent = if path == "." { "" } else { path };
    let (field, message) = match named {
        // The path of an unknown field ends with the field itself, that of a missing one does not.
        Some(name) if parent == name || parent.ends_with(&format!(".{name}")) => {
            (parent.to_owned(), "is not known")
        }
        Some(name) => {
            let field =
                if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
            (field, if message.starts_with("unknown") { "is not known" } else { "is missing" })
        }
        None => (parent.to_owned(), message),
    };
    Error::Invalid(vec![FieldError::new(field, message)])
}

/// Tells `null` from absent: for optional fields of a change, with `default` and `deserialize_with`.
///
/// # Errors
/// When the value is of another kind.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The query of a request. An unreadable one is 422 and named.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(
            |rejection| {
                let text = rejection.body_text();
                let text = text.trim_start_matches("Failed to deserialize query string: ");
                match text.split_once(": ") {
                    Some((field, message)) => Error::invalid(field, message),
                    None => invalid("", text),
                }
            },
        )
    }
}

/// The id in a path.
pub struct Id(pub uuid::Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let axum::extract::Path(text) = path.map_err(|_| Error::NotFound)?;
        super::paging::parse_id(&text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their names and types matter")]
    struct Outer {
        name: String,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their names and types matter")]
    struct Inner {
        count: i64,
    }

    fn field(body: &str) -> String {
        match parse::<Outer>(body.as_bytes()) {
            Err(Error::Invalid(errors)) => format!("{} {}", errors[0].field, errors[0].message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        assert_eq!(field(r#"{"name":"a","colour":1}"#), "colour is not known");
        assert_eq!(field(r#"{"name":"a","inner":{"count":1,"x":2}}"#), "inner.x is not known");
        assert_eq!(field("{}"), "name is missing");
        assert_eq!(field(r#"{"name":"a","inner":{}}"#), "inner.count is missing");
        assert!(field(r#"{"name":5}"#).starts_with("name invalid type: integer"));
        assert!(field(r#"{"name":"a","inner":{"count":"5"}}"#).starts_with("inner.count invalid"));
        assert!(field("[]").contains("invalid length 0"));
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for body in
            ["", "{", "{\"name\":\"a\"} x", "\u{0}", "{'name':'a'}", "{\"name\":\"\\ud800\"}"]
        {
            let error = parse::<Outer>(body.as_bytes()).unwrap_err();
            assert!(matches!(error, Error::Malformed(_)), "{body:?} {error:?}");
        }
    }
}
