//! The city of `parking demo`.

use parking::demo::{self, Demo, Options};
use parking::jobs::worker;
use serde_json::{Value, json};

use crate::harness::{TestApp, items, text};

async fn fill(app: &TestApp) -> Result<Demo, String> {
    let app = app.app.clone();
    let options = Options { days: 24, seed: 3 };
    tokio::task::spawn_blocking(move || demo::fill(&app, options)).await.unwrap()
}

on_both! {
    async fn every_page_has_something_to_show(app: TestApp) {
        let filled = fill(&app).await.unwrap();
        worker::work_off(&app.app).await.unwrap();
        let sign_in = async |email: &str, password: &str| {
            let credentials = json!({ "email": email, "password": password });
            app.nobody().post("/api/auth/login", credentials).await.signed_in(&app, 200)
        };
        let admin = sign_in(demo::city::ADMIN.1, filled.admin_password.as_deref().unwrap()).await;
        let overview = admin.get("/api/admin/overview").await.expect(200);
        assert_eq!(overview["occupied"], json!(filled.open));
        assert_eq!(overview["lots"], json!(filled.lots));
        let kinds: Vec<_> = overview["attention"].as_array().unwrap().iter().map(|one| text(one, "kind")).collect();
        for kind in ["lot_full", "long_stay", "spots_out_of_service"] {
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
        let stats = admin.get("/api/admin/stats").await.expect(200);
        let is_shown = |lot: &Value| lot["bookings_started"].as_i64().unwrap() > 0 && lot["revenue"].as_array().unwrap().len() == 1;
        assert!(stats["lots"].as_array().unwrap().iter().all(is_shown), "{}", stats["lots"]);
        let occupancy = stats["totals"]["occupancy"].as_f64().unwrap();
        assert!((0.2..0.9).contains(&occupancy), "{occupancy}");
        let users = admin.get("/api/admin/users?q=driver").await.expect(200);
        assert_eq!(items(&users)[0]["open_bookings"], 1);

        let driver = sign_in(demo::city::DRIVER.1, &filled.driver_password).await;
        assert_eq!(items(&driver.get("/api/bookings?status=open").await.expect(200)).len(), 1);
        assert_eq!(items(&driver.get("/api/me/vehicles").await.expect(200)).len(), 2);
        assert_eq!(driver.get("/api/stats").await.expect(200)["lots"].as_array().unwrap().len(), 2);
        assert!(!items(&driver.get("/api/reports").await.expect(200)).is_empty());
        let lots = app.nobody().get("/api/lots?near=18.52,73.86&limit=100").await.expect(200);
        assert!(items(&lots).iter().all(|lot| lot["distance_m"].as_i64().is_some()));
    }

    async fn it_is_refused_where_there_is_data(app: TestApp) {
        let admin = app.admin().await;
        let filled = fill(&app).await.unwrap();
        assert!(filled.admin_password.is_none(), "the admin that there was stays");
        let refusal = fill(&app).await.unwrap_err();
        assert!(refusal.contains("this installation holds data: 14 lots"), "{refusal}");
        let lots = admin.get("/api/lots?limit=100").await.expect(200);
        assert_eq!(items(&lots).len(), filled.lots);
    }

    async fn one_driver_is_data_enough(app: TestApp) {
        app.driver("asha").await;
        let refusal = fill(&app).await.unwrap_err();
        assert!(refusal.contains("1 accounts of drivers"), "{refusal}");
    }
}
