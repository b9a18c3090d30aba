//! Park and release on PostgreSQL over HTTP, beside pgbench with the same statements.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::load::Yard;
use super::report::{Goal, Report};
use super::{Bench, Place};
use crate::stats::median;

const LOTS: usize = 100;
/// Room for all clients at once.
const SPOTS: u32 = 300;
const CLIENTS: [usize; 4] = [1, 16, 64, 256];
const ROUNDS: usize = 3;

/// The same rows in another database, with ids that a script can write.
const FILL: &str = "
    insert into users (id, email, name, search, is_admin, active, created_at)
        select lpad(n::text, 32, '0')::uuid, 'user' || n, 'Somebody', 'somebody', false, true, now()
        from generate_series(0, 255) n;
    insert into lots (id, name, time_zone, price_per_hour_minor, currency, free_minutes,
            increment_minutes, created_at, updated_at)
        select lpad('1' || lpad(n::text, 12, '0'), 32, '0')::uuid, 'Lot ' || n, 'Europe/Berlin', 200, 'EUR', 0,
            1, now(), now()
        from generate_series(0, 99) n;
    insert into spots (id, lot_id, label, label_order, out_of_service)
        select gen_random_uuid(), l.id, 'A' || n, ('A' || lpad(n::text, 4, '0'))::bytea, false
        from lots l, generate_series(1, 300) n;
    insert into free_spots (spot_id, lot_id, label, label_order)
        select id, lot_id, label, label_order from spots;
    analyze;";

/// What the server sends for one user, in the same order. Ids carry the time, as the server's do.
const SCRIPT: &str = "
\\set lot :client_id % :lots
begin;
select request_hash, status, body from idempotency_keys where key = :client_id::text and owner_id = lpad(:client_id::text, 32, '0')::uuid;
select name, currency, price_per_hour_minor, free_minutes, increment_minutes, daily_cap_minor from lots where id = lpad('1' || lpad(:lot::text, 12, '0'), 32, '0')::uuid and deleted_at is null for no key update;
select active from users where id = lpad(:client_id::text, 32, '0')::uuid for no key update;
select (select count(*) from bookings where user_id = lpad(:client_id::text, 32, '0')::uuid and released_at is null), exists (select 1 from bookings where vehicle_plate = 'MH' || :client_id::text and released_at is null);
delete from free_spots where lot_id = lpad('1' || lpad(:lot::text, 12, '0'), 32, '0')::uuid and label_order = (select label_order from free_spots where lot_id = lpad('1' || lpad(:lot::text, 12, '0'), 32, '0')::uuid order by label_order limit 1) returning spot_id, label \\gset s_
insert into bookings (id, reference, lot_id, spot_id, spot_label, user_id, vehicle_plate, started_at, price_per_hour_minor, currency, free_minutes, increment_minutes, daily_cap_minor) values ((lpad(to_hex((extract(epoch from clock_timestamp()) * 1000000)::bigint), 16, '0') || lpad(:client_id::text, 16, '0'))::uuid, to_hex((extract(epoch from clock_timestamp()) * 1000000)::bigint) || :client_id::text, lpad('1' || lpad(:lot::text, 12, '0'), 32, '0')::uuid, :s_spot_id::text::uuid, :s_label::text, lpad(:client_id::text, 32, '0')::uuid, 'MH' || :client_id::text, now(), 200, 'EUR', 0, 1, null) returning id \\gset b_
insert into idempotency_keys (key, owner_id, request_hash, status, body, created_at) values (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000000)::bigint), 16, '0'), lpad(:client_id::text, 32, '0')::uuid, '\\x00112233445566778899aabbccddeeff'::bytea, 201, repeat('x', 400), now());
commit;
begin;
select request_hash, status, body from idempotency_keys where key = :client_id::text and owner_id = lpad(:client_id::text, 32, '0')::uuid;
select b.id, b.reference, b.lot_id, l.name, b.spot_id, b.spot_label, b.user_id, b.vehicle_plate, b.started_at, b.released_at, b.cost_minor, b.currency, b.price_per_hour_minor, b.free_minutes, b.increment_minutes, b.daily_cap_minor from bookings b join lots l on l.id = b.lot_id where b.id = :b_id::text::uuid;
update bookings set released_at = now(), cost_minor = 200 where id = :b_id::text::uuid and released_at is null;
insert into free_spots (spot_id, lot_id, label, label_order) select id, lot_id, label, label_order from spots where id = :s_spot_id::text::uuid and not out_of_service for no key update;
select receipts from users where id = lpad(:client_id::text, 32, '0')::uuid;
insert into idempotency_keys (key, owner_id, request_hash, status, body, created_at) values (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000000)::bigint), 16, '0'), lpad(:client_id::text, 32, '0')::uuid, '\\x00112233445566778899aabbccddeeff'::bytea, 200, repeat('x', 400), now());
commit;
";

