//! The first free spot, lowest label first, however many clients ask however many servers at once:
//! what the clients saw is written down (`clients.rs`) and checked (`check.rs`).
//!
//! That the checker finds faults is shown twice: on histories that are told otherwise
//! (`properties.rs`), and here, by servers whose database does not do what they ask of it.

mod check;
mod clients;
mod explain;
mod history;
mod properties;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking::lots::label::natural_order;
use tempfile::TempDir;
use url::Url;

use check::{Verdict, check};
use clients::{CLIENTS, Clients, Lot};
use history::History;

use crate::harness::{items, postgres_schema, text};
use crate::peers::Proxy;
use crate::process::{Server, create_admin, like, parking, run};
use crate::replicas::on_database;
use crate::torture::{scale, seen};

/// The hot lot is often full; the labels of another go on beyond A99 and A100.
const SPOTS: [i64; 3] = [40, 110, 6];

fn new_lots(server: &Server, token: &str) -> Vec<Lot> {
    let new_lot = |spots: i64| {
        let id = server.new_lot(token, spots);
        let path = format!("/api/lots/{id}/spots");
        let spots = server.expect(200, "GET", &path, Some(token), None);
        let mut labels: Vec<_> =
            items(&spots).iter().map(|spot| text(spot, "label").to_owned()).collect();
        labels.sort_by_key(|label| natural_order(label));
        Lot { id, labels }
    };
    SPOTS.map(new_lot).into()
}

/// An installation on PostgreSQL; `url` may lead through a proxy.
fn three_servers(folder: &Path, url: &str) -> [Server; 3] {
    let (status, said) = run(&mut on_database(url, folder, "migrate"), "");
    assert!(status.success(), "{said}");
    create_admin(parking(folder).env("DATABASE_URL", url));
    std::array::from_fn(|_| Server::spawn(&mut on_database(url, folder, "serve")))
}

#[track_caller]
fn all_linearizable(histories: &[History]) {
    for history in histories {
        match check(history) {
            Verdict::Linearizable => {}
            Verdict::Violated(violation) => panic!("{violation}"),
            Verdict::Undecided => panic!("too much was not heard to decide"),
        }
    }
    let operations: usize = histories.iter().map(|history| history.operations.len()).sum();
    let unheard: usize = histories.iter().map(History::unheard).sum();
    seen(&format!(
        "{CLIENTS} clients, {operations} operations, {unheard} not heard of: linearizable"
    ));
}

/// Clients that waited for each other would prove nothing.
#[track_caller]
fn together(histories: &[History]) {
    let most = histories[0].in_flight_max();
    assert!(most > CLIENTS / 2, "{most} at most were under way in the hot lot");
}

#[test]
fn first_free_order_is_linearizable_over_three_servers() {
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let servers = three_servers(folder.path(), &runtime.block_on(postgres_schema()));
    let token = servers[0].sign_in();
    let lots = new_lots(&servers[0], &token);
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    let histories = Clients::new(urls, &token, &lots).record(scale(4000, 50_000));
    together(&histories);
    all_linearizable(&histories);
}

#[test]
fn first_free_order_is_linearizable_on_sqlite() {
    let folder = TempDir::new().unwrap();
    create_admin(&mut parking(folder.path()));
    let server = Server::spawn(parking(folder.path()).arg("serve"));
    let token = server.sign_in();
    let lots = new_lots(&server, &token);
    let histories =
        Clients::new(vec![server.url.clone()], &token, &lots).record(scale(4000, 50_000));
    together(&histories);
    all_linearizable(&histories);
}

