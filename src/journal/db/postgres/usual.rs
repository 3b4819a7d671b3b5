//! How the usual questions of a job are asked.

use futures_util::future::try_join_all;

use super::super::fault::DbResult;
use super::answers::place;
use super::session::Session;
use super::text_kept::BoundValues;

impl Session {
    /// A job of this kind begins, at this time: it is answered in one trip what its like asked the last time.
    pub(in crate::journal::db) fn ask_usual(&self, kind: i64, now: i64) -> DbResult<()> {
        let usual = self.usual.borrow_mut().begin(kind, now)?;
        let mut asked = Vec::with_capacity(usual.len());
        for (text, values) in &usual {
            let values = BoundValues::One(values);
            asked.push((self.prepared(text, &values)?, values));
        }
        if asked.is_empty() {
            return Ok(());
        }
        let each = asked
            .iter()
            .map(|(statement, values)| self.ask(statement, values));
        let answers = self.flush_and(try_join_all(each))?;
        drop(asked);
        let mut known = self.usual.borrow_mut();
        for ((text, values), rows) in usual.into_iter().zip(answers) {
            known.keep((place(&text), values), rows);
        }
        Ok(())
    }
}
