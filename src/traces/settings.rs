//! What the environment says about traces, under the names of the OpenTelemetry specification.

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::context::Sampler;

/// Where traces are sent, and which.
#[derive(Clone)]
pub struct Settings {
    /// With its path. May hold a password: never log it.
    pub endpoint: Url,
    /// May hold a secret: never log them.
    pub headers: HeaderMap,
    pub service: String,
    pub sampler: Sampler,
}

/// The address of a collector, to which `path` is added.
///
/// # Errors
/// What is wrong with it, without repeating it: it may hold a password.
pub fn endpoint(url: &str, path: &str) -> Result<Url, String> {
    let wrong = || "must begin with http:// or https:// and a host, as in http://localhost:4318";
    let mut url = Url::parse(url).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong().into());
    }
    if !path.is_empty() {
        let whole = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&whole);
    }
    Ok(url)
}

/// `name=value,name=value`, the values percent-encoded. Source: the OpenTelemetry specification,
/// "Specifying headers via environment variables".
///
/// # Errors
/// What is wrong with it, without repeating it: it may hold a secret.
pub fn headers(text: &str) -> Result<HeaderMap, String> {
    let wrong = || "must be like name=value,name=value, the values percent-encoded".to_owned();
    let mut headers = HeaderMap::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, value) = entry.split_once('=').ok_or_else(wrong)?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
        let value = percent_decode_str(value.trim()).collect::<Vec<_>>();
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_added_to_the_address_of_a_collector() {
        let at = |url, path| endpoint(url, path).map(String::from);
        assert_eq!(at("http://c:4318", "/v1/traces").unwrap(), "http://c:4318/v1/traces");
        assert_eq!(at("https://c/otlp/", "/v1/traces").unwrap(), "https://c/otlp/v1/traces");
        assert_eq!(at("http://c:4318", "").unwrap(), "http://c:4318/");
        for url in ["localhost:4318", "grpc://c:4317", "", "http://"] {
            assert!(endpoint(url, "/v1/traces").is_err(), "{url}");
        }
    }

    #[test]
    fn headers_are_a_list_with_encoded_values() {
        let read = headers("authorization=Bearer%20s3cret, x-team=parking=1,").unwrap();
        assert_eq!(read["authorization"], "Bearer s3cret");
        assert_eq!(read["x-team"], "parking=1");
        assert!(!format!("{read:?}").contains("s3cret"));
        for text in ["s3cret", "a b=s3cret", "a=s3cret%0A"] {
            assert!(!headers(text).unwrap_err().contains("s3cret"), "{text}");
        }
    }
}
