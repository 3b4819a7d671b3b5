//! Answers to questions that were asked before their turn, all in one trip and those of one text as a set.

use std::sync::Arc;

use futures_util::future::try_join_all;
use tokio_postgres::Row;

use super::super::fault::DbResult;
use super::super::known_question::KnownQuestion;
use super::answers::place;
use super::session::Session;
use super::set::arrays;
use super::text_kept::{BoundValues, Text, bound};
use super::wire::SentValue;

/// Questions of one text: each list of values once.
struct AskedLot {
    text: Arc<Text>,
    lists: Vec<Vec<SentValue>>,
}

impl Session {
    /// Asks in one trip all of these that are not answered.
    pub(in crate::journal::db) fn ask_ahead(&self, questions: &[&KnownQuestion]) -> DbResult<()> {
        let lots = self.lots(questions)?;
        if lots.is_empty() {
            return Ok(());
        }
        let mut asked = Vec::with_capacity(lots.len());
        for lot in &lots {
            let lists: Vec<&[SentValue]> = lot.lists.iter().map(Vec::as_slice).collect();
            let (text, values) = match (lists.as_slice(), lot.text.set()) {
                ([_, _, ..], Some(set)) => (set, BoundValues::Set(arrays(&lists))),
                ([one, ..], _) => (&lot.text, BoundValues::One(one)),
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
                kept.keep((place(&lot.text), list), rows);
            }
        }
        Ok(())
    }

    /// The questions by their texts, noted by what they are about.
    fn lots(&self, questions: &[&KnownQuestion]) -> DbResult<Vec<AskedLot>> {
        let mut lots: Vec<AskedLot> = Vec::new();
        let mut answers = self.answers.borrow_mut();
        for question in questions {
            let text = self.text(question.sql);
            let values = bound(&text.sql, *question)?;
            if answers.to(&text, &values).is_some() {
                continue;
            }
            answers.note(&question.about, (place(&text), values.clone()));
            match lots.iter_mut().find(|lot| Arc::ptr_eq(&lot.text, &text)) {
                Some(lot) if lot.lists.contains(&values) => {}
                Some(lot) => lot.lists.push(values),
                None => lots.push(AskedLot {
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