#[test]
fn first_free_order_is_linearizable_while_servers_are_killed_and_connections_cut() {
    const TROUBLES: usize = 12;
    let operations = scale(4000, 50_000);
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut url: Url = runtime.block_on(postgres_schema()).parse().unwrap();
    let database = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let proxy = runtime.block_on(Proxy::start(database));
    url.set_port(Some(proxy.port)).unwrap();
    let mut servers = three_servers(folder.path(), url.as_str());
    let token = servers[0].sign_in();
    let lots = new_lots(&servers[0], &token);
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    let mut clients = Clients::new(urls, &token, &lots);
    clients.careless = true;
    let histories = std::thread::scope(|scope| {
        let recording = scope.spawn(|| clients.record(operations));
        for trouble in 1..=TROUBLES {
            let begins = trouble * operations / (TROUBLES + 2);
            while clients.answered.load(Ordering::Relaxed) < begins && !recording.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
            }
            proxy.cut();
            if trouble % 4 == 0 {
                let killed = trouble / 4 - 1;
                servers[killed].signal("-KILL");
                servers[killed] =
                    Server::spawn(&mut on_database(url.as_str(), folder.path(), "serve"));
                clients.urls.write().unwrap()[killed].clone_from(&servers[killed].url);
            }
        }
        recording.join().unwrap()
    });
    let unheard: usize = histories.iter().map(History::unheard).sum();
    assert!(unheard > 0, "the troubles came while somebody waited");
    all_linearizable(&histories);
}

/// The first violation there is.
fn violation(histories: &[History]) -> Option<String> {
    histories.iter().find_map(|history| match check(history) {
        Verdict::Violated(violation) => Some(violation.to_string()),
        _ => None,
    })
}

#[test]
#[ignore = "needs the broken build, which `make torture` makes"]
fn a_build_that_takes_any_free_spot_is_found_out() {
    let folder = TempDir::new().unwrap();
    create_admin(&mut parking(folder.path()));
    let broken = std::fs::canonicalize("target/broken/debug/parking").expect("it is built");
    let mut broken = Command::new(broken);
    like(&mut broken, &parking(folder.path()));
    let server = Server::spawn(broken.arg("serve"));
    let token = server.sign_in();
    let lots = new_lots(&server, &token);
    let urls = vec![server.url.clone()];
    let found = violation(&Clients::new(urls, &token, &lots).record(scale(4000, 50_000)));
    let found = found.expect("it is found out");
    seen(found.lines().next().unwrap().trim_end_matches(':'));
}

/// Three servers on a database that was changed by `fault`: what the checker says.
fn with_a_fault(fault: &str) -> String {
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(postgres_schema());
    let servers = three_servers(folder.path(), &database);
    let token = servers[0].sign_in();
    let lots = new_lots(&servers[0], &token);
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(&database, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(fault).await.unwrap();
    });
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    let found = violation(&Clients::new(urls, &token, &lots).record(1600));
    let found = found.expect("the fault is found");
    eprintln!("{found}");
    found
}

#[test]
fn a_spot_that_is_now_and_then_taken_out_of_order_is_found() {
    let found = with_a_fault(
        "create function fault() returns trigger language plpgsql as $$ begin \
           if random() < 0.3 then new.label_order := '\\xff'::bytea || new.label_order; end if; \
           return new; end $$; \
         create trigger fault before insert on free_spots for each row execute function fault()",
    );
    assert!(found.contains(" parked on ") && found.contains("no place in any order"), "{found}");
}

#[test]
fn a_lot_that_is_now_and_then_full_too_early_is_found() {
    let found = with_a_fault(
        "create function fault() returns trigger language plpgsql as $$ begin \
           return case when random() < 0.3 then null else new end; end $$; \
         create trigger fault before insert on free_spots for each row execute function fault()",
    );
    assert!(found.contains("no place in any order"), "{found}");
}

/// Both who left it give it back: the second finds it free already, and must not wait until it is not.
#[test]
fn a_spot_that_is_now_and_then_taken_twice_is_found() {
    let found = with_a_fault(
        "drop index bookings_open_spot; \
         create function fault() returns trigger language plpgsql as $$ begin \
           if random() < 0.3 then insert into free_spots select old.* on conflict do nothing; end if; \
           return null; end $$; \
         create trigger fault after delete on free_spots for each row execute function fault(); \
         create function once() returns trigger language plpgsql as $$ begin \
           return case when exists (select 1 from free_spots where spot_id = new.spot_id) \
             then null else new end; end $$; \
         create trigger once before insert on free_spots for each row execute function once()",
    );
    assert!(found.contains("taken twice") || found.contains("no place in any order"), "{found}");
}
