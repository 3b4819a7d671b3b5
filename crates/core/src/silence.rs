//! Senders that should have spoken by now. Nothing comes of a silent sender by itself: it is told, once, to whoever
//! looks after it.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::time::Timestamp;

/// After a start senders get this long to try again what they could not deliver.
const GRACE: Duration = Duration::from_secs(300);

/// When each source was last heard, and which are expected to be heard again.
#[derive(Clone, Debug)]
pub struct SourceSilence {
    expected: BTreeMap<String, Duration>,
    heard: BTreeMap<String, Timestamp>,
    silent: BTreeSet<String>,
    started: Timestamp,
    /// Since when a source is expected, where that is not since the start.
    begun: BTreeMap<String, Timestamp>,
}

impl SourceSilence {
    /// `expected`: how long each source may stay silent; `heard`: when each was last heard, as far as that is known.
    #[must_use]
    pub fn new(
        expected: BTreeMap<String, Duration>,
        heard: BTreeMap<String, Timestamp>,
        started: Timestamp,
    ) -> SourceSilence {
        SourceSilence {
            expected,
            heard,
            silent: BTreeSet::new(),
            started,
            begun: BTreeMap::new(),
        }
    }

    /// Expects others from now on; `heard`: when those were last heard of whom that was not known before. Whoever is new
    /// among them gets the time that all have after a start.
    pub fn expect(
        &mut self,
        expected: BTreeMap<String, Duration>,
        heard: BTreeMap<String, Timestamp>,
        now: Timestamp,
    ) {
        for name in expected
            .keys()
            .filter(|name| !self.expected.contains_key(*name))
        {
            self.begun.insert(name.clone(), now);
        }
        self.begun.retain(|name, _| expected.contains_key(name));
        self.silent.retain(|name| expected.contains_key(name));
        for (name, at) in heard {
            self.heard.entry(name).or_insert(at);
        }
        self.expected = expected;
    }

    /// How long a source may stay silent.
    #[must_use]
    pub fn expected(&self, source: &str) -> Option<Duration> {
        self.expected.get(source).copied()
    }

    /// How often to look: no silence is noticed later than a quarter of its span, or a minute, after it began.
    #[must_use]
    pub fn beat(&self) -> Option<Duration> {
        let shortest = self.expected.values().min()?;
        Some((*shortest / 4).clamp(Duration::from_millis(250), Duration::from_secs(60)))
    }

    /// What the journal knows was heard last, by whichever process. What is known already is no news.
    pub fn hear_of(&mut self, source: &str, at: Timestamp) {
        if self.heard.get(source).is_none_or(|known| *known < at) {
            self.hear(source, at);
        }
    }

    /// A source was heard; whether that ends a silence that was told.
    pub fn hear(&mut self, source: &str, at: Timestamp) -> bool {
        self.heard.insert(source.to_owned(), at);
        self.silent.remove(source)
    }

    /// Whether a source was heard after it had been told as silent, at `told`, or is not expected any more.
    #[must_use]
    pub fn has_spoken(&self, source: &str, told: Timestamp) -> bool {
        let heard = self.heard.get(source);
        !self.expected.contains_key(source) || heard.is_some_and(|at| *at > told)
    }

    /// The sources that have fallen silent since this was last asked, each with when it was last heard.
    pub fn fallen_silent(&mut self, now: Timestamp) -> Vec<(String, Option<Timestamp>)> {
        let names: Vec<_> = self
            .expected
            .keys()
            .filter(|name| !self.silent.contains(*name))
            .cloned()
            .collect();
        let fallen = names
            .into_iter()
            .filter(|name| self.since(name, now).is_some());
        let fallen: Vec<_> = fallen
            .map(|name| (name.clone(), self.heard.get(&name).copied()))
            .collect();
        self.silent
            .extend(fallen.iter().map(|(name, _)| name.clone()));
        fallen
    }

    /// Since when a source is silent for longer than it should be: its last delivery, or the start where none is known.
    #[must_use]
    pub fn since(&self, source: &str, now: Timestamp) -> Option<Timestamp> {
        let expected = self.expected(source)?;
        let begun = self.begun.get(source).copied().unwrap_or(self.started);
        let since = self.heard.get(source).copied().unwrap_or(begun);
        let settled = now.since(begun) > expected.min(GRACE);
        (settled && now.since(since) > expected).then_some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::default().plus(Duration::from_secs(seconds))
    }

