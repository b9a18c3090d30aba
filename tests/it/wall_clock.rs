//! The whole process under a clock that others set: summer time in six zones, leaps ahead and back.
//!
//! `wall_clock.c` stands between the processes and the system's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parking::clock::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::harness::{PASSWORD, items, text};
use crate::process::{Server, create_admin, parking, run};

/// Each with a day after which its clocks are changed twice; where they are not, it is any day.
const ZONES: [(&str, &str); 6] = [
    ("Asia/Kolkata", "2026-02-01"),
    ("Europe/Berlin", "2026-02-01"),
    ("America/New_York", "2026-02-01"),
    // By half an hour.
    ("Australia/Lord_Howe", "2026-02-01"),
    // At midnight, so that a day has none. They do it no more.
    ("America/Sao_Paulo", "2018-10-01"),
    // A day ahead of America.
    ("Pacific/Kiritimati", "2026-02-01"),
];

const TWO_HOURS: SignedDuration = SignedDuration::from_hours(2);

#[test]
fn clocks_that_are_changed_or_leap_spoil_no_booking_session_mail_or_figure() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("wall_clock.so");
    let library = library.as_path();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-o"])
        .args([library, Path::new("tests/it/wall_clock.c")])
        .status();
    assert!(compiled.unwrap().success());
    std::thread::scope(|scope| {
        for (name, day) in ZONES {
            let zone = TimeZone::get(name).unwrap();
            let story = move || year(library, zone, day.parse().unwrap());
            std::thread::Builder::new().name(name.into()).spawn_scoped(scope, story).unwrap();
        }
    });
}

/// The days around both changes of the clocks, the ends of their months, and a leap of a month.
fn year(library: &Path, zone: TimeZone, from: Date) {
    let [first, second] = changes(&zone, from);
    let mut town = Town::open(library, zone, first - SignedDuration::from_hours(36));
    for change in [first, second] {
        town.changes_its_clocks(change);
        town.reports_the_month(change);
        town.leaps_a_month_ahead();
    }
    town.close();
}

/// When the clocks of a zone are changed next; where they are not, some days.
fn changes(zone: &TimeZone, from: Date) -> [Timestamp; 2] {
    let from = from.to_zoned(zone.clone()).unwrap().timestamp();
    let after = |days: i64| from + SignedDuration::from_hours(24 * days);
    let mut changes = zone.following(from).map(|change| change.timestamp());
    [60, 200].map(|days| changes.next().filter(|at| *at < after(365)).unwrap_or(after(days)))
}

/// The clock on the wall of some processes.
struct WallClock {
    library: PathBuf,
    file: PathBuf,
    /// Of the system's.
    ahead: SignedDuration,
}

impl WallClock {
    fn new(library: &Path, folder: &Path) -> Self {
        let (library, file) = (library.to_owned(), folder.join("clock"));
        Self { library, file, ahead: SignedDuration::ZERO }
    }

    fn now(&self) -> Timestamp {
        Clock::system().now() + self.ahead
    }

    fn set(&mut self, at: Timestamp) {
        self.ahead = at.duration_since(Clock::system().now());
        let micros = i64::try_from(self.ahead.as_micros()).unwrap().to_ne_bytes();
        let file = File::options().create(true).write(true).truncate(false).open(&self.file);
        file.unwrap().write_all_at(&micros, 0).unwrap();
    }

    /// Hangs it up for a process that is to be started.
    fn govern<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("LD_PRELOAD", &self.library).env("WALL_CLOCK", &self.file)
    }
}

/// Killed when it goes out of scope.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a sign-in gives.
struct Session {
    token: String,
    /// As `name=value`.
    cookie: String,
}

/// An installation, and what happened in it.
struct Town {
    zone: TimeZone,
    clock: WallClock,
    folder: TempDir,
    server: Server,
    _worker: Worker,
    agent: ureq::Agent,
    opened_on: Date,
    lot: String,
    /// The days on which it was six in the evening while somebody was parked.
    evenings: BTreeSet<Date>,
    plates: usize,
}

