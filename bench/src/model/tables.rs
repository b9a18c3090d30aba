//! The tables of `docs/SCALING.md`, each between two comments that name it.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::checks::{self, Check};
use super::ladder::{self, Load, MICRO, MILLI, Resource, Shape, TERA};
use super::lane::{BATCH_MAX, Service, Waits, alone, one_lot};
use super::parameters::Parameters;

const COMMANDS: usize = 60_000;
const SEED: u64 = 20_260_608;
/// Beyond this share of what a lane can do its queue only grows.
const SHARE_MAX: f64 = 0.98;

/// Every table by its name.
#[must_use]
pub fn all(parameters: &Parameters) -> Vec<(&'static str, String)> {
    let fitted = checks::fit(parameters);
    vec![
        ("load", load(parameters)),
        ("ladder", climbed(parameters)),
        ("cell", cell(parameters)),
        ("world", world(parameters)),
        ("lanes", lanes(parameters)),
        ("hot", hot(parameters)),
        ("distance", distance(parameters)),
        ("talk", talk(parameters)),
        ("storage", storage(parameters)),
        ("cost", cost(parameters)),
        ("checks", checked(&checks::checks(parameters, fitted), fitted)),
    ]
}

/// The paper with these tables in it.
///
/// # Errors
/// When it has no place for one of them.
pub fn put(paper: &str, tables: &[(&str, String)]) -> Result<String> {
    let mut paper = paper.to_owned();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- model: {name} -->\n"), "<!-- end -->");
        let missing = || format!("the paper has no place for the table {name}");
        let from = paper.find(&begin).with_context(missing)? + begin.len();
        let to = from + paper[from..].find(end).with_context(missing)?;
        paper.replace_range(from..to, table);
    }
    Ok(paper)
}

/// A table in Markdown; the first column is text, the others are figures unless `is_text`.
struct Table(String);

impl Table {
    fn new(columns: &[&str], is_text: bool) -> Self {
        let rule = if is_text { " --- |" } else { " ---: |" };
        Self(format!("| {} |\n| --- |{}\n", columns.join(" | "), rule.repeat(columns.len() - 1)))
    }

    fn row(&mut self, cells: &[String]) {
        let _ = writeln!(self.0, "| {} |", cells.join(" | "));
    }
}

/// Two digits that count, with thousands apart.
fn short(value: f64) -> String {
    if value < 1e-9 {
        return "0".into();
    }
    let digits = 10_f64.powf(value.log10().floor() - 1.0);
    let rounded = (value / digits).round() * digits;
    match rounded {
        value if value >= 9.95 => thousands(value),
        value if value >= 0.995 => format!("{value:.1}"),
        value if value >= 0.0995 => format!("{value:.2}"),
        value if value >= 0.001 => format!("{value:.3}"),
        value => format!("{value:.0e}"),
    }
}

/// Of things.
fn number(value: f64) -> String {
    if value < 99.5 { format!("{value:.0}") } else { short(value) }
}

fn thousands(value: f64) -> String {
    for (size, name) in [(1e12, " T"), (1e9, " G"), (1e6, " M")] {
        if value >= size * 0.9999 {
            let scaled = value / size;
            let decimals = usize::from(scaled < 9.95 && scaled.fract() > 0.01);
            return format!("{scaled:.decimals$}{name}");
        }
    }
    let whole = format!("{value:.0}");
    if whole.len() <= 3 {
        whole
    } else {
        format!("{},{}", &whole[..whole.len() - 3], &whole[whole.len() - 3..])
    }
}

fn power(lots: f64) -> String {
    if lots < 99_999.0 { thousands(lots) } else { format!("10^{:.0}", lots.log10()) }
}

fn load(parameters: &Parameters) -> String {
    let mut table = Table::new(
        &[
            "lots",
            "spots",
            "people",
            "bookings a day",
            "bookings/s at peak",
            "changes/s",
            "questions/s",
            "listening",
        ],
        false,
    );
    for exponent in 1..=8 {
        let load = Load::of(parameters, 10_f64.powi(exponent));
        let questions = load.lists + load.pages + load.questions;
        let cells = [
            load.spots,
            load.people,
            load.bookings_a_day,
            load.bookings,
            load.writes,
            questions,
            load.listeners,
        ];
        let mut row = vec![power(load.lots)];
        row.extend(cells.map(short));
        table.row(&row);
    }
    table.0
}