pub async fn beside_pgbench(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder(Place::Disk)?;
    let postgres = Postgres::start(folder)?;
    postgres.create("served")?;
    postgres.create("raw")?;

    let parking = bench.parking(Place::Disk, &postgres.folder.path().join("server"))?;
    let raw = parking.clone().environment("DATABASE_URL", postgres.url("raw"));
    raw.run(&["migrate"], "")?;
    postgres.sql("raw", FILL)?;
    let script = postgres.folder.path().join("script");
    fs::write(&script, SCRIPT)?;

    let parking = parking.environment("DATABASE_URL", postgres.url("served"));
    let most = CLIENTS[CLIENTS.len() - 1];
    let yard = Yard::open(&parking, most, &[SPOTS; LOTS]).await?;
    for lots in [LOTS, 1] {
        let where_to = if lots == 1 { "one lot".to_owned() } else { format!("{lots} lots") };
        report.section(format!("Park and release on PostgreSQL, {where_to}"));
        for clients in CLIENTS {
            let (mut served, mut raw, mut ratio, mut cpu) = (vec![], vec![], vec![], vec![]);
            for _ in 0..ROUNDS.min(bench.plan.rounds) {
                let peer = postgres.bench(&script, clients, lots, bench.plan.round)?;
                let load =
                    yard.park_and_leave_by(clients, bench.plan.round, |user| user % lots).await?;
                served.push(load.per_second);
                ratio.push(load.per_second / peer);
                raw.push(peer);
                cpu.push(load.cpu_micros_each);
            }
            let goal = if clients == 16 { Goal::AtLeast(0.7) } else { Goal::None };
            let name = format!("{clients} clients");
            report.add(format!("{name}: pgbench"), median(&raw), "/s", Goal::None);
            report.add(format!("{name}: requests over HTTP"), median(&served), "/s", Goal::None);
            report.add(format!("{name}: requests / pgbench"), median(&ratio), "", goal);
            report.add(format!("{name}: server CPU each"), median(&cpu), "us", Goal::None);
        }
    }
    yard.server.stop()
}

/// A PostgreSQL as it comes, durable, on the disk that is measured; gone with this value.
struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    process: Child,
}

impl Postgres {
    fn start(folder: TempDir) -> Result<Self> {
        const START_TIME_MAX: Duration = Duration::from_secs(30);
        let find = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/find-postgres");
        let found = Command::new(find).output()?;
        ensure!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let programs = PathBuf::from(String::from_utf8(found.stdout)?.trim());
        let home = folder.path().join("postgres");
        fs::create_dir(&home)?;
        if is_root(&home)? {
            run(Command::new("chown").arg("postgres:").arg(&home))?;
            run(Command::new("chmod").arg("a+x").arg(folder.path()))?;
        }
        let home = home.canonicalize()?;
        let data = home.join("data");
        run(as_postgres(&home, &programs.join("initdb"))?
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .arg("--pgdata")
            .arg(&data))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let process = as_postgres(&home, &programs.join("postgres"))?
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "max_connections=400"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self { folder, programs, port, process };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
            || server.sql("postgres", "select 1").is_err()
        {
            ensure!(begun.elapsed() < START_TIME_MAX, "PostgreSQL does not get ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn create(&self, database: &str) -> Result<()> {
        self.sql("postgres", &format!("create database {database}"))
    }

    fn sql(&self, database: &str, sql: &str) -> Result<()> {
        let psql = self.programs.join("psql");
        run(Command::new(psql).args([&self.url(database), "-qc", sql, "-v", "ON_ERROR_STOP=1"]))
    }

    /// How often a second somebody parks or leaves.
    fn bench(&self, script: &Path, clients: usize, lots: usize, time: Duration) -> Result<f64> {
        let output = Command::new(self.programs.join("pgbench"))
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={}", time.as_secs().max(1)))
            .arg(format!("--define=lots={lots}"))
            .arg("--file")
            .arg(script)
            .arg(self.url("raw"))
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench failed: {said}{failed}");
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split(' ').next()).context("pgbench said no tps")?;
        Ok(rate.parse::<f64>()? * 2.0)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown, so that none of its processes stays.
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

fn is_root(folder: &Path) -> Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder)?) == 0)
}

/// PostgreSQL refuses to run as root.
fn as_postgres(home: &Path, program: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    let of_root = fs::metadata(home.parent().context("it lies in a folder")?)?;
    if std::os::unix::fs::MetadataExt::uid(&of_root) == 0 {
        command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    }
    command.current_dir(home);
    Ok(command)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    let _ = write!(said, " ({command:?})");
    ensure!(output.status.success(), "{said}");
    Ok(())
}
