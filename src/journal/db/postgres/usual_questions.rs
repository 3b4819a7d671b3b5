//! What a job of a kind asked the last time, it asks this time as well: all of it in one trip, as long as it changes nothing.
//! A time is remembered by how far it is from that of the job.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Row;

use super::super::fault::DbResult;
use super::answers::{AskedKey, place};
use super::text_kept::Text;
use super::wire::SentValue;

/// Questions that are remembered of one kind of job, and kinds of which some are.
const MOST: usize = 96;
const KINDS: usize = 1_024;

/// Milliseconds within which a number is a time that is counted from that of the job: ten years.
const NEAR: u64 = 10 * 365 * 86_400_000;

/// What was asked by the kinds of jobs, and what is answered to the one that runs.
#[derive(Default)]
pub(super) struct UsualQuestions {
    of: HashMap<i64, Vec<UsualQuestion>>,
    job: Option<Asking>,
    answers: HashMap<AskedKey, Arc<[Row]>>,
}

/// A job that asks.
struct Asking {
    kind: i64,
    now: i64,
    asked: Vec<UsualQuestion>,
}

#[derive(Clone, PartialEq)]
struct UsualQuestion {
    text: Arc<Text>,
    values: Vec<UsualValue>,
}

#[derive(Clone, PartialEq)]
enum UsualValue {
    Same(SentValue),
    /// Milliseconds behind the time of the job.
    Behind(i64),
}

impl UsualQuestions {
    /// The answer, if this was asked with the usual ones. It is one of them the next time.
    pub(super) fn to(&mut self, text: &Arc<Text>, values: &[SentValue]) -> Option<Arc<[Row]>> {
        let job = self.job.as_mut()?;
        if job.asked.len() < MOST {
            let now = job.now;
            let remembered = UsualQuestion {
                text: text.clone(),
                values: values.iter().map(|value| behind(value, now)).collect(),
            };
            if !job.asked.contains(&remembered) {
                job.asked.push(remembered);
            }
        }
        if self.answers.is_empty() {
            return None;
        }
        self.answers.get(&(place(text), values.to_vec())).cloned()
    }

    /// This was answered.
    pub(super) fn keep(&mut self, asked: AskedKey, rows: Vec<Row>) {
        self.answers.insert(asked, rows.into());
    }

    /// Something was changed.
    pub(super) fn clear(&mut self) {
        self.answers.clear();
    }

    /// The job is over.
    pub(super) fn end(&mut self) {
        self.answers.clear();
        if let Some(job) = self.job.take() {
            if self.of.len() >= KINDS {
                self.of.clear();
            }
            self.of.insert(job.kind, job.asked);
        }
    }

    /// A job of this kind begins: what is to be asked.
    pub(super) fn begin(
        &mut self,
        kind: i64,
        now: i64,
    ) -> DbResult<Vec<(Arc<Text>, Vec<SentValue>)>> {
        self.end();
        let asked = Vec::new();
        self.job = Some(Asking { kind, now, asked });
        let usual = self.of.get(&kind).map(Vec::as_slice).unwrap_or_default();
        let ask = |one: &UsualQuestion| {
            let values = one.values.iter().map(|value| match value {
                UsualValue::Same(value) => Ok(value.clone()),
                UsualValue::Behind(by) => SentValue::of(&(now + by)),
            });
            Ok((one.text.clone(), values.collect::<DbResult<_>>()?))
        };
        usual.iter().map(ask).collect()
    }
}

fn behind(value: &SentValue, now: i64) -> UsualValue {
    // A number may be as far from any time as numbers go.
    let by = value.number().and_then(|number| number.checked_sub(now));
    match by {
        Some(by) if by.unsigned_abs() < NEAR => UsualValue::Behind(by),
        _ => UsualValue::Same(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_from_that_of_the_job_and_all_else_is_the_same() {
        let sent = |number: i64| SentValue::of(&number).unwrap();
        let now = 1_793_606_400_000;
        for (number, behind_by) in [
            (now, Some(0)),
            (now - 604_800_000, Some(-604_800_000)),
            (1, None),
            (i64::MIN, None),
            (i64::MAX, None),
        ] {
            let remembered = behind(&sent(number), now);
            let expected = behind_by.map_or(UsualValue::Same(sent(number)), UsualValue::Behind);
            assert!(remembered == expected, "{number}");
        }
    }

    #[test]
    fn what_a_kind_of_job_asked_is_asked_at_the_time_of_the_next() {
        let mut questions = UsualQuestions::default();
        assert!(questions.begin(7, 1_793_606_400_000).unwrap().is_empty());
        let text = Arc::new(Text::new("SELECT a FROM b WHERE c = ? AND d < ?"));
        let values = [7, 1_793_606_400_000].map(|number: i64| SentValue::of(&number).unwrap());
        assert!(questions.to(&text, &values).is_none());
        assert!(
            questions.begin(8, 1_793_606_400_000).unwrap().is_empty(),
            "another kind"
        );
        let usual = questions.begin(7, 1_793_606_401_000).unwrap();
        let later = [7, 1_793_606_401_000].map(|number: i64| SentValue::of(&number).unwrap());
        assert!(usual == [(text, later.to_vec())]);
    }
}