fn climbed(parameters: &Parameters) -> String {
    let mut table = Table::new(&["lots", "used most", "of what it can", "what is done"], true);
    for step in ladder::climb(parameters) {
        let share = match step.worst.share {
            share if share < 0.01 => "< 1 %".into(),
            share if share < 2.0 => format!("{:.0} %", share * 100.0),
            share => format!("{} times", short(share)),
        };
        let done = match step.remedy {
            Some(remedy) => remedy.words().to_owned(),
            None if step.cells > 1.0 => format!("{} cells", number(step.cells)),
            None => String::new(),
        };
        table.row(&[power(step.lots), step.worst.resource.words().into(), share, done]);
    }
    table.0
}

fn cell(parameters: &Parameters) -> String {
    let mut table = Table::new(
        &[
            "ends at so many lots",
            "as it is, one machine",
            "as it is, PostgreSQL",
            "with all of the above",
        ],
        false,
    );
    let shapes = [
        Shape::default(),
        Shape { remedies: vec![ladder::Remedy::Postgres] },
        ladder::everything(),
    ];
    let resources = [
        Resource::Listeners,
        Resource::Backlog,
        Resource::Question,
        Resource::Processors,
        Resource::Writer,
        Resource::Sockets,
        Resource::Primary,
        Resource::Reread,
        Resource::Talk,
        Resource::Hearing,
        Resource::Counting,
        Resource::Disk,
        Resource::References,
        Resource::Mails,
        Resource::Memory,
    ];
    let one = Load::of(parameters, 1.0);
    for resource in resources {
        let mut row = vec![resource.words().to_owned()];
        for shape in &shapes {
            let applies = shape.uses(parameters, &one).iter().any(|used| used.resource == resource);
            let most = ladder::most_lots(parameters, shape, Some(resource));
            row.push(match most {
                _ if !applies => "-".into(),
                most if most > 9e10 => "never".into(),
                most => short(most),
            });
        }
        table.row(&row);
    }
    let mut row = vec!["**anything**".to_owned()];
    for shape in &shapes {
        row.push(format!("**{}**", short(ladder::most_lots(parameters, shape, None))));
    }
    table.row(&row);
    table.0
}

fn world(parameters: &Parameters) -> String {
    let size = format!("cells of {} lots", short(ladder::cell(parameters)));
    let mut table = Table::new(
        &[
            "lots",
            &size,
            "servers",
            "databases with a standby each",
            "changes/s of the directory",
            "its shards",
        ],
        false,
    );
    for exponent in 4..=8 {
        let lots = 10_f64.powi(exponent);
        let world = ladder::world(parameters, lots);
        let has_directory = world.cells > 1.0;
        let directory = |value: f64| if has_directory { short(value) } else { "-".into() };
        let shards = if has_directory { world.directory_shards } else { 0.0 };
        table.row(&[
            power(lots),
            number(world.cells),
            number(world.servers),
            number(world.cells + shards),
            directory(world.directory),
            if has_directory { number(shards) } else { "-".into() },
        ]);
    }
    table.0
}

fn waits(waits: &Waits) -> String {
    format!("{} / {}", short(waits.at(0.5) / MILLI), short(waits.at(0.99) / MILLI))
}

/// p50 and p99 of a lane at a rate, unless it only falls behind.
fn wait(service: Service, per_second: f64) -> String {
    if per_second > service.capacity() * SHARE_MAX {
        return "-".into();
    }
    waits(&alone(service, per_second, COMMANDS, SEED))
}

/// A lane of SQLite: a change takes what it took over HTTP, so what its threads cost each other is in it.
fn sqlite_lane(rate: f64, sync: f64) -> Service {
    const MEASURED_BATCH: f64 = 64.0;
    Service { sync, each: 1.0 / rate - sync / MEASURED_BATCH, batch_max: BATCH_MAX }
}

fn batch(service: Service, per_second: f64) -> String {
    if per_second > service.capacity() * SHARE_MAX {
        return "-".into();
    }
    short(alone(service, per_second, COMMANDS, SEED).batch_mean)
}

