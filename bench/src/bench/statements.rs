//! What the server sends for parking and for release, in its order (`src/bookings/store.rs`,
//! `src/http/idempotency.rs`): change it here with them. One text for `rusqlite`, `tokio-postgres`
//! and `pgbench`.

pub const RECORDED: &str =
    "select request_hash, status, body from idempotency_keys where key = $1 and owner_id = $2";
/// Locks on PostgreSQL: see [`locking`].
pub const LOT: &str = "select name, currency, price_per_hour_minor, free_minutes, increment_minutes, daily_cap_minor \
     from lots where id = $1 and deleted_at is null";
/// Locks on PostgreSQL.
pub const ACTIVE: &str = "select active from users where id = $1";
pub const OPEN: &str = "select (select count(*) from bookings where user_id = $1 and released_at is null), \
     exists (select 1 from bookings where vehicle_plate = $2 and released_at is null)";
pub const CLAIM: &str = "delete from free_spots where lot_id = $1 and label_order = (select label_order \
     from free_spots where lot_id = $1 order by label_order limit 1) returning spot_id, label";
pub const INSERT: &str = "insert into bookings (id, reference, lot_id, spot_id, spot_label, user_id, vehicle_plate, \
     started_at, price_per_hour_minor, currency, free_minutes, increment_minutes, daily_cap_minor) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
/// After parking and after release.
pub const RECORD: &str = "insert into idempotency_keys (key, owner_id, request_hash, status, body, created_at) \
     values ($1, $2, $3, $4, $5, $6)";
pub const BOOKING: &str = "select b.id, b.reference, b.lot_id, l.name, b.spot_id, b.spot_label, b.user_id, \
     b.vehicle_plate, b.started_at, b.released_at, b.cost_minor, b.currency, \
     b.price_per_hour_minor, b.free_minutes, b.increment_minutes, b.daily_cap_minor \
     from bookings b join lots l on l.id = b.lot_id where b.id = $1";
pub const CLOSE: &str =
    "update bookings set released_at = $1, cost_minor = $2 where id = $3 and released_at is null";
/// Locks on PostgreSQL.
pub const FREE: &str = "insert into free_spots (spot_id, lot_id, label, label_order) \
     select id, lot_id, label, label_order from spots where id = $1 and not out_of_service";
pub const RECEIPTS: &str = "select receipts from users where id = $1";

/// As long as the answer that the server records.
pub const ANSWER: &str = r#"{"id":"019a0000-0000-7000-8000-000000000000","reference":"ABCDEFGH","lot":{"id":"019a0000-0000-7000-8000-000000000000","name":"Lot 100"},"spot":{"id":"019a0000-0000-7000-8000-000000000000","label":"1"},"user_id":"019a0000-0000-7000-8000-000000000000","vehicle_plate":"BENCH10","status":"open","started_at":"2026-11-22T12:00:00.000000Z","released_at":null,"price_per_hour_minor":200,"currency":"EUR","cost_minor":0}"#;

/// How the server asks PostgreSQL where it has to lock; SQLite's writer is alone.
pub fn locking(sql: &str) -> String {
    format!("{sql} for no key update")
}

/// Parking and release as a script of pgbench. Ids carry the time, as the server's do; those of
/// users and lots are numbers (`super::postgres`).
pub fn script() -> String {
    let user = "lpad(:client_id::text, 32, '0')::uuid";
    let lot = "lpad('1' || lpad(:lot::text, 12, '0'), 32, '0')::uuid";
    let plate = "'MH' || :client_id::text";
    let micros = "to_hex((extract(epoch from clock_timestamp()) * 1000000)::bigint)";
    let (key, new_id) = (
        format!("lpad({micros}, 16, '0')"),
        format!("(lpad({micros}, 16, '0') || lpad(:client_id::text, 16, '0'))::uuid"),
    );
    let reference = format!("{micros} || :client_id::text");
    let (spot, label, booking) = (":s_spot_id::text::uuid", ":s_label::text", ":b_id::text::uuid");
    let hash = "'\\x00112233445566778899aabbccddeeff'::bytea";
    let answer = format!("repeat('x', {})", ANSWER.len());
    let record = |status| line(RECORD, &[&key, user, hash, status, &answer, "now()"], ";");
    let recorded = line(RECORDED, &[":client_id::text", user], ";");
    let insert = format!("{INSERT} returning id");
    [
        "\\set lot :client_id % :lots".into(),
        "begin;".into(),
        recorded.clone(),
        line(&locking(LOT), &[lot], ";"),
        line(&locking(ACTIVE), &[user], ";"),
        line(OPEN, &[user, plate], ";"),
        line(CLAIM, &[lot], " \\gset s_"),
        line(
            &insert,
            &[
                &new_id, &reference, lot, spot, label, user, plate, "now()", "200", "'EUR'", "0",
                "1", "null",
            ],
            " \\gset b_",
        ),
        record("201"),
        "commit;".into(),
        "begin;".into(),
        recorded,
        line(BOOKING, &[booking], ";"),
        line(RECEIPTS, &[user], ";"),
        line(CLOSE, &["now()", "200", booking], ";"),
        line(&locking(FREE), &[spot], ";"),
        record("200"),
        "commit;".into(),
    ]
    .join("\n")
}

/// A statement with its parameters written into it.
fn line(sql: &str, params: &[&str], end: &str) -> String {
    // From the last: `$1` is a part of `$13`.
    let numbered = params.iter().enumerate().rev();
    let sql = numbered
        .fold(sql.to_owned(), |sql, (index, param)| sql.replace(&format!("${}", index + 1), param));
    sql + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_no_parameter_left() {
        let script = script();
        assert!(!script.contains('$'), "{script}");
        assert_eq!(script.matches("commit;").count(), 2);
        assert_eq!(
            line("$1 $13 $2", &["a", "b", "", "", "", "", "", "", "", "", "", "", "c"], ";"),
            "a c b;"
        );
    }
}
