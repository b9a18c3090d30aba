//! What every answer keeps to: the OpenAPI document, headers, files of the client.

use serde_json::{Value, json};

use crate::harness::TestApp;

#[test]
fn the_committed_openapi_document_is_that_of_the_code() {
    let committed: Value =
        serde_json::from_str(&std::fs::read_to_string("docs/openapi.json").unwrap()).unwrap();
    let current = serde_json::to_value(parking::http::openapi()).unwrap();
    assert!(committed == current, "docs/openapi.json is stale: run `make types`");
}

#[tokio::test]
async fn the_served_document_is_openapi_3_1() {
    let app = TestApp::sqlite().await;
    let document = app.nobody().get("/api/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/api/bookings/{id}/release"]["post"].is_object());
}

#[tokio::test]
async fn the_reference_is_served_and_loads_nothing_from_elsewhere() {
    let app = TestApp::sqlite().await;
    let page = app.nobody().get("/api/docs/").await;
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert_eq!(page.status, 200);
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    let script = app.nobody().get("/api/docs/swagger-ui-bundle.js").await;
    assert_eq!(script.status, 200);
}

#[tokio::test]
async fn every_answer_bears_the_security_headers() {
    let app = TestApp::sqlite().await;
    for path in ["/api/lots", "/api/me", "/api/nothing", "/", "/assets/nothing.js", "/health/live"]
    {
        let answer = app.nobody().get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src"));
        assert!(!scripts.unwrap_or_default().contains("unsafe"), "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn a_page_keeps_to_itself() {
    let app = TestApp::sqlite().await;
    let page = app.nobody().get("/").await;
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(page.header("referrer-policy"), "same-origin");
}

#[tokio::test]
async fn answers_about_people_are_not_stored_by_anyone() {
    let app = TestApp::sqlite().await;
    let asha = app.driver("asha").await;
    for path in ["/api/me", "/api/bookings"] {
        assert_eq!(asha.get(path).await.header("cache-control"), "no-store");
    }
    assert_eq!(asha.get("/api/lots").await.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn https_is_kept_to_once_it_is_used() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://parking.example.org")]).await;
    let answer = app.nobody().get("/api/lots").await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn other_sites_are_allowed_by_setting_only() {
    let app = TestApp::with(&[("CORS_ORIGINS", "https://other.example")]).await;
    let ask = async |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "GET")];
        let answer = app.nobody().send("OPTIONS", "/api/lots", None, &headers).await;
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(ask("https://other.example").await, "https://other.example");
    assert_eq!(ask("https://evil.example").await, "");
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_by_token() {
    let app = TestApp::with(&[("METRICS_TOKEN", "a token that only Prometheus has")]).await;
    app.nobody().get("/metrics").await.refused(401, "unauthorized");
    let wrong = [("authorization", "Bearer wrong")];
    app.nobody().send("GET", "/metrics", None, &wrong).await.refused(401, "unauthorized");
    let token = [("authorization", "Bearer a token that only Prometheus has")];
    let answer = app.nobody().send("GET", "/metrics", None, &token).await;
    let text = String::from_utf8(answer.body).unwrap();
    assert!(
        text.contains(
            "parking_http_requests_total{method=\"GET\",route=\"/metrics\",status=\"401\"} 2"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn health_says_whether_it_can_serve() {
    let app = TestApp::sqlite().await;
    assert_eq!(app.nobody().get("/health/live").await.expect(200)["status"], "ok");
    assert_eq!(app.nobody().get("/health/ready").await.expect(200)["status"], "ok");
}

#[tokio::test]
async fn the_client_knows_its_own_routes_and_its_files_are_named_by_content() {
    let app = TestApp::sqlite().await;
    let page = app.nobody().get("/").await;
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(
        page.header("content-type"),
        "text/html; charset=utf-8",
        "build the client: make build"
    );
    let deep = app.nobody().get("/lots/some-lot").await;
    assert_eq!((deep.status.as_u16(), deep.body == page.body), (200, true));
    let html = String::from_utf8(page.body.clone()).unwrap();
    let styles = html.split('"').find(|part| part.contains(".css")).unwrap();
    assert!(styles.starts_with("/assets/"), "{styles}");
    let asset = app.nobody().get(styles).await;
    assert_eq!(asset.status, 200);
    assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    let brotli = app.nobody().send("GET", styles, None, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(brotli.header("content-encoding"), "br");
    assert!(brotli.body.len() < asset.body.len());
    app.nobody().get("/assets/nothing.js").await.refused(404, "not_found");
    let known = [("if-none-match", page.header("etag"))];
    assert_eq!(app.nobody().send("GET", "/", None, &known).await.status, 304);
    assert_eq!(app.nobody().get("/../Cargo.toml").await.body, page.body);
}

#[tokio::test]
async fn the_map_may_load_the_tiles_of_the_setting_and_nothing_else() {
    let url = "https://tiles.example.org/{z}/{x}/{y}.png";
    let app = TestApp::with(&[("MAP_TILE_URL", url), ("MAP_ATTRIBUTION", "Example")]).await;
    let setup = app.nobody().get("/api/setup").await.expect(200);
    assert_eq!(setup["map"], json!({ "tile_url": url, "attribution": "Example" }));
    let page = app.nobody().get("/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("img-src 'self' data: https://tiles.example.org;"), "{policy}");
    let plain = TestApp::with(&[]).await;
    assert_eq!(plain.nobody().get("/api/setup").await.expect(200)["map"], json!(null));
    let page = plain.nobody().get("/").await;
    assert!(page.header("content-security-policy").contains("img-src 'self' data:;"));
}

#[tokio::test]
async fn the_settings_are_the_admins_and_hold_no_secret() {
    let secret = "a secret of thirty-two characters or more";
    let app = TestApp::with(&[("JWT_SECRET_KEY", secret), ("CURRENCY", "EUR")]).await;
    let admin = app.admin().await;
    let answer = admin.get("/api/admin/settings").await;
    let page = answer.expect(200);
    let of = |name: &str| {
        let setting = crate::harness::items(&page).iter().find(|setting| setting["name"] == name);
        let setting = setting.unwrap();
        (setting["value"].clone(), setting["origin"].clone())
    };
    assert_eq!(of("CURRENCY"), (json!("EUR"), json!("environment")));
    assert_eq!(of("TIME_ZONE"), (json!("Asia/Kolkata"), json!("default")));
    assert_eq!(of("JWT_SECRET_KEY"), (json!(null), json!("environment")));
    assert!(!String::from_utf8_lossy(&answer.body).contains(secret));
    app.driver("asha").await.get("/api/admin/settings").await.refused(403, "forbidden");
}