fn lanes(parameters: &Parameters) -> String {
    let mut table = Table::new(
        &[
            "changes/s",
            "SQLite",
            "SQLite, 1 ms",
            "of these in a batch",
            "1 lane",
            "4 lanes",
            "16 lanes",
            "64 lanes",
        ],
        false,
    );
    let (sqlite, postgres) = (&parameters.sqlite, &parameters.postgres);
    let disk = sqlite_lane(sqlite.writes.value, 1.0 / sqlite.syncs.value);
    let slow = sqlite_lane(sqlite.writes_slow.value, MILLI);
    let remote = ladder::postgres_lane(parameters, postgres.round_trip.value);
    for rate in [100.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 15_000.0] {
        let mut row = vec![thousands(rate), wait(disk, rate), wait(slow, rate), batch(slow, rate)];
        row.extend([1.0, 4.0, 16.0, 64.0].map(|lanes| wait(remote, rate / lanes)));
        table.row(&row);
    }
    table.0
}

fn hot(parameters: &Parameters) -> String {
    let mut table = Table::new(
        &[
            "arrivals/s in one lot",
            "10,000 spots fill in",
            "SQLite",
            "PostgreSQL, 1 server",
            "3 servers",
            "10 servers",
        ],
        false,
    );
    let sqlite = &parameters.sqlite;
    let disk = sqlite_lane(sqlite.writes.value, 1.0 / sqlite.syncs.value);
    let remote = ladder::postgres_lane(parameters, parameters.postgres.round_trip.value);
    for rate in [3.0, 17.0, 100.0, 200.0, 400.0, 1_000.0] {
        let minutes = 10_000.0 / rate / 60.0;
        let fill = if minutes < 1.0 {
            format!("{} s", short(minutes * 60.0))
        } else {
            format!("{} min", short(minutes))
        };
        let mut row = vec![thousands(rate), fill, wait(disk, rate)];
        for servers in [1, 3, 10] {
            row.push(if rate > remote.capacity() * SHARE_MAX {
                "-".into()
            } else {
                waits(&one_lot(remote, servers, rate, COMMANDS, SEED))
            });
        }
        table.row(&row);
    }
    table.0
}

fn distance(parameters: &Parameters) -> String {
    let mut table = Table::new(
        &[
            "database and server are",
            "round trip",
            "parking alone",
            "a lane",
            "4 lanes",
            "4 lanes, one trip a change",
        ],
        false,
    );
    for (place, round_trip) in [
        ("on one machine", 0.03),
        ("in one building", 0.25),
        ("in one city", 1.0),
        ("in one country", 10.0),
        ("on two continents", 100.0),
    ] {
        let lane = ladder::postgres_lane(parameters, round_trip);
        let trips = parameters.postgres.trips.value;
        // What the database does stays; the trips become one.
        let each = lane.each - (trips - 1.0) * round_trip * MILLI;
        let piped = Service { each, ..lane };
        table.row(&[
            place.into(),
            format!("{round_trip} ms"),
            format!("{} ms", short((lane.sync + lane.each) / MILLI)),
            format!("{} /s", short(lane.capacity())),
            format!("{} /s", short(4.0 * lane.capacity())),
            format!("{} /s", short(4.0 * piped.capacity())),
        ]);
    }
    table.0
}

fn talk(parameters: &Parameters) -> String {
    let talk = &parameters.talk;
    let mut table = Table::new(
        &[
            "servers",
            "messages/s",
            "deliveries/s",
            "of the channel's thread",
            "of a processor of each server",
        ],
        false,
    );
    for servers in [2.0, 10.0, 50.0, 100.0] {
        let spoken = servers / talk.tell.value;
        let percent = |share: f64| format!("{} %", short(share * 100.0));
        table.row(&[
            thousands(servers),
            thousands(spoken),
            thousands(spoken * servers),
            percent(spoken * servers * talk.delivery.value * MICRO),
            percent(spoken * talk.hear.value * MICRO),
        ]);
    }
    table.0
}

