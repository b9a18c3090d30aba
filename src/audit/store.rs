//! The audit log in SQL: rows are inserted and read, nothing else.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tracing::field::display;
use uuid::Uuid;

use super::{Action, Actor, AuditActor, AuditEntry, Subject, chain};
use crate::db::{Row, Tx, Value};
use crate::error::Result;
use crate::http::paging::{Page, Paging};
use crate::ids;

/// Adds a row in the transaction of what it tells of. `detail` is an object, or null.
///
/// # Errors
/// Those of storage.
pub fn record(
    tx: &mut Tx<'_>,
    now: Timestamp,
    actor: &Actor,
    action: Action,
    subject: Option<Subject>,
    detail: &Json,
) -> Result<()> {
    let (kind, subject) = subject.map(Subject::parts).unzip();
    let detail = if detail.is_null() { "{}".to_owned() } else { detail.to_string() };
    let address = actor.address.map(|address| address.to_string());
    tx.exec(
        "insert into audit (id, at, actor_id, action, subject_kind, subject_id, detail, address) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            ids::new_id(now).into(),
            now.into(),
            actor.user.into(),
            action.as_str().into(),
            kind.into(),
            subject.into(),
            (&detail).into(),
            address.as_deref().into(),
        ],
    )?;
    tx.last("audit", chain_up);
    tell(tx, actor, action, kind.zip(subject));
    Ok(())
}

/// The row's ids in the process's log too, which may be kept where nobody who has the database reaches it.
fn tell(tx: &mut Tx<'_>, actor: &Actor, action: Action, subject: Option<(&'static str, Uuid)>) {
    let (action, actor) = (action.as_str(), actor.user.map(display));
    tx.on_commit(move |_| {
        let (kind, subject) = subject.map(|(kind, id)| (kind, display(id))).unzip();
        tracing::info!(action, actor, kind, subject, "audited");
    });
}

/// Last, for all lanes of all servers wait for the end of the chain.
fn chain_up(tx: &mut Tx<'_>) -> Result<()> {
    while chain::extend(tx)? > 0 {}
    Ok(())
}

const ENTRY: &str = "select a.id, a.at, a.actor_id, u.name, a.action, a.subject_kind, \
     a.subject_id, a.detail, a.address";

fn entry(row: &Row<'_>) -> Result<AuditEntry, crate::db::Error> {
    let name: Option<String> = row.get(3)?;
    let actor = row.get::<Option<Uuid>>(2)?;
    Ok(AuditEntry {
        id: row.get(0)?,
        at: row.get(1)?,
        actor: actor.map(|id| AuditActor { id, name: name.unwrap_or_default() }),
        action: row.get(4)?,
        subject_kind: row.get(5)?,
        subject_id: row.get(6)?,
        detail: serde_json::from_str(&row.get::<String>(7)?).unwrap_or_else(|_| json!({})),
        address: row.get(8)?,
    })
}

/// The newest rows first, of one action or of all.
///
/// # Errors
/// Those of storage.
pub fn list(tx: &mut Tx<'_>, action: Option<&str>, paging: &Paging) -> Result<Page<AuditEntry>> {
    let filter = if action.is_some() { "a.action = $2" } else { "true" };
    let sql = format!(
        "{ENTRY} from audit a left join users u on u.id = a.actor_id \
         where a.id < $1 and {filter} order by a.id desc limit {}",
        paging.limit_and_one(),
    );
    let mut params: Vec<Value<'_>> = vec![paging.before().into()];
    params.extend(action.map(Value::Text));
    let rows = tx.all(&sql, &params, entry)?;
    Ok(Page::cut(rows, paging, |entry| entry.id))
}

/// Of the next `looked_at` rows behind `after` those that a person did, or that were done to them or
/// to a booking of theirs; and the last row that was looked at, if there was any.
///
/// # Errors
/// Those of storage.
pub fn about(
    tx: &mut Tx<'_>,
    user: Uuid,
    after: Uuid,
    looked_at: usize,
) -> Result<(Vec<AuditEntry>, Option<Uuid>)> {
    let sql = format!(
        "select id from (select id from audit where id > $1 order by id limit {looked_at}) a \
         order by id desc limit 1"
    );
    let Some(through) = tx.opt(&sql, &[after.into()], |row| row.get::<Uuid>(0))? else {
        return Ok((Vec::new(), None));
    };
    let sql = format!(
        "{ENTRY} from audit a left join users u on u.id = a.actor_id \
         where a.id > $1 and a.id <= $2 and (a.actor_id = $3 or a.subject_id = $3 or exists \
         (select 1 from bookings b where b.id = a.subject_id and b.user_id = $3)) order by a.id"
    );
    let entries = tx.all(&sql, &[after.into(), through.into(), user.into()], entry)?;
    Ok((entries, Some(through)))
}
