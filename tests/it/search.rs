//! One box for everything.

use serde_json::Value;

use crate::harness::{Caller, TestApp, text};

async fn find(admin: &Caller<'_>, q: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
    let found =
        admin.get(&format!("/api/admin/search?q={}", q.replace(' ', "%20"))).await.expect(200);
    let all = |kind: &str, field: &str| -> Vec<String> {
        found[kind]
            .as_array()
            .unwrap()
            .iter()
            .map(|one: &Value| text(one, field).to_owned())
            .collect()
    };
    (all("lots", "name"), all("bookings", "vehicle_plate"), all("users", "name"))
}

on_both! {
    async fn a_plate_a_reference_a_name_and_a_place_are_found(app: TestApp) {
        let (admin, _) = (app.admin().await, app.driver("asha").await);
        let lot = admin.new_lot("Central Market", 10).await;
        admin.new_lot("Harbour", 10).await;
        let first = admin.walk_in(&lot, "MH 12 AB 1").await.expect(201);
        admin.release(&first).await.expect(200);
        app.wait_minutes(1);
        let open = admin.walk_in(&lot, "MH 12 AB 2").await.expect(201);
        app.wait_minutes(1);
        let last = admin.walk_in(&lot, "MH 12 AB 3").await.expect(201);
        admin.release(&last).await.expect(200);
        let plates = |found: (Vec<String>, Vec<String>, Vec<String>)| found.1;
        // The open one first.
        assert_eq!(plates(find(&admin, "mh 12").await), ["MH12AB2", "MH12AB3", "MH12AB1"]);
        assert_eq!(plates(find(&admin, "MH12AB3").await), ["MH12AB3"]);
        assert_eq!(plates(find(&admin, text(&open, "reference")).await), ["MH12AB2"]);
        assert_eq!(plates(find(&admin, &text(&first, "reference").to_lowercase()[..7]).await).last().unwrap(), "MH12AB1");
        assert_eq!(find(&admin, "market cent").await, (vec!["Central Market".into()], vec![], vec![]));
        assert_eq!(find(&admin, "asha").await.2, ["asha"]);
        assert_eq!(find(&admin, "%").await, (vec![], vec![], vec![]));
        assert_eq!(find(&admin, "").await, (vec![], vec![], vec![]));
    }

    async fn it_is_the_admins(app: TestApp) {
        let asha = app.driver("asha").await;
        asha.get("/api/admin/search?q=asha").await.refused(403, "forbidden");
    }
}
