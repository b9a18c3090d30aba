//! The vehicles of an account.

use serde_json::{Value, json};

use crate::harness::{Caller, PASSWORD, TestApp, items, text};

async fn vehicles(user: &Caller<'_>) -> Vec<(String, bool)> {
    let page = user.get("/api/me/vehicles").await.expect(200);
    let seen = |vehicle: &Value| (text(vehicle, "plate").to_owned(), vehicle["is_default"] == true);
    items(&page).iter().map(seen).collect()
}

async fn add(user: &Caller<'_>, vehicle: Value) -> Value {
    user.post("/api/me/vehicles", vehicle).await.expect(201)
}

on_both! {
    async fn the_first_is_the_default_until_another_is(app: TestApp) {
        let asha = app.driver("asha").await;
        let first = add(&asha, json!({ "plate": "mh 12 ab 1234", "name": " The blue one " })).await;
        assert_eq!((text(&first, "plate"), text(&first, "name")), ("MH12AB1234", "The blue one"));
        add(&asha, json!({ "plate": "KA 1" })).await;
        assert_eq!(vehicles(&asha).await, [("MH12AB1234".into(), true), ("KA1".into(), false)]);
        let third = add(&asha, json!({ "plate": "DL 7", "is_default": true })).await;
        let path = format!("/api/me/vehicles/{}", text(&third, "id"));
        assert_eq!(vehicles(&asha).await[0], ("DL7".into(), true));
        assert_eq!(vehicles(&asha).await.iter().filter(|(_, is_default)| *is_default).count(), 1);

        let changed = asha.patch(&path, json!({ "plate": "DL 8", "name": "Van" })).await.expect(200);
        assert_eq!((text(&changed, "plate"), text(&changed, "name")), ("DL8", "Van"));
        assert_eq!(asha.patch(&path, json!({ "name": null })).await.expect(200)["name"], Value::Null);
        asha.delete(&path).await.expect(204);
        assert_eq!(vehicles(&asha).await, [("MH12AB1234".into(), true), ("KA1".into(), false)]);
        asha.delete(&path).await.refused(404, "not_found");
    }

    async fn they_are_each_ones_own(app: TestApp) {
        let (asha, ravi) = (app.driver("asha").await, app.driver("ravi").await);
        let vehicle = add(&asha, json!({ "plate": "MH 1" })).await;
        let path = format!("/api/me/vehicles/{}", text(&vehicle, "id"));
        ravi.patch(&path, json!({ "name": "Mine" })).await.refused(404, "not_found");
        ravi.delete(&path).await.refused(404, "not_found");
        // A family may share one.
        add(&ravi, json!({ "plate": "MH 1" })).await;
        assert_eq!(vehicles(&asha).await, [("MH1".into(), true)]);
    }

    async fn what_is_wrong_is_refused(app: TestApp) {
        let asha = app.driver("asha").await;
        let vehicle = add(&asha, json!({ "plate": "MH 1" })).await;
        let other = add(&asha, json!({ "plate": "MH 2" })).await;
        asha.post("/api/me/vehicles", json!({ "plate": "mh-1" })).await.refused(409, "vehicle_exists");
        let path = format!("/api/me/vehicles/{}", text(&other, "id"));
        asha.patch(&path, json!({ "plate": "MH 1" })).await.refused(409, "vehicle_exists");
        asha.patch(&path, json!({ "plate": "MH 2" })).await.expect(200);
        asha.post("/api/me/vehicles", json!({ "plate": " - ", "name": "x".repeat(41) })).await.invalid(&["plate", "name"]);
        asha.patch(&path, json!({ "plate": "", "name": "a\u{7}" })).await.invalid(&["plate", "name"]);
        for number in 3..=20 {
            add(&asha, json!({ "plate": format!("MH {number}") })).await;
        }
        asha.post("/api/me/vehicles", json!({ "plate": "MH 21" })).await.refused(409, "too_many_vehicles");
        assert_eq!(text(&vehicle, "plate"), "MH1");
    }

    async fn they_go_with_the_account(app: TestApp) {
        let asha = app.driver("asha").await;
        add(&asha, json!({ "plate": "MH 1" })).await;
        asha.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
        let left = app.app.db.read(|tx| Ok(tx.one("select count(*) from vehicles", &[], |row| row.get::<i64>(0))?));
        assert_eq!(left.await.unwrap(), 0);
    }
}
