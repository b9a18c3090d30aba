//! Who may do what: every operation of the API, by everybody, on what is theirs and what is not.

use parking::jobs::worker;
use serde_json::{Value, json};

use crate::harness::{Caller, PASSWORD, TestApp, items, text};
use crate::torture::seen;

/// Who an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// Signed in or not; ids of its path are nobody's own.
    All,
    /// Whoever is signed in, about themselves or what is everybody's.
    Users,
    /// The person whose thing the path names; to others it does not exist.
    Owner,
    /// Likewise, and the admin.
    OwnerAndAdmin,
    Admin,
}

/// Said here and nowhere else: an operation that is not is a failure.
fn rule(operation: &str) -> For {
    match operation {
        "forgot_password" | "login" | "logout" | "refresh_session" | "register"
        | "reset_password" | "events" | "list_lots" | "lot" | "quote" | "setup" | "claim_admin"
        | "unsubscribe_page" | "unsubscribe" | "health_live" | "health_ready" | "metrics" => {
            For::All
        }
        "list_bookings" | "create_booking" | "create_export" | "list_spots" | "profile"
        | "delete_account" | "change_profile" | "change_password" | "list_sessions"
        | "end_other_sessions" | "list_vehicles" | "create_vehicle" | "list_reports" | "report"
        | "report_pdf" | "own_stats" | "own_data" => For::Users,
        "download_export" | "end_session" | "delete_vehicle" | "change_vehicle" | "task" => {
            For::Owner
        }
        "booking" | "release_booking" => For::OwnerAndAdmin,
        "list_audit"
        | "list_all_bookings"
        | "create_walk_in"
        | "create_admin_export"
        | "import_lots"
        | "list_spots_with_bookings"
        | "list_mails"
        | "mail"
        | "overview"
        | "list_operator_reports"
        | "operator_report"
        | "operator_report_pdf"
        | "list_schedules"
        | "run_schedule"
        | "search"
        | "list_settings"
        | "stats"
        | "list_tasks"
        | "retry_task"
        | "list_users"
        | "user"
        | "change_user"
        | "create_lot"
        | "delete_lot"
        | "change_lot"
        | "change_spot" => For::Admin,
        other => panic!("nobody has said who {other} is for"),
    }
}

/// An installation with one of everything that is Asha's, and who may look at it.
struct World<'a> {
    admin: Caller<'a>,
    asha: Caller<'a>,
    ravi: Caller<'a>,
    disabled: Caller<'a>,
    lot: String,
    spot: String,
    booking: String,
    vehicle: String,
    session: String,
    export: String,
    mail: String,
    task: String,
}

impl<'a> World<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let admin = app.admin().await;
        let asha = app.driver("asha").await;
        let ravi = app.driver("ravi").await;
        let disabled = app.driver("disabled").await;
        let lot = admin.new_lot("Central", 3).await;
        let booking = asha.park(&lot).await.expect(201);
        let vehicle = asha.post("/api/me/vehicles", json!({ "plate": "MH12AB1234" })).await;
        let vehicle = text(&vehicle.expect(201), "id").to_owned();
        let export = asha.post("/api/exports", json!({})).await.expect(202);
        let export = text(&export, "task_id").to_owned();
        worker::work_off(&app.app).await.unwrap();
        // Not the one that asks: it would end itself.
        app.sign_in("asha@example.org").await;
        let sessions = asha.get("/api/me/sessions").await.expect(200);
        let of = |session: &&Value| session["is_current"] == false;
        let session =
            items(&sessions).iter().find(of).map(|session| text(session, "id").to_owned());
        let spots = admin.get(&format!("/api/admin/lots/{lot}/spots")).await.expect(200);
        let spot = text(&items(&spots)[2], "id").to_owned();
        let mails = admin.get("/api/admin/mails").await.expect(200);
        let mail = text(&items(&mails)[0], "id").to_owned();
        let disable = json!({ "active": false });
        admin.patch(&format!("/api/admin/users/{}", disabled.id), disable).await.expect(200);
        Self {
            lot,
            spot,
            booking: text(&booking, "id").to_owned(),
            vehicle,
            session: session.unwrap(),
            task: export.clone(),
            export,
            mail,
            admin,
            asha,
            ravi,
            disabled,
        }
    }

    /// What the id in the path of an operation names.
    fn id_for(&self, operation: &str) -> &str {
        match operation {
            "mail" => &self.mail,
            "retry_task" | "task" => &self.task,
            "user" | "change_user" => &self.ravi.id,
            "booking" | "release_booking" => &self.booking,
            "download_export" => &self.export,
            "change_spot" => &self.spot,
            "end_session" => &self.session,
            "delete_vehicle" | "change_vehicle" => &self.vehicle,
            _ => &self.lot,
        }
    }

    /// A body that would be accepted.
    fn body_for(&self, operation: &str) -> Value {
        match operation {
            "create_walk_in" | "create_booking" => {
                json!({ "lot_id": self.lot, "vehicle_plate": "W1" })
            }
            "create_lot" => {
                json!({ "name": "North", "price_per_hour_minor": 100, "number_of_spots": 1 })
            }
            "change_lot" | "change_profile" => json!({ "name": "Another" }),
            "change_user" => json!({ "active": true }),
            "change_spot" => json!({ "label": "Z9" }),
            "change_vehicle" => json!({ "name": "Red" }),
            "create_vehicle" => json!({ "plate": "KA01ZZ9999" }),
            "delete_account" => json!({ "password": "not the password" }),
            "change_password" => {
                json!({ "current_password": "not the password", "new_password": PASSWORD })
            }
            "create_admin_export" => json!({ "kind": "bookings" }),
            _ => json!({}),
        }
    }
}