fn storage(parameters: &Parameters) -> String {
    let mut table = Table::new(
        &[
            "lots",
            "bookings a year",
            "SQLite, 1 year",
            "PostgreSQL, 1 year",
            "5 years",
            "10 years",
            "keys and tokens, which go again",
        ],
        false,
    );
    let factor = parameters.storage.postgres_factor.value;
    for exponent in [1, 3, 5, 7] {
        let load = Load::of(parameters, 10_f64.powi(exponent));
        let year = load.bytes_a_year(parameters);
        let mut row = vec![power(load.lots), short(load.bookings_a_day * 365.0)];
        let sizes = [
            year,
            year * factor,
            year * factor * 5.0,
            year * factor * 10.0,
            load.bytes_that_go(parameters),
        ];
        row.extend(sizes.map(size));
        table.row(&row);
    }
    table.0
}

fn size(bytes: f64) -> String {
    for (unit, name) in [(1e15, "PB"), (TERA, "TB"), (1e9, "GB")] {
        if bytes >= unit {
            return format!("{} {name}", short(bytes / unit));
        }
    }
    format!("{} MB", short(bytes / 1e6))
}

fn cost(parameters: &Parameters) -> String {
    let Parameters { people, server, storage, price, machine, week, .. } = parameters;
    let mut table = Table::new(&["of a million bookings", "how much", "USD"], false);
    let million = 1e6;
    let write = 2.0 + people.refreshes.value;
    let processor = (write * (server.write_cpu_postgres.value + server.primary_cpu.value)
        + people.lists.value * server.list_cpu.value
        + people.own_pages.value * 2.0 * server.page_cpu.value)
        * MICRO
        + people.sign_ins.value / server.sign_ins_a_hasher.value;
    // Bought for the busiest hour with room to spare, used on average.
    let bought =
        processor * million / 3600.0 * week.peak_changes_to_mean.value / machine.load_max.value;
    let bytes = storage.booking_bytes.value * storage.postgres_factor.value;
    let months = storage.years.value * 12.0;
    let mails = people.receipts.value + people.reports.value / people.bookings_a_month.value;
    let rows = [
        ("processors", format!("{} hours", short(bought)), bought * price.processor_hour.value),
        (
            "disk, five years",
            format!("{} in {} copies", size(bytes * million), price.copies.value),
            bytes * million / 1e9 * months * price.disk_month.value * price.copies.value,
        ),
        ("mails", short(mails * million), mails * million * price.mail.value),
    ];
    let mut sum = 0.0;
    for (name, amount, usd) in rows {
        table.row(&[name.into(), amount, short(usd)]);
        sum += usd;
    }
    table.row(&["**all**".into(), String::new(), format!("**{}**", short(sum))]);
    table.0
}

fn checked(checks: &[Check], fitted: checks::Fitted) -> String {
    let mut table = Table::new(&["64 users over HTTP", "measured", "model", "error"], false);
    for check in checks {
        let cell = |value: f64| {
            format!(
                "{} {}",
                if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") },
                check.unit
            )
        };
        table.row(&[
            check.name.into(),
            cell(check.measured),
            cell(check.modelled),
            format!("{:+.0} %", check.error() * 100.0),
        ]);
    }
    let _ = writeln!(
        table.0,
        "\nFitted to W: a change takes the lane {:.1} us of processor, and this disk {:.1} us.",
        fitted.lane / MICRO,
        fitted.write / MICRO
    );
    table.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_put_between_their_comments() {
        let paper = "a\n<!-- model: x -->\nold\n<!-- end -->\nb\n<!-- model: y -->\n<!-- end -->\n";
        let tables = [("y", "new y\n".to_owned()), ("x", "new x\n".to_owned())];
        let put_in = put(paper, &tables).unwrap();
        assert_eq!(
            put_in,
            "a\n<!-- model: x -->\nnew x\n<!-- end -->\nb\n<!-- model: y -->\nnew y\n<!-- end -->\n"
        );
        assert_eq!(put(&put_in, &tables).unwrap(), put_in);
        assert!(put(paper, &[("z", String::new())]).is_err());
    }

    #[test]
    fn figures_have_two_digits_that_count() {
        let shown =
            [0.0, 0.0042, 0.266, 1.04, 13.4, 268.0, 26_800.0, 3.25e6, 3.25e10, 99.6].map(short);
        assert_eq!(
            shown,
            ["0", "0.004", "0.27", "1.0", "13", "270", "27,000", "3.3 M", "33 G", "100"]
        );
    }
}
