//! Values on their way into and out of both drivers.

use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, Value as SqliteOwned, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::Error;
use crate::clock::from_micros;

/// A parameter. Instants are microseconds since the epoch in SQLite, `timestamptz` in PostgreSQL;
/// ids are blobs of 16 bytes and `uuid`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Id(Uuid),
    Time(Timestamp),
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl<'a> From<$type> for Value<'a> {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}
from!(bool => Bool, i64 => Int, f64 => Real, &'a str => Text, &'a [u8] => Bytes, Uuid => Id, Timestamp => Time);

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Bool(value) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*value))),
            Self::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Self::Real(value) => ToSqlOutput::Borrowed(ValueRef::Real(*value)),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Self::Id(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes())),
            Self::Time(value) => ToSqlOutput::Owned(SqliteOwned::Integer(value.as_microsecond())),
        })
    }
}

/// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

impl Value<'_> {
    /// Its type in PostgreSQL. A null has none: the statement says it.
    pub(super) fn postgres_type(&self) -> Type {
        match self {
            Self::Null => Type::UNKNOWN,
            Self::Bool(_) => Type::BOOL,
            Self::Int(_) => Type::INT8,
            Self::Real(_) => Type::FLOAT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
            Self::Id(_) => Type::UUID,
            Self::Time(_) => Type::TIMESTAMPTZ,
        }
    }
}

impl Value<'_> {
    /// As it is sent to PostgreSQL, for a statement that outlives what it was made of.
    pub(super) fn owned(&self) -> Result<OwnedValue, Error> {
        let mut bytes = bytes::BytesMut::new();
        let null = self.to_sql(&self.postgres_type(), &mut bytes);
        match null.map_err(|error| Error::Query(error.to_string()))? {
            IsNull::Yes => Ok(OwnedValue(None)),
            IsNull::No => Ok(OwnedValue(Some(bytes))),
        }
    }
}

/// A [`Value`] in PostgreSQL's form.
#[derive(Debug)]
pub(super) struct OwnedValue(Option<bytes::BytesMut>);

impl ToSql for OwnedValue {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(self.0.as_ref().map_or(IsNull::Yes, |bytes| {
            out.extend_from_slice(bytes);
            IsNull::No
        }))
    }

    fn accepts(_: &Type) -> bool {
        true // As Value.
    }

    to_sql_checked!();
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bool(value) => value.to_sql(ty, out),
            Self::Int(value) => value.to_sql(ty, out),
            Self::Real(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.to_sql(ty, out),
            Self::Id(value) => value.to_sql(ty, out),
            Self::Time(value) => {
                (value.as_microsecond() - POSTGRES_EPOCH_MICROS).to_sql(&Type::INT8, out)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true // Decided by each value above; a mismatch is a mistake that every test run shows.
    }

    to_sql_checked!();
}

/// A Rust type that a column can be read as.
pub trait Column: Sized {
    /// # Errors
    /// [`Error::Query`] on another type.
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self, Error>;
    /// # Errors
    /// [`Error::Query`] on another type.
    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, Error>;
}

fn mismatch(value: ValueRef<'_>) -> Error {
    Error::Query(format!("a column holds an unexpected {}", value.data_type()))
}

fn postgres<'r, T: FromSql<'r>>(row: &'r tokio_postgres::Row, index: usize) -> Result<T, Error> {
    row.try_get(index).map_err(|error| Error::Query(error.to_string()))
}

macro_rules! column {
    ($type:ty, $pattern:pat => $value:expr) => {
        impl Column for $type {
            fn from_sqlite(value: ValueRef<'_>) -> Result<Self, Error> {
                match value {
                    $pattern => Ok($value),
                    other => Err(mismatch(other)),
                }
            }
            fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, Error> {
                postgres(row, index)
            }
        }
    };
}

column!(bool, ValueRef::Integer(value) => value != 0);
column!(i64, ValueRef::Integer(value) => value);
column!(Vec<u8>, ValueRef::Blob(value) => value.to_vec());
column!(String, ValueRef::Text(value) => String::from_utf8_lossy(value).into_owned());

impl Column for f64 {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self, Error> {
        match value {
            ValueRef::Real(value) => Ok(value),
            #[expect(clippy::cast_precision_loss, reason = "SQLite stores whole reals as integers")]
            ValueRef::Integer(value) => Ok(value as f64),
            other => Err(mismatch(other)),
        }
    }
    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, Error> {
        postgres(row, index)
    }
}

impl Column for Uuid {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self, Error> {
        match value {
            ValueRef::Blob(bytes) => Self::from_slice(bytes).map_err(|_| mismatch(value)),
            other => Err(mismatch(other)),
        }
    }
    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, Error> {
        postgres(row, index)
    }
}

impl Column for Timestamp {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self, Error> {
        i64::from_sqlite(value).map(from_micros)
    }
    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, Error> {
        postgres::<PostgresTime>(row, index).map(|time| time.0)
    }
}

impl<T: Column + OptionalPostgres> Column for Option<T> {
    fn from_sqlite(value: ValueRef<'_>) -> Result<Self, Error> {
        match value {
            ValueRef::Null => Ok(None),
            value => T::from_sqlite(value).map(Some),
        }
    }
    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, Error> {
        T::optional(row, index)
    }
}

/// Reading a nullable PostgreSQL column needs the driver's own type.
#[doc(hidden)]
pub trait OptionalPostgres: Sized {
    /// # Errors
    /// [`Error::Query`] on another type.
    fn optional(row: &tokio_postgres::Row, index: usize) -> Result<Option<Self>, Error>;
}

macro_rules! optional {
    ($($type:ty),*) => {$(
        impl OptionalPostgres for $type {
            fn optional(row: &tokio_postgres::Row, index: usize) -> Result<Option<Self>, Error> {
                postgres(row, index)
            }
        }
    )*};
}
optional!(bool, i64, f64, String, Vec<u8>, Uuid);

impl OptionalPostgres for Timestamp {
    fn optional(row: &tokio_postgres::Row, index: usize) -> Result<Option<Self>, Error> {
        postgres::<Option<PostgresTime>>(row, index).map(|time| time.map(|time| time.0))
    }
}

struct PostgresTime(Timestamp);

impl<'a> FromSql<'a> for PostgresTime {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let micros = i64::from_sql(&Type::INT8, raw)?;
        Ok(Self(from_micros(micros.saturating_add(POSTGRES_EPOCH_MICROS))))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}
