//! Values of statements. Each knows its type, a NULL as well: SQLite does not ask, other databases have to be told.

use rusqlite::types::ToSqlOutput;
use uuid::Uuid;

/// The types that columns are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// 64 bits.
    Int,
    Bool,
    Text,
    Blob,
    Uuid,
}

/// A type whose values are all of one kind.
pub(crate) trait Typed {
    const KIND: Kind;
}

/// What may be bound to a place of a statement.
pub(crate) trait ToSql: rusqlite::ToSql {
    fn kind(&self) -> Kind;
}

impl<T: Typed + rusqlite::ToSql> ToSql for T {
    fn kind(&self) -> Kind {
        T::KIND
    }
}

macro_rules! typed {
    ($($kind:ident: $($of:ty),+;)+) => { $($(impl Typed for $of { const KIND: Kind = Kind::$kind; })+)+ };
}

typed! {
    Int: i64, i32, i16, u8, u16, u32;
    Bool: bool;
    Text: str, String;
    Blob: [u8], Vec<u8>;
    Uuid: Uuid;
}

impl<T: Typed + ?Sized> Typed for &T {
    const KIND: Kind = T::KIND;
}

impl<T: Typed> Typed for Option<T> {
    const KIND: Kind = T::KIND;
}

/// A value whose type is known only when the statement is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i64),
    Bool(bool),
    Text(String),
    Blob(Vec<u8>),
    Uuid(Uuid),
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Value {
        Value::Uuid(id)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Value::Int(number) => number.to_sql(),
            Value::Bool(yes) => yes.to_sql(),
            Value::Blob(bytes) => bytes.to_sql(),
            Value::Text(text) => text.to_sql(),
            Value::Uuid(id) => id.to_sql(),
        }
    }
}

impl ToSql for &Value {
    fn kind(&self) -> Kind {
        (*self).kind()
    }
}

impl ToSql for Value {
    fn kind(&self) -> Kind {
        match self {
            Value::Int(_) => Kind::Int,
            Value::Bool(_) => Kind::Bool,
            Value::Blob(_) => Kind::Blob,
            Value::Text(_) => Kind::Text,
            Value::Uuid(_) => Kind::Uuid,
        }
    }
}
