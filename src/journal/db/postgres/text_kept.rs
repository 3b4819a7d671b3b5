//! A statement's text with what is made of it, each once for a session, and what is bound to it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio_postgres::Statement;
use tokio_postgres::types::{ToSql, Type};

use super::super::fault::DbResult;
use super::super::params::{Params, Slot};
use super::set::{SentArray, asks, inserts, rank, table, with_id};
use super::text::{Translated, translated};
use super::wire::SentValue;

/// What a text was prepared as.
type PreparedAs = Vec<(Vec<Type>, Statement)>;

/// A statement's text.
pub(crate) struct Text {
    written: String,
    pub(super) sql: Translated,
    /// By types: the same text is bound with others where a value is made at run time.
    prepared: Mutex<PreparedAs>,
    set: OnceLock<Option<Arc<Text>>>,
    with_id: OnceLock<Option<Arc<Text>>>,
    rank: OnceLock<Option<usize>>,
}

/// A text is the one that lies there.
impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        core::ptr::eq(self, other)
    }
}

impl Text {
    pub(super) fn new(sql: &str) -> Text {
        Text {
            written: sql.to_owned(),
            sql: translated(sql),
            prepared: Mutex::default(),
            set: OnceLock::new(),
            with_id: OnceLock::new(),
            rank: OnceLock::new(),
        }
    }

    pub(super) fn prepared(&self) -> MutexGuard<'_, PreparedAs> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that does for each list of a set what this does for one; `None`: there is none.
    pub(super) fn set(&self) -> Option<&Arc<Text>> {
        let make = || {
            let set = match self.table() {
                Some(_) => inserts(&self.written),
                None => Some(asks(&self.written)),
            };
            set.map(|sql| Arc::new(Text::new(&sql)))
        };
        self.set.get_or_init(make).as_ref()
    }

    /// The one that inserts the same row with an id of our choice as its last value.
    pub(super) fn with_id(&self) -> Option<&Arc<Text>> {
        let make = || Some(Arc::new(Text::new(&with_id(&self.written)?)));
        self.with_id.get_or_init(make).as_ref()
    }

    /// It reads, and nothing else.
    pub(super) fn is_question(&self) -> bool {
        self.written.trim_start().starts_with("SELECT")
    }

    /// The table that it inserts into.
    pub(super) fn table(&self) -> Option<&str> {
        table(&self.written)
    }

    /// The place of its table among those that are written as sets; `None`: it is no row of a set.
    pub(super) fn rank(&self) -> Option<usize> {
        *self.rank.get_or_init(|| {
            let table = self.table()?;
            self.set()?;
            rank(table)
        })
    }

    /// How many values say which row it may replace: those of `ON CONFLICT(a, b) DO UPDATE`, which are its first.
    pub(super) fn replaces_by(&self) -> Option<usize> {
        let (_, behind) = self.written.split_once("ON CONFLICT(")?;
        let (columns, rest) = behind.split_once(')')?;
        let updates = rest.trim_start().starts_with("DO UPDATE");
        updates.then(|| columns.split(',').count())
    }
}

/// What is bound to a statement.
pub(super) enum BoundValues<'v> {
    One(&'v [SentValue]),
    Set(Vec<SentArray<'v>>),
}

impl BoundValues<'_> {
    pub(super) fn types(&self) -> Vec<Type> {
        match self {
            BoundValues::One(values) => values.iter().map(SentValue::type_of).collect(),
            BoundValues::Set(arrays) => arrays.iter().map(SentArray::type_of).collect(),
        }
    }

    pub(super) fn sent(&self) -> Vec<&(dyn ToSql + Sync)> {
        match self {
            BoundValues::One(values) => values.iter().map(|value| value as _).collect(),
            BoundValues::Set(arrays) => arrays.iter().map(|array| array as _).collect(),
        }
    }
}

/// The values in the order of their numbers.
pub(super) fn bound(sql: &Translated, values: impl Params) -> DbResult<Vec<SentValue>> {
    let mut sent: Vec<Option<SentValue>> = Vec::new();
    sent.resize_with(sql.places, || None);
    let mut bound = 0;
    values.bind(&mut |slot, value| {
        bound += 1;
        let at = match slot {
            Slot::Number(at) => at.checked_sub(1),
            Slot::Named(name) => sql.names.iter().position(|known| known == name),
        };
        if let Some(place) = at.and_then(|at| sent.get_mut(at)) {
            *place = Some(SentValue::of(value)?);
        } else if bound > sql.places && sql.names.is_empty() {
            // The last numbers are not in this text; types are declared for those that are.
            sent.push(Some(SentValue::of(value)?));
        }
        Ok(())
    })?;
    let wanted = sent.len();
    let all: Option<Vec<SentValue>> = sent.into_iter().collect();
    all.ok_or_else(|| rusqlite::Error::InvalidParameterCount(bound, wanted).into())
}
