//! Whose job is next: each who brings jobs has a turn, so that one who brings much delays the others by one job of his.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::job::Job;

/// What one transaction takes along.
pub(super) const BATCH: usize = 256;
const BATCH_BYTES: usize = 4 << 20;
/// Jobs that are taken from the queue before their turn: with more than these, senders wait in it as they came.
const WAITING: usize = 4096;

/// The memory that waiting jobs may hold together, and those of one source.
const HELD: usize = 64 << 20;
const HELD_BY_ONE: usize = HELD / 4;

/// The memory that waiting jobs of senders hold.
#[derive(Default)]
pub(super) struct WaitingBytes(Mutex<(usize, HashMap<String, usize>)>);

impl WaitingBytes {
    /// Takes room for a job. False: there is none, for this source or for anybody.
    pub(super) fn take(&self, source: &str, bytes: usize) -> bool {
        let (all, by_source) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = by_source.get(source).copied().unwrap_or_default() + bytes;
        if *all + bytes > HELD || of_one > HELD_BY_ONE {
            return false;
        }
        *all += bytes;
        match by_source.get_mut(source) {
            Some(held) => *held = of_one,
            None => drop(by_source.insert(source.to_owned(), of_one)),
        }
        true
    }

    /// The job waits no longer.
    pub(super) fn give_back(&self, source: &str, bytes: usize) {
        let (all, by_source) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all = all.saturating_sub(bytes);
        if let Some(held) = by_source.get_mut(source) {
            *held = held.saturating_sub(bytes);
            if *held == 0 {
                by_source.remove(source);
            }
        }
    }
}

/// The jobs that wait, by who brought them; workers and people count as one.
#[derive(Default)]
pub(super) struct Turns {
    jobs: HashMap<Option<String>, VecDeque<Job>>,
    /// Those who have jobs, in the order of their turns.
    order: VecDeque<Option<String>>,
    waiting: usize,
}

impl Turns {
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(super) const fn len(&self) -> usize {
        self.waiting
    }

    pub(super) const fn is_full(&self) -> bool {
        self.waiting >= WAITING
    }

    pub(super) fn push(&mut self, job: Job) {
        self.waiting += 1;
        if let Some(jobs) = self.jobs.get_mut(&job.from) {
            jobs.push_back(job);
        } else {
            self.order.push_back(job.from.clone());
            self.jobs.insert(job.from.clone(), VecDeque::from([job]));
        }
    }

    /// The next transaction: one job of each in turn, until it is large enough. What was withdrawn takes no place in it:
    /// otherwise, once more comes than can be done in the time that a sender waits, only what nobody waits for would be done.
    /// Each job that waits no longer is told of.
    pub(super) fn batch(&mut self, most: usize, mut leaves: impl FnMut(&Job)) -> Vec<Job> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < most && bytes < BATCH_BYTES {
            let Some(from) = self.order.pop_front() else {
                break;
            };
            let Some(jobs) = self.jobs.get_mut(&from) else {
                continue;
            };
            if let Some(job) = jobs.pop_front() {
                self.waiting -= 1;
                leaves(&job);
                if !job.is_withdrawn() {
                    bytes += job.bytes;
                    batch.push(job);
                }
            }
            if jobs.is_empty() {
                self.jobs.remove(&from);
            } else {
                self.order.push_back(from);
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::super::sender_wait::SenderWait;
    use super::*;

    fn job(from: &str, bytes: usize) -> Job {
        Job::new(bytes, |_| Ok(()), |_: Result<(), _>| {}).of(from)
    }

    fn of(batch: &[Job]) -> Vec<&str> {
        batch
            .iter()
            .map(|job| job.from.as_deref().unwrap())
            .collect()
    }

    #[test]
    fn what_nobody_waits_for_takes_no_place_and_is_let_go() {
        let mut turns = Turns::default();
        let waits = [true, false, false, true, false];
        for (bytes, waits) in waits.into_iter().enumerate() {
            let wait = SenderWait::default();
            assert!(waits || wait.give_up());
            turns.push(job("sender", bytes).while_it(&wait));
        }
        let mut left = 0;
        let batch = turns.batch(2, |_| left += 1);
        let bytes: Vec<usize> = batch.iter().map(|job| job.bytes).collect();
        assert_eq!((bytes, left), (vec![0, 3], 4));
        assert!(turns.batch(2, |_| left += 1).is_empty());
        assert_eq!((left, turns.is_empty()), (5, true));
    }

    #[test]
    fn who_brings_much_waits_for_those_who_bring_little() {
        let mut turns = Turns::default();
        for _ in 0..20 {
            turns.push(job("flood", BATCH_BYTES));
        }
        turns.push(job("small", 100));
        turns.push(job("other", 100));
        assert_eq!(of(&turns.batch(BATCH, |_| ())), ["flood"]);
        assert_eq!(
            of(&turns.batch(BATCH, |_| ())),
            ["small", "other", "flood"],
            "one large job stands before them, not twenty"
        );
        let mut left = 0;
        while !turns.is_empty() {
            left += turns.batch(BATCH, |_| ()).len();
        }
        assert_eq!(left, 18);
    }

    #[test]
    fn one_source_cannot_take_the_memory_of_all() {
        let held = WaitingBytes::default();
        assert!(held.take("flood", HELD_BY_ONE) && !held.take("flood", 1));
        assert!(held.take("small", 1) && held.take("other", HELD_BY_ONE));
        held.give_back("flood", HELD_BY_ONE);
        assert!(held.take("flood", 1));
        assert!(
            held.take("third", HELD_BY_ONE)
                && held.take("fourth", HELD_BY_ONE)
                && !held.take("fifth", HELD_BY_ONE)
        );
    }

    #[test]
    fn jobs_of_one_keep_their_order_and_fill_a_transaction() {
        let mut turns = Turns::default();
        for bytes in 0..300 {
            turns.push(job("one", bytes));
        }
        let batch = turns.batch(BATCH, |_| ());
        assert_eq!(batch.len(), BATCH);
        assert!(batch.iter().map(|job| job.bytes).eq(0..BATCH));
        assert_eq!(turns.batch(BATCH, |_| ()).len(), 300 - BATCH);
    }
}