impl Town {
    fn open(library: &Path, zone: TimeZone, at: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut clock = WallClock::new(library, folder.path());
        clock.set(at);
        let process = || {
            let mut command = parking(folder.path());
            clock.govern(&mut command);
            command
                .env("TIME_ZONE", zone.iana_name().unwrap())
                .env("REMIND_OPEN_HOURS", "1")
                // Only what a leap just passed is made up.
                .env("MISSED_TICK_HOURS", "1")
                // All mails are looked at in the end.
                .env("TASKS_KEPT_DAYS", "3650");
            command
        };
        create_admin(&mut process());
        let server = Server::spawn(process().arg("serve"));
        let log = File::create(folder.path().join("worker.log")).unwrap();
        let worker = process().arg("worker").stdin(Stdio::null()).stderr(log).spawn().unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        let mut town = Self {
            opened_on: at.to_zoned(zone.clone()).date(),
            zone,
            clock,
            folder,
            server,
            _worker: Worker(worker),
            agent,
            lot: String::new(),
            evenings: BTreeSet::new(),
            plates: 0,
        };
        town.lot = town.server.new_lot(&town.admin(), 20);
        let asha = json!({ "name": "Asha", "email": "asha@example.org", "password": PASSWORD });
        town.ask(201, "POST", "/api/auth/register", "", Some(&asha));
        // A schedule that was never looked at has missed nothing.
        until("the schedules are known", || town.sql("select count(*) = 3 from schedules"));
        town
    }

    /// She is parked over the evenings before and after, and on another spot while they are changed.
    fn changes_its_clocks(&mut self, change: Timestamp) {
        let before = change - SignedDuration::from_hours(18);
        let day = before.to_zoned(self.zone.clone()).date();
        let day_after = day.tomorrow().unwrap();
        self.set(day, 12);
        let long = self.park();
        self.evening(day);
        self.clock.set(change - SignedDuration::from_secs(10));
        let across = self.park();
        self.clock.set(change + SignedDuration::from_hours(1));
        self.release(&across);
        self.evening(day_after);
        self.goes_two_hours_back(&long);
        self.set(day_after.tomorrow().unwrap(), 12);
        self.release(&long);
    }

    /// Six o'clock, when who is parked is reminded.
    fn evening(&mut self, day: Date) {
        self.set(day, 18);
        self.evenings.insert(day);
        let admin = self.admin();
        until("she is reminded", || self.reminders(&admin).contains_key(&day));
    }

    fn goes_two_hours_back(&mut self, long: &Value) {
        let (asha, lost) = (self.sign_in("asha"), self.sign_in("asha"));
        let before = self.walk_in();
        let evening = self.clock.now();
        self.clock.set(evening - TWO_HOURS);
        // Her token is of a time to come; the client gets another, and she notices nothing.
        self.ask(401, "GET", "/api/me", &asha.token, None);
        let asha = self.refresh(200, &asha);
        let path = format!("/api/bookings/{}", text(long, "id"));
        let so_far = self.ask(200, "GET", &path, &asha.token, None);
        assert!((0..30 * 6000).contains(&so_far["cost_minor"].as_i64().unwrap()), "{so_far}");
        let released = self.release(&before);
        let ended = (&released["released_at"], released["cost_minor"].as_i64());
        assert_eq!(ended, (&before["started_at"], Some(0)));
        let meanwhile = self.walk_in();
        self.release(&meanwhile);
        let (status, ..) = self.send("POST", "/api/auth/logout", &lost.cookie, None, None);
        assert_eq!(status, 204);
        self.clock.set(evening + SignedDuration::from_secs(30));
        let asha = self.refresh(200, &asha);
        self.ask(200, "GET", "/api/me", &asha.token, None);
        // The session ended two hours before its token began.
        self.ask(401, "GET", "/api/me", &lost.token, None);
    }

    /// The clock passes the end of the month, goes back behind it, and passes it again.
    fn reports_the_month(&mut self, change: Timestamp) {
        let day = change.to_zoned(self.zone.clone()).date();
        let month = day.strftime("%B %Y").to_string();
        self.set(day.last_of_month().tomorrow().unwrap(), 1);
        let both = [format!("Parking operations in {month}"), format!("Your parking in {month}")];
        let admin = self.admin();
        until("the month is reported", || {
            let reports = self.reports(&admin);
            both.iter().all(|subject| reports.contains_key(subject))
        });
        let last = self.walk_in();
        let first = self.clock.now() + SignedDuration::from_mins(1);
        self.clock.set(first);
        let counted = text(&last, "id").replace('-', "").to_uppercase();
        let counted = format!("select hex(through) = '{counted}' from tally_state");
        until("all is counted", || self.sql(&counted));
        self.clock.set(first - TWO_HOURS);
        let again = self.walk_in();
        self.release(&again);
        until("the leap is noticed", || self.sql("select recount from tally_state"));
        self.clock.set(first + SignedDuration::from_mins(1));
        self.release(&last);
        until("all is counted anew", || self.sql("select not recount from tally_state"));
        self.check_figures();
    }