    fn silence(heard: &[(&str, u64)], started: u64) -> SourceSilence {
        let expected = ["a", "b"]
            .map(|name| (name.to_owned(), Duration::from_secs(HOUR)))
            .into();
        SourceSilence::new(
            expected,
            heard
                .iter()
                .map(|(name, s)| ((*name).to_owned(), at(*s)))
                .collect(),
            at(started),
        )
    }

    #[test]
    fn what_was_heard_before_a_silence_does_not_end_it_however_often_it_is_read() {
        let mut silence = silence(&[("a", 100)], 100);
        assert_eq!(silence.fallen_silent(at(101 + HOUR)).len(), 2);
        silence.hear_of("a", at(100));
        assert_eq!(silence.fallen_silent(at(102 + HOUR)), []);
        silence.hear_of("a", at(103 + HOUR));
        assert_eq!(silence.since("a", at(104 + HOUR)), None);
    }

    #[test]
    fn a_silence_is_told_once_until_the_sender_speaks_again() {
        let mut silence = silence(&[("a", 100)], 100);
        assert_eq!(silence.fallen_silent(at(100 + HOUR)), []);
        let told = silence.fallen_silent(at(101 + HOUR));
        assert_eq!(
            told,
            [("a".to_owned(), Some(at(100))), ("b".to_owned(), None)],
            "one that was never heard, too"
        );
        assert_eq!(silence.fallen_silent(at(5 * HOUR)), []);
        assert_eq!(silence.since("a", at(5 * HOUR)), Some(at(100)));
        assert!(silence.hear("a", at(5 * HOUR)), "the end of a silence");
        assert!(!silence.hear("a", at(5 * HOUR)));
        assert_eq!(silence.since("a", at(5 * HOUR)), None);
        assert_eq!(
            silence.fallen_silent(at(7 * HOUR)),
            [("a".to_owned(), Some(at(5 * HOUR)))]
        );
        assert!(!silence.hear("other", at(0)) && silence.since("other", at(9 * HOUR)).is_none());
    }

    #[test]
    fn after_a_start_senders_get_time_to_try_again() {
        let mut silence = silence(&[("a", 0), ("b", 0)], 10 * HOUR);
        assert_eq!(silence.fallen_silent(at(10 * HOUR + 300)), []);
        silence.hear("b", at(10 * HOUR + 300));
        assert_eq!(
            silence.fallen_silent(at(10 * HOUR + 301)),
            [("a".to_owned(), Some(at(0)))]
        );
    }

    #[test]
    fn whoever_is_expected_later_gets_the_time_that_all_have_after_a_start() {
        let mut silence = silence(&[("a", 0), ("b", 0)], 0);
        let hour = Duration::from_secs(HOUR);
        let expected = ["b", "c", "d"].map(|name| (name.to_owned(), hour)).into();
        silence.expect(
            expected,
            [("c".to_owned(), at(1)), ("b".to_owned(), at(7))].into(),
            at(10 * HOUR),
        );
        assert_eq!(
            silence.fallen_silent(at(10 * HOUR + 300)),
            [("b".to_owned(), Some(at(0)))],
            "a is not expected any more"
        );
        assert_eq!(
            silence.fallen_silent(at(10 * HOUR + 301)),
            [("c".to_owned(), Some(at(1)))]
        );
        assert_eq!(
            silence.fallen_silent(at(11 * HOUR + 1)),
            [("d".to_owned(), None)]
        );
    }

    #[test]
    fn it_looks_as_often_as_the_shortest_span_needs() {
        assert_eq!(silence(&[], 0).beat(), Some(Duration::from_secs(60)));
        let short = SourceSilence::new(
            [("a".to_owned(), Duration::from_secs(1))].into(),
            BTreeMap::new(),
            at(0),
        );
        assert_eq!(short.beat(), Some(Duration::from_millis(250)));
        assert_eq!(
            SourceSilence::new(BTreeMap::new(), BTreeMap::new(), at(0)).beat(),
            None
        );
    }
}
