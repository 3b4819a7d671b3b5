//! What was asked ahead and answered, for as long as it holds.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Row;

use super::super::known_question::AskedAbout;
use super::text_kept::Text;
use super::wire::SentValue;

/// A text, which lies where it lies for as long as its session, and its values.
pub(super) type AskedKey = (usize, Vec<SentValue>);

/// What was answered and holds still.
#[derive(Default)]
pub(super) struct Answers {
    rows: HashMap<AskedKey, Arc<[Row]>>,
    about: HashMap<AskedAbout, Vec<AskedKey>>,
}

impl Answers {
    /// The answer to this question, if it was asked ahead.
    pub(super) fn to(&self, text: &Arc<Text>, values: &[SentValue]) -> Option<Arc<[Row]>> {
        if self.rows.is_empty() {
            return None;
        }
        self.rows.get(&(place(text), values.to_vec())).cloned()
    }

    /// This is asked about that.
    pub(super) fn note(&mut self, about: &AskedAbout, asked: AskedKey) {
        self.about.entry(about.clone()).or_default().push(asked);
    }

    pub(super) fn keep(&mut self, asked: AskedKey, rows: Vec<Row>) {
        self.rows.insert(asked, rows.into());
    }

    pub(super) fn forget(&mut self, about: &AskedAbout) {
        for asked in self.about.remove(about).unwrap_or_default() {
            self.rows.remove(&asked);
        }
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.about.clear();
    }
}

pub(super) fn place(text: &Arc<Text>) -> usize {
    Arc::as_ptr(text).addr()
}
