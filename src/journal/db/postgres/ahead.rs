//! Answers to questions that were asked before their turn, all in one trip and those of one text as a set.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use tokio_postgres::Row;

use super::super::fault::DbResult;
use super::super::question::{Question, Subject};
use super::session::{Session, bound};
use super::set::arrays;
use super::statement_text::{Text, Values};
use super::wire::SentValue;

/// A text, which lies where it lies for as long as its session, and its values.
type Asked = (usize, Vec<SentValue>);

/// What was answered and holds still.
#[derive(Default)]
pub(super) struct Answers {
    rows: HashMap<Asked, Arc<[Row]>>,
    about: HashMap<Subject, Vec<Asked>>,
}

impl Answers {
    /// The answer to this question, if it was asked ahead.
    pub(super) fn to(&self, text: &Arc<Text>, values: &[SentValue]) -> Option<Arc<[Row]>> {
        if self.rows.is_empty() {
            return None;
        }
        self.rows.get(&(place(text), values.to_vec())).cloned()
    }

    pub(super) fn forget(&mut self, about: &Subject) {
        for asked in self.about.remove(about).unwrap_or_default() {
            self.rows.remove(&asked);
        }
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.about.clear();
    }
}

fn place(text: &Arc<Text>) -> usize {
    Arc::as_ptr(text).addr()
}

/// Questions of one text: each list of values once.
struct Lot {
    text: Arc<Text>,
    lists: Vec<Vec<SentValue>>,
}

impl Session {
    /// Asks all of these in one trip.
    pub(in crate::journal::db) fn ask_ahead(&self, questions: &[Question]) -> DbResult<()> {
        let lots = self.lots(questions)?;
        let mut asked = Vec::with_capacity(lots.len());
        for lot in &lots {
            let lists: Vec<&[SentValue]> = lot.lists.iter().map(Vec::as_slice).collect();
            let (text, values) = match (lists.as_slice(), lot.text.set()) {
                ([_, _, ..], Some(set)) => (set, Values::Set(arrays(&lists))),
                ([one, ..], _) => (&lot.text, Values::One(one)),
                ([], _) => continue,
            };
            asked.push((self.prepared(text, &values)?, values));
        }
        let each = asked
            .iter()
            .map(|(statement, values)| self.ask(statement, values));
        let answers = self.flush_and(try_join_all(each))?;
        let mut kept = self.answers.borrow_mut();
        for (lot, rows) in lots.into_iter().zip(answers) {
            let rows = apart(rows, lot.lists.len());
            for (list, rows) in lot.lists.into_iter().zip(rows) {
                kept.rows.insert((place(&lot.text), list), rows.into());
            }
        }
        Ok(())
    }

    /// The questions by their texts, noted by what they are about.
    fn lots(&self, questions: &[Question]) -> DbResult<Vec<Lot>> {
        let mut lots: Vec<Lot> = Vec::new();
        let mut answers = self.answers.borrow_mut();
        for question in questions {
            let text = self.text(question.sql);
            let values = bound(&text.sql, question)?;
            let noted = answers.about.entry(question.about.clone()).or_default();
            noted.push((place(&text), values.clone()));
            match lots.iter_mut().find(|lot| Arc::ptr_eq(&lot.text, &text)) {
                Some(lot) if lot.lists.contains(&values) => {}
                Some(lot) => lot.lists.push(values),
                None => lots.push(Lot {
                    text,
                    lists: vec![values],
                }),
            }
        }
        Ok(lots)
    }
}

/// The rows of each question; behind those of a set stands whose they are.
fn apart(rows: Vec<Row>, questions: usize) -> Vec<Vec<Row>> {
    if questions == 1 {
        return vec![rows];
    }
    let mut of: Vec<Vec<Row>> = Vec::new();
    of.resize_with(questions, Vec::new);
    for row in rows {
        let whose: i64 = row.get(row.len() - 1);
        let place = usize::try_from(whose - 1).ok();
        if let Some(own) = place.and_then(|place| of.get_mut(place)) {
            own.push(row);
        }
    }
    of
}