    fn leaps_a_month_ahead(&mut self) {
        let asha = self.sign_in("asha");
        self.clock.set(self.clock.now() + SignedDuration::from_hours(30 * 24));
        self.ask(401, "GET", "/api/me", &asha.token, None);
        self.refresh(401, &asha);
        let asha = self.sign_in("asha");
        self.ask(200, "GET", "/api/me", &asha.token, None);
        let stay = self.walk_in();
        self.release(&stay);
    }

    /// Everything is as if no clock had been touched.
    fn close(mut self) {
        self.check_bookings();
        self.check_figures();
        let once: BTreeMap<_, _> = self.evenings.iter().map(|day| (*day, 1)).collect();
        let admin = self.admin();
        assert_eq!(self.reminders(&admin), once);
        let reports = self.reports(&admin);
        assert!(reports.values().all(|count| *count == 1), "{reports:?}");
        self.server.signal("-TERM");
        let (status, said) = self.server.end();
        let worker = std::fs::read_to_string(self.folder.path().join("worker.log")).unwrap();
        assert_eq!(status.code(), Some(0), "{said}");
        let went_back = [&said, &worker].iter().any(|log| log.contains("the clock went back"));
        assert!(went_back, "{said}{worker}");
        for log in [&said, &worker] {
            assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
        }
        let mut verify = parking(self.folder.path());
        let (status, said) = run(self.clock.govern(&mut verify).args(["audit", "verify"]), "");
        assert!(status.success(), "{said}");
    }

    /// Ids and references are unique, ids in the order of the starts, and each stay costs what it took.
    fn check_bookings(&self) {
        let bookings = self.bookings();
        let ids: Vec<Uuid> = bookings.iter().map(|one| text(one, "id").parse().unwrap()).collect();
        assert!(ids.is_sorted_by(|newer, older| newer > older));
        let starts: Vec<_> = bookings.iter().map(|one| instant(one, "started_at")).collect();
        assert!(starts.is_sorted_by(|newer, older| newer >= older));
        let references: BTreeSet<_> = bookings.iter().map(|one| text(one, "reference")).collect();
        assert_eq!(references.len(), bookings.len());
        for booking in &bookings {
            let (start, end) = (instant(booking, "started_at"), instant(booking, "released_at"));
            assert!(start <= end, "{booking}");
            // The lot takes 60.00 an hour, by the minute.
            let started = (end.duration_since(start).as_micros() + 59_999_999) / 60_000_000;
            assert_eq!(booking["cost_minor"], json!(100 * started), "{booking}");
        }
    }

    /// The statistics say what the bookings do, day by day of the zone.
    fn check_figures(&self) {
        let bookings = self.bookings();
        let today = self.clock.now().to_zoned(self.zone.clone()).date();
        let path = format!("/api/admin/stats?from={}&to={today}", self.opened_on);
        let stats = self.ask(200, "GET", &path, &self.admin(), None);
        let mut days: BTreeMap<String, (i64, i64, i64)> = BTreeMap::new();
        let date = |at: Timestamp| at.to_zoned(self.zone.clone()).date().to_string();
        for booking in &bookings {
            days.entry(date(instant(booking, "started_at"))).or_default().0 += 1;
            let day = days.entry(date(instant(booking, "released_at"))).or_default();
            *day = (day.0, day.1 + 1, day.2 + booking["cost_minor"].as_i64().unwrap());
        }
        let counted = stats["days"].as_array().unwrap().iter().map(|day| {
            let number = |field: &str| day[field].as_i64().unwrap();
            let revenue = day["revenue"][0]["amount_minor"].as_i64().unwrap_or_default();
            let figures = (number("bookings_started"), number("bookings_released"), revenue);
            (text(day, "day").to_owned(), figures)
        });
        let counted: BTreeMap<_, _> =
            counted.filter(|(_, figures)| *figures != (0, 0, 0)).collect();
        assert_eq!(counted, days);
    }

