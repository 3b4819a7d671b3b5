//! Values as they cross the wire. Those that go are of the type their kind says; those that come are shown as SQLite would
//! show them, so that whoever reads a row reads it in one way.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::super::fault::DbResult;
use super::super::value::{Kind, ToSql as Bindable};

pub(super) type WireError = Box<dyn Error + Sync + Send>;

/// A value that goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SentValue {
    kind: Kind,
    /// As it crosses the wire; `None`: NULL.
    bytes: Option<Vec<u8>>,
}

/// What stands for a NUL, which no text there can hold.
const NUL: &str = "\u{2400}";

impl SentValue {
    pub(super) fn of(value: &dyn Bindable) -> DbResult<SentValue> {
        let kind = value.kind();
        let output = value.to_sql()?;
        let value = match &output {
            ToSqlOutput::Borrowed(value) => *value,
            ToSqlOutput::Owned(value) => value.into(),
            _ => return Err(rusqlite::Error::InvalidQuery.into()),
        };
        SentValue::read(kind, value)
    }

    /// A value as a row of SQLite holds it.
    pub(crate) fn read(kind: Kind, value: ValueRef<'_>) -> DbResult<SentValue> {
        let bytes = match (kind, value) {
            (_, ValueRef::Null) => None,
            (Kind::Bool, ValueRef::Integer(number)) => Some(vec![u8::from(number != 0)]),
            (_, ValueRef::Integer(number)) => Some(number.to_be_bytes().to_vec()),
            (_, ValueRef::Text(text)) => Some(without_nul(text).into_owned()),
            (_, ValueRef::Blob(bytes)) => Some(bytes.to_vec()),
            (_, ValueRef::Real(_)) => return Err(rusqlite::Error::InvalidQuery.into()),
        };
        Ok(SentValue { kind, bytes })
    }

    /// The number that it is.
    pub(super) fn number(&self) -> Option<i64> {
        let bytes = self.bytes.as_deref().filter(|_| self.kind == Kind::Int)?;
        Some(i64::from_be_bytes(bytes.try_into().ok()?))
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    pub(super) const fn type_of(&self) -> Type {
        self.kind.type_of()
    }
}

impl Kind {
    pub(super) const fn type_of(self) -> Type {
        match self {
            Kind::Int => Type::INT8,
            Kind::Bool => Type::BOOL,
            Kind::Text => Type::TEXT,
            Kind::Blob => Type::BYTEA,
            Kind::Uuid => Type::UUID,
        }
    }
}

/// A text as it is kept there.
pub(crate) fn without_nul(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&0) {
        let text = String::from_utf8_lossy(text).replace('\0', NUL);
        return Cow::Owned(text.into_bytes());
    }
    Cow::Borrowed(text)
}

impl ToSql for SentValue {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, WireError> {
        Ok(match &self.bytes {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value that came.
pub(crate) struct Came<'r>(pub(in crate::journal::db) ValueRef<'r>);

impl<'r> FromSql<'r> for Came<'r> {
    fn from_sql(of: &Type, raw: &'r [u8]) -> Result<Came<'r>, WireError> {
        let number = |raw: Option<i64>| {
            raw.map(ValueRef::Integer)
                .ok_or("a number of another length")
        };
        Ok(Came(match *of {
            Type::BOOL => ValueRef::Integer(i64::from(raw != [0])),
            Type::INT8 => number(raw.try_into().ok().map(i64::from_be_bytes))?,
            Type::INT4 => number(
                raw.try_into()
                    .ok()
                    .map(|raw| i32::from_be_bytes(raw).into()),
            )?,
            Type::INT2 => number(
                raw.try_into()
                    .ok()
                    .map(|raw| i16::from_be_bytes(raw).into()),
            )?,
            Type::NUMERIC => number(whole(raw))?,
            Type::BYTEA | Type::UUID => ValueRef::Blob(raw),
            _ => ValueRef::Text(raw),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Came<'r>, WireError> {
        Ok(Came(ValueRef::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A sum, which is NUMERIC: digits to the base of 10,000, of which those behind the point are none.
fn whole(raw: &[u8]) -> Option<i64> {
    let words: Vec<i16> = raw
        .chunks_exact(2)
        .map(|pair| i16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    let [_, weight, sign, 0, digits @ ..] = words.as_slice() else {
        return None;
    };
    let mut number = 0i64;
    for place in 0..=usize::try_from(*weight).unwrap_or(0) {
        let digit = digits.get(place).copied().unwrap_or(0);
        number = number.checked_mul(10_000)?.checked_add(digit.into())?;
    }
    match sign {
        0 => Some(number),
        0x4000 => Some(-number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_a_whole_number() {
        let numeric = |words: &[i16]| -> Option<i64> {
            let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            whole(&raw)
        };
        assert_eq!(numeric(&[0, 0, 0, 0]), Some(0));
        assert_eq!(numeric(&[1, 0, 0, 0, 7]), Some(7));
        assert_eq!(numeric(&[1, 1, 0, 0, 3]), Some(30_000));
        assert_eq!(numeric(&[2, 1, 0x4000, 0, 1, 2345]), Some(-12_345));
        assert_eq!(numeric(&[1, 0, 0, 1, 5]), None);
    }
}