struct Operation {
    name: String,
    method: String,
    path: String,
    has_body: bool,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(parking::http::openapi()).unwrap();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(name) = operation["operationId"].as_str() else { continue };
            let (name, method) = (name.to_owned(), method.to_uppercase());
            let has_body = !operation["requestBody"].is_null();
            // The document tells clients what it takes.
            let open = operation["security"].is_null();
            assert_eq!(open, rule(&name) == For::All, "{name} in the document");
            found.push(Operation { name, method, path: path.clone(), has_body });
        }
    }
    assert!(found.len() > 50, "{}", found.len());
    found
}

impl Operation {
    async fn by(&self, caller: &Caller<'_>, id: &str, body: &Value) -> u16 {
        let path = self.path.replace("{id}", id);
        let path = path.replace("{month}", "2026-10").replace("{name}", "clean-up");
        let body = self.has_body.then(|| body.to_string());
        caller.send(&self.method, &path, body, &[]).await.status.as_u16()
    }
}

const UNKNOWN: &str = "01980000-0000-7000-8000-000000000000";

#[tokio::test]
async fn nobody_does_what_is_not_theirs_and_everybody_what_is() {
    let (mut checked, mut failures) = (0, Vec::new());
    for operation in operations() {
        let rule = rule(&operation.name);
        // They have their own tests; `events` does not end.
        if rule == For::All {
            continue;
        }
        let app = TestApp::sqlite().await;
        let world = World::new(&app).await;
        let (own, body) = (world.id_for(&operation.name), world.body_for(&operation.name));
        let has_id = operation.path.contains("{id}");
        let nobody = app.nobody();
        let mut check = |who: &str, id: &str, status: u16, right: bool| {
            checked += 1;
            if !right {
                let Operation { name, method, path, .. } = &operation;
                failures.push(format!("{name} ({method} {path}) by {who} on {id}: {status}"));
            }
        };
        for (who, caller) in [("nobody", &nobody), ("disabled", &world.disabled)] {
            for id in [own, UNKNOWN, "none"] {
                let status = operation.by(caller, id, &body).await;
                check(who, id, status, status == 401);
            }
        }
        let refused = [401, 403, 404, 405];
        match rule {
            For::Admin => {
                for (who, caller) in [("asha", &world.asha), ("ravi", &world.ravi)] {
                    for id in [own, UNKNOWN] {
                        let status = operation.by(caller, id, &body).await;
                        check(who, id, status, status == 403);
                    }
                }
            }
            For::Owner | For::OwnerAndAdmin => {
                let status = operation.by(&world.ravi, own, &body).await;
                check("ravi", own, status, status == 404);
                let by_admin = operation.by(&world.admin, own, &body).await;
                let shown = by_admin != 404;
                check("admin", own, by_admin, shown == (rule == For::OwnerAndAdmin));
            }
            For::Users | For::All => {}
        }
        if has_id {
            let status = operation.by(&world.admin, UNKNOWN, &body).await;
            check("admin", UNKNOWN, status, status == 404);
        }
        let (who, caller) = match rule {
            For::Admin => ("admin", &world.admin),
            _ => ("asha", &world.asha),
        };
        let status = operation.by(caller, own, &body).await;
        // A wrong password and a month without a report are refusals of another kind.
        let expected = match operation.name.as_str() {
            "delete_account" | "change_password" => status == 403,
            "report" | "report_pdf" | "operator_report" | "operator_report_pdf" => {
                status == 404 || status == 200
            }
            _ => !refused.contains(&status) && status < 500,
        };
        check(who, own, status, expected);
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(checked > 400, "{checked}");
    seen(&format!("{checked} attempts, none with another outcome"));
}
