//! Tables as a whole: read page by page, emptied, filled. For what moves an installation.

use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use uuid::Uuid;

use super::schema::{Kind, Table};
use super::tx::{Connection, Row, Tx};
use super::{Error, Value};

/// A value of a column whose kind is known as it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Owned {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
    Time(Timestamp),
}

impl Owned {
    fn read(row: &Row<'_>, index: usize, kind: Kind) -> Result<Self, Error> {
        let value = match kind {
            Kind::Bool => row.get::<Option<_>>(index)?.map(Self::Bool),
            Kind::Int => row.get::<Option<_>>(index)?.map(Self::Int),
            Kind::Real => row.get::<Option<_>>(index)?.map(Self::Real),
            Kind::Text => row.get::<Option<_>>(index)?.map(Self::Text),
            Kind::Bytes => row.get::<Option<_>>(index)?.map(Self::Bytes),
            Kind::Id => row.get::<Option<_>>(index)?.map(Self::Id),
            Kind::Time => row.get::<Option<_>>(index)?.map(Self::Time),
        };
        Ok(value.unwrap_or(Self::Null))
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Real(value) => Value::Real(*value),
            Self::Text(value) => Value::Text(value),
            Self::Bytes(value) => Value::Bytes(value),
            Self::Id(value) => Value::Id(*value),
            Self::Time(value) => Value::Time(*value),
        }
    }
}

impl Hash for Owned {
    fn hash<H: Hasher>(&self, to: &mut H) {
        std::mem::discriminant(self).hash(to);
        match self {
            Self::Null => {}
            Self::Bool(value) => value.hash(to),
            Self::Int(value) => value.hash(to),
            // SQLite knows no negative zero.
            Self::Real(value) => (value + 0.0).to_bits().hash(to),
            Self::Text(value) => value.hash(to),
            Self::Bytes(value) => value.hash(to),
            Self::Id(value) => value.hash(to),
            Self::Time(value) => value.hash(to),
        }
    }
}

/// What drops each index that stands in no table's own definition, and each foreign key, and what
/// makes it again.
const INDEXES_POSTGRES: &str = "select format('drop index %s', indexrelid::regclass), \
     pg_get_indexdef(indexrelid) from pg_index join pg_class on pg_class.oid = indexrelid \
     where relnamespace = current_schema()::regnamespace \
     and not exists (select 1 from pg_constraint where conindid = indexrelid and contype in ('p', 'u')) \
     union all \
     select format('alter table %s drop constraint %I', conrelid::regclass, conname), \
     format('alter table %s add constraint %I %s', conrelid::regclass, conname, \
     pg_get_constraintdef(oid)) from pg_constraint \
     where connamespace = current_schema()::regnamespace and contype = 'f'";
/// SQLite's foreign keys cannot be dropped, and cost little.
const INDEXES_SQLITE: &str = "select 'drop index ' || name, sql from sqlite_master \
     where type = 'index' and sql is not null";

/// Statements for [`Tx::put_back`].
pub struct TakenOff(Vec<String>);

impl TakenOff {
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Tx<'_> {
    /// How many rows there are.
    ///
    /// # Errors
    /// [`Error`]
    pub fn count(&mut self, table: &Table) -> Result<u64, Error> {
        let count: i64 =
            self.one(&format!("select count(*) from {}", table.name), &[], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The next rows in the order of the key, behind the row `after`; the values of a row one after
    /// the other. A table without a key is one page.
    ///
    /// # Errors
    /// [`Error`]
    pub fn page(
        &mut self,
        table: &Table,
        after: Option<&[Owned]>,
        rows_max: usize,
    ) -> Result<Vec<Owned>, Error> {
        let key: Vec<_> = table.key.iter().map(|place| &*table.columns[*place].name).collect();
        let mut sql = format!("select {} from {}", names(table), table.name);
        let mut params = Vec::with_capacity(key.len());
        if let Some(row) = after {
            params.extend(table.key.iter().map(|place| row[*place].value()));
            sql += &format!(" where ({}) > ({})", key.join(", "), places(key.len()));
        }
        if !key.is_empty() {
            sql += &format!(" order by {} limit {rows_max}", key.join(", "));
        }
        let rows = self.all(&sql, &params, |row| {
            let columns = table.columns.iter().enumerate();
            columns.map(|(index, column)| Owned::read(row, index, column.kind)).collect()
        });
        let rows = rows.map_err(|error| named(table, error))?;
        Ok(rows.into_iter().flat_map(|row: Vec<_>| row).collect())
    }

    /// Empties all of `tables`, as [`super::tables`] gives them, takes off what is made faster once
    /// they are filled, and keeps everybody else from them until the commit.
    ///
    /// # Errors
    /// [`Error`]
    pub fn empty(&mut self, tables: &[Table]) -> Result<TakenOff, Error> {
        let indexes = if let Connection::Postgres(_) = self.connection {
            let names: Vec<_> = tables.iter().map(|table| &*table.name).collect();
            // An index of a large table takes its time.
            self.batch(&format!(
                "set local statement_timeout = 0; \
                 set local idle_in_transaction_session_timeout = 0; \
                 truncate {}",
                names.join(", ")
            ))?;
            INDEXES_POSTGRES
        } else {
            for table in tables.iter().rev() {
                self.batch(&format!("delete from {}", table.name))?;
            }
            INDEXES_SQLITE
        };
        let found = self.all(indexes, &[], |row| Ok((row.get::<String>(0)?, row.get(1)?)))?;
        let mut make = Vec::with_capacity(found.len());
        for (drop, again) in found {
            self.batch(&drop)?;
            make.push(again);
        }
        Ok(TakenOff(make))
    }

    /// Puts back what [`Tx::empty`] took off; `each` hears of every step.
    ///
    /// # Errors
    /// [`Error`]
    pub fn put_back(&mut self, taken_off: &TakenOff, each: impl Fn()) -> Result<(), Error> {
        for make in &taken_off.0 {
            self.batch(make)?;
            each();
        }
        Ok(())
    }

    /// Inserts rows that were read with [`Tx::page`].
    ///
    /// # Errors
    /// [`Error`]; a row that does not fit names its table.
    pub fn load(&mut self, table: &Table, rows: &[Owned]) -> Result<(), Error> {
        self.wrote = true;
        let (name, names) = (&table.name, names(table));
        let values: Vec<_> = rows.iter().map(Owned::value).collect();
        let mut rows = values.chunks(table.columns.len());
        let done = match self.connection {
            Connection::Sqlite(connection) => {
                let places = places(table.columns.len());
                let sql = format!("insert into {name} ({names}) values ({places})");
                rows.try_for_each(|row| connection.exec(&sql, row).map(drop))
            }
            Connection::Postgres(connection) => {
                let kinds: Vec<_> =
                    table.columns.iter().map(|column| column.kind.postgres()).collect();
                let sql = format!("copy {name} ({names}) from stdin (format binary)");
                connection.copy_in(&sql, &kinds, rows)
            }
        };
        done.map_err(|error| named(table, error))
    }
}

fn named(table: &Table, error: Error) -> Error {
    match error {
        Error::Query(text) => Error::Query(format!("{}: {text}", table.name)),
        error => error,
    }
}

fn names(table: &Table) -> String {
    let names: Vec<_> = table.columns.iter().map(|column| &*column.name).collect();
    names.join(", ")
}

fn places(count: usize) -> String {
    let places: Vec<_> = (1..=count).map(|n| format!("${n}")).collect();
    places.join(", ")
}