    /// How many reminders were written on a day.
    fn reminders(&self, admin: &str) -> BTreeMap<Date, usize> {
        self.mails(admin, "reminders", |mail| {
            instant(mail, "created_at").to_zoned(self.zone.clone()).date()
        })
    }

    /// How many reports have a subject.
    fn reports(&self, admin: &str) -> BTreeMap<String, usize> {
        self.mails(admin, "reports", |mail| text(mail, "subject").to_owned())
    }

    fn mails<K: Ord>(
        &self,
        admin: &str,
        list: &str,
        key: impl Fn(&Value) -> K,
    ) -> BTreeMap<K, usize> {
        let page = self.ask(200, "GET", "/api/admin/mails?limit=100", admin, None);
        let mut mails = BTreeMap::new();
        for mail in items(&page).iter().filter(|mail| mail["list"] == list) {
            *mails.entry(key(mail)).or_default() += 1;
        }
        mails
    }

    /// The newest first.
    fn bookings(&self) -> Vec<Value> {
        let page = self.ask(200, "GET", "/api/admin/bookings?limit=100", &self.admin(), None);
        assert!(page["next_cursor"].is_null());
        items(&page).clone()
    }

    /// A few seconds after a full hour of a day there.
    fn set(&mut self, day: Date, hour: i8) {
        let at = day.at(hour, 0, 3, 0).to_zoned(self.zone.clone()).unwrap();
        self.clock.set(at.timestamp());
    }

    /// She parks.
    fn park(&self) -> Value {
        let (asha, body) = (self.sign_in("asha"), json!({ "lot_id": self.lot }));
        self.ask(201, "POST", "/api/bookings", &asha.token, Some(&body))
    }

    fn walk_in(&mut self) -> Value {
        self.plates += 1;
        let body = json!({ "lot_id": self.lot, "vehicle_plate": format!("P{}", self.plates) });
        self.ask(201, "POST", "/api/admin/bookings", &self.admin(), Some(&body))
    }

    fn release(&self, booking: &Value) -> Value {
        let path = format!("/api/bookings/{}/release", text(booking, "id"));
        self.ask(200, "POST", &path, &self.admin(), None)
    }

    /// The admin's token, of this moment.
    fn admin(&self) -> String {
        self.sign_in("admin").token
    }

    fn sign_in(&self, name: &str) -> Session {
        let credentials = json!({ "email": format!("{name}@example.org"), "password": PASSWORD });
        let answer = self.send("POST", "/api/auth/login", "", None, Some(&credentials));
        let (200, said, cookie) = answer else { panic!("{answer:?}") };
        Session { token: text(&said, "access_token").to_owned(), cookie }
    }

    fn refresh(&self, expected: u16, session: &Session) -> Session {
        let answer = self.send("POST", "/api/auth/refresh", &session.cookie, None, None);
        let (status, said, cookie) = answer;
        assert_eq!(status, expected, "{said}");
        Session { token: said["access_token"].as_str().unwrap_or_default().to_owned(), cookie }
    }

    fn ask(
        &self,
        expected: u16,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Value {
        let (status, said, _) = self.send(method, path, "", Some(token), body);
        assert_eq!(status, expected, "{method} {path}: {said}");
        said
    }

    /// The status, the body, and the cookie that was set.
    fn send(
        &self,
        method: &str,
        path: &str,
        cookie: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value, String) {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server.url))
            .header("cookie", cookie);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut answer = self.agent.run(request.body(body).unwrap()).unwrap();
        let cookie = answer.headers().get("set-cookie").map_or("", |set| set.to_str().unwrap());
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let said = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&said).unwrap_or_default(), cookie)
    }

    /// What a question to the database says, yes or no.
    fn sql(&self, question: &str) -> bool {
        let file = self.folder.path().join("parking.sqlite");
        let database = rusqlite::Connection::open(file).unwrap();
        database.query_row(question, [], |row| row.get(0)).unwrap()
    }
}

fn instant(booking: &Value, field: &str) -> Timestamp {
    text(booking, field).parse().unwrap()
}

/// Waits for what has to come true.
fn until(what: &str, fact: impl Fn() -> bool) {
    let begun = Instant::now();
    while !fact() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: it does not come true");
        std::thread::sleep(Duration::from_millis(50));
    }
}
