//! Backups of a busy server.

use crate::process::{Server, parking, run};
use crate::torture::{scale, seen};

use super::Site;

#[test]
fn backups_of_a_busy_server_hold_all_that_was_acknowledged_before_them_and_start() {
    let count = scale(3, 50);
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::open(folder.path());
    let restored: Vec<_> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
    for restored in &restored {
        let mut before = Vec::new();
        site.go(parking(folder.path()).arg("serve"), 100, |server| {
            before = open_plates(server);
            let copy = restored.path().join("parking.sqlite");
            let (status, said) = run(parking(folder.path()).arg("backup").arg(copy), "");
            assert!(status.success(), "{said}");
        });
        site.check(folder.path()).unwrap();
        let server = Server::spawn(parking(restored.path()).arg("serve"));
        server.sign_in();
        let held = super::crowd::stays_in(&restored.path().join("parking.sqlite"), "T").unwrap();
        let lost: Vec<_> = before.iter().filter(|plate| !held.contains_key(*plate)).collect();
        assert!(!before.is_empty() && lost.is_empty(), "{lost:?} of {}", before.len());
    }
    seen(&format!("{count} backups under load, each restored, started and checked"));
}

/// Some of those parked at this moment.
fn open_plates(server: &Server) -> Vec<String> {
    let token = server.sign_in();
    let path = "/api/admin/bookings?status=open&limit=100";
    let page = server.expect(200, "GET", path, Some(&token), None);
    let plates = page["items"].as_array().unwrap().iter();
    plates.map(|booking| booking["vehicle_plate"].as_str().unwrap().to_owned()).collect()
}
