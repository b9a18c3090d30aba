//! The tables as the migrations make them, for what carries all of them: nobody keeps a list.

use tokio_postgres::types::Type;

use super::Error;
use super::migrate::MIGRATIONS;

#[derive(Debug)]
pub struct Table {
    pub name: String,
    pub columns: Vec<TableColumn>,
    /// The columns of the primary key by their places; none where there is a single row.
    pub key: Vec<usize>,
}

#[derive(Debug)]
pub struct TableColumn {
    pub name: String,
    pub kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Real,
    Text,
    Bytes,
    Id,
    Time,
}

impl Kind {
    /// Of a type as migrations write it.
    fn of(declared: &str) -> Option<Self> {
        // SQLite gives some types back in capitals.
        Some(match declared.to_lowercase().as_str() {
            "boolean" => Self::Bool,
            "bigint" => Self::Int,
            "double precision" => Self::Real,
            "text" => Self::Text,
            "bytea" => Self::Bytes,
            "uuid" => Self::Id,
            "timestamptz" => Self::Time,
            _ => return None,
        })
    }

    pub(super) fn postgres(self) -> Type {
        match self {
            Self::Bool => Type::BOOL,
            Self::Int => Type::INT8,
            Self::Real => Type::FLOAT8,
            Self::Text => Type::TEXT,
            Self::Bytes => Type::BYTEA,
            Self::Id => Type::UUID,
            Self::Time => Type::TIMESTAMPTZ,
        }
    }
}

/// All tables, each after those it refers to. They are read from an empty SQLite in memory: one
/// way to ask, whichever engines are at hand.
///
/// # Errors
/// [`Error::Query`] when a migration has a type that is not known here, or tables refer to each
/// other in a circle.
pub fn tables() -> Result<Vec<Table>, Error> {
    let empty = rusqlite::Connection::open_in_memory()?;
    for migration in MIGRATIONS {
        empty.execute_batch(migration.sql)?;
    }
    let names = "select name from sqlite_master where type = 'table' order by name";
    let mut waiting = strings(&empty, names, [])?;
    let mut tables: Vec<Table> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let (mut next, mut later) = (Vec::new(), Vec::new());
        for name in waiting {
            let parents = "select \"table\" from pragma_foreign_key_list($1)";
            let parents = strings(&empty, parents, [&name])?;
            let placed = |parent: &String| tables.iter().any(|table| table.name == *parent);
            if parents.iter().all(placed) { next.push(name) } else { later.push(name) }
        }
        if next.is_empty() {
            return Err(Error::Query(format!("tables refer to each other: {}", later.join(", "))));
        }
        for name in next {
            tables.push(table(&empty, name)?);
        }
        waiting = later;
    }
    Ok(tables)
}

fn strings<P: rusqlite::Params>(
    empty: &rusqlite::Connection,
    sql: &str,
    params: P,
) -> Result<Vec<String>, Error> {
    let mut statement = empty.prepare(sql)?;
    let rows = statement.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn table(empty: &rusqlite::Connection, name: String) -> Result<Table, Error> {
    let mut statement = empty.prepare("select name, type, pk from pragma_table_info($1)")?;
    let described = statement.query_map([&name], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for (place, column) in described.enumerate() {
        let (column, declared, place_in_key) = column?;
        let kind = Kind::of(&declared).ok_or_else(|| {
            Error::Query(format!("{name}.{column} is of a type that is not known: {declared}"))
        })?;
        columns.push(TableColumn { name: column, kind });
        if place_in_key > 0 {
            key.push((place_in_key, place));
        }
    }
    key.sort_unstable();
    let key = key.into_iter().map(|(_, place)| place).collect();
    Ok(Table { name, columns, key })
}
