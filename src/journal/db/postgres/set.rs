//! One statement for many: what a text asks or inserts with one list of values, it does with each list of a set. The text
//! is the one that stands alone; only its places are read from arrays.

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::super::tables::TABLES;
use super::text::{translated, translated_to};
use super::wire::{SentValue, WireError};

/// Tables that are written as sets.
const SETS: [&str; 10] = [
    "delivery", "alert", "mention", "known_as", "machine", "scan", "decision", "finding",
    "lasting", "occasion",
];

/// The place of such a table in the order in which rows point to one another; `None`: it is written where it stands.
pub(super) fn rank(table: &str) -> Option<usize> {
    let place = TABLES.iter().position(|known| *known == table)?;
    SETS.contains(&table).then_some(place)
}

/// The statement that asks this with each list of values: the rows of each, behind them its number from 1. `OFFSET 0` has it
/// planned apart, as it is planned alone: where the statistics know of few rows, all of them would be read and then joined.
pub(super) fn asks(sql: &str) -> String {
    let one = translated_to(sql, "q.a");
    format!(
        "SELECT r.*, q.n FROM {} WITH ORDINALITY AS q({}, n) CROSS JOIN LATERAL ({} OFFSET 0) AS r",
        unnest(one.places),
        columns(one.places),
        one.text
    )
}

/// The statement that inserts a row for each list of values; `None`: it is not of that form.
pub(super) fn inserts(sql: &str) -> Option<String> {
    let (head, row, rest) = insert(sql)?;
    // A place behind the row would have to be another for each.
    if translated(rest).places > 0 {
        return None;
    }
    let row = translated_to(row, "q.a");
    let (from, columns) = (unnest(row.places), columns(row.places));
    Some(format!(
        "{head} SELECT {} FROM {from} AS q({columns}) {rest}",
        row.text
    ))
}

/// The same insertion with an id of our choice, which is the last value.
pub(super) fn with_id(sql: &str) -> Option<String> {
    let (head, row, rest) = insert(sql)?;
    let head = head.strip_suffix(')')?;
    Some(format!("{head}, id) VALUES ({row}, ?) {rest}"))
}

/// The table that it inserts into.
pub(super) fn table(sql: &str) -> Option<&str> {
    let rest = sql.strip_prefix("INSERT INTO ")?;
    Some(&rest[..rest.find('(')?])
}

/// `INSERT INTO t(a, b)`, what stands in the brackets behind VALUES, and the rest.
fn insert(sql: &str) -> Option<(&str, &str, &str)> {
    table(sql)?;
    let at = sql.find("VALUES (")?;
    let (head, values) = (sql[..at].trim_end(), &sql[at + "VALUES (".len()..]);
    let (mut open, mut quoted) = (1, false);
    let end = values.find(|c| {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => open += 1,
            ')' if !quoted => open -= 1,
            _ => {}
        }
        open == 0
    })?;
    Some((head, &values[..end], values[end + 1..].trim_start()))
}

fn unnest(places: usize) -> String {
    let arrays: Vec<String> = (1..=places).map(|place| format!("${place}")).collect();
    format!("unnest({})", arrays.join(", "))
}

fn columns(places: usize) -> String {
    let names: Vec<String> = (1..=places).map(|place| format!("a{place}")).collect();
    names.join(", ")
}

/// The values that many lists have at one place, as one array.
#[derive(Debug)]
pub(super) struct SentArray<'v>(Vec<&'v SentValue>);

/// The lists of values as one array for each place.
pub(super) fn arrays<'v>(lists: &[&'v [SentValue]]) -> Vec<SentArray<'v>> {
    let places = lists.first().map_or(0, |list| list.len());
    (0..places)
        .map(|place| SentArray(lists.iter().filter_map(|list| list.get(place)).collect()))
        .collect()
}

impl SentArray<'_> {
    pub(super) fn type_of(&self) -> Type {
        match self.0.first().map(|value| value.type_of()) {
            Some(Type::INT8) => Type::INT8_ARRAY,
            Some(Type::BOOL) => Type::BOOL_ARRAY,
            Some(Type::BYTEA) => Type::BYTEA_ARRAY,
            Some(Type::UUID) => Type::UUID_ARRAY,
            _ => Type::TEXT_ARRAY,
        }
    }
}

impl ToSql for SentArray<'_> {
    /// One dimension, whether there is a NULL, the type; the length and the first number; then each with its length.
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, WireError> {
        let of = self.0.first().map_or(Type::TEXT, |value| value.type_of());
        out.put_i32(1);
        out.put_i32(self.0.iter().any(|value| value.bytes().is_none()).into());
        out.put_u32(of.oid());
        out.put_i32(i32::try_from(self.0.len())?);
        out.put_i32(1);
        for value in &self.0 {
            match value.bytes() {
                None => out.put_i32(-1),
                Some(bytes) => {
                    out.put_i32(i32::try_from(bytes.len())?);
                    out.put_slice(bytes);
                }
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_inserted_becomes_a_set_of_them() {
        let one = "INSERT INTO scan(a, b, c) VALUES (?1, 'it''s (', coalesce(?2, ?1)) ON CONFLICT DO NOTHING";
        assert_eq!(
            inserts(one).unwrap(),
            "INSERT INTO scan(a, b, c) SELECT q.a1, 'it''s (', coalesce(q.a2, q.a1) FROM unnest($1, $2) AS q(a1, a2) \
             ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            with_id("INSERT INTO scan(a, b) VALUES (?, ?)").unwrap(),
            "INSERT INTO scan(a, b, id) VALUES (?, ?, ?) "
        );
        assert_eq!(table(one), Some("scan"));
        for other in [
            "INSERT INTO minute(a) VALUES (?1) ON CONFLICT(a) DO UPDATE SET a = ?1",
            "UPDATE scan SET a = ?",
        ] {
            assert_eq!(inserts(other), None, "{other}");
        }
    }

    #[test]
    fn a_question_is_asked_with_each_list_of_values() {
        assert_eq!(
            asks("SELECT b FROM t WHERE a = ? AND c > ?"),
            "SELECT r.*, q.n FROM unnest($1, $2) WITH ORDINALITY AS q(a1, a2, n) \
             CROSS JOIN LATERAL (SELECT b FROM t WHERE a = q.a1 AND c > q.a2 OFFSET 0) AS r"
        );
    }
}
