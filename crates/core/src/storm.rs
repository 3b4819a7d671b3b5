//! When more came than can be decided or sent in time, and when that is over: by signs that are looked at again and again.
//! What begins at one line ends at half of it, and only once it has stayed there, so that nobody is told twice.

use core::time::Duration;

use crate::time::Timestamp;

/// Decisions that will be held, beyond which it is a storm.
pub const HELD: u64 = 100;
/// How long the queue may take until its last scan has left.
pub const QUEUE: Duration = Duration::from_secs(30 * 60);

/// So few scans are no storm, however slowly they leave: a tenant that is held up is told as such.
pub const FEW: u64 = 100;

/// What is looked at, of one tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StormSigns {
    /// Decisions that will be held, because the directory cannot be asked in time.
    pub held: u64,
    /// How long the queue takes; `None`: nobody knows, because nothing is sent at all.
    pub queue: Option<Duration>,
}

/// A storm begins, or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StormTurn {
    /// More came than can be decided or sent in time.
    Begun,
    /// That is no longer so.
    Over,
}

/// Reads the signs of one tenant.
#[derive(Clone, Copy, Debug, Default)]
pub struct StormGauge {
    /// The turn that was told last; `None`: nothing was read since the start.
    last: Option<StormTurn>,
    calm_since: Option<Timestamp>,
}

impl StormSigns {
    fn is_storm(&self) -> bool {
        self.held > HELD || self.queue.is_some_and(|queue| queue > QUEUE)
    }

    fn is_calm(&self) -> bool {
        self.held <= HELD / 2 && self.queue.is_some_and(|queue| queue <= QUEUE / 2)
    }
}

impl StormGauge {
    /// What the signs come to; it is over once they were calm for `calm`. Right after a start either turn is told,
    /// whatever was told before it: whoever keeps that tells nothing twice.
    pub fn read(&mut self, signs: StormSigns, calm: Duration, now: Timestamp) -> Option<StormTurn> {
        self.calm_since = match (signs.is_calm(), self.calm_since) {
            (true, since) => Some(since.map_or(now, |since| since.min(now))),
            (false, _) => None,
        };
        let stays = self
            .calm_since
            .is_some_and(|since| now.since(since) >= calm);
        let turn = match (signs.is_storm(), stays) {
            (true, _) => StormTurn::Begun,
            (false, true) => StormTurn::Over,
            (false, false) => return None,
        };
        let is_new = self.last != Some(turn);
        self.last = Some(turn);
        is_new.then_some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Duration = Duration::from_secs(300);

    /// What is told of signs that are read every ten seconds.
    fn told(signs: impl IntoIterator<Item = (u64, Option<u64>)>) -> Vec<(u64, StormTurn)> {
        let mut gauge = StormGauge::default();
        let begin = Timestamp::from_millis(1_790_000_000_000);
        let mut told = Vec::new();
        for (n, (held, minutes)) in signs.into_iter().enumerate() {
            let seconds = n as u64 * 10;
            let signs = StormSigns {
                held,
                queue: minutes.map(|minutes| Duration::from_secs(minutes * 60)),
            };
            let now = begin.plus(Duration::from_secs(seconds));
            told.extend(gauge.read(signs, CALM, now).map(|turn| (seconds, turn)));
        }
        told
    }

    #[test]
    fn a_storm_that_wavers_about_its_line_begins_once() {
        let wavering = (0..200).map(|n| (if n % 2 == 0 { 120 } else { 80 }, Some(5)));
        assert_eq!(told(wavering), [(0, StormTurn::Begun)]);
    }

    #[test]
    fn it_is_over_once_the_signs_have_stayed_calm_and_not_at_a_lull() {
        let storm = (0..10).map(|_| (0, Some(31)));
        let lull = (0..29).map(|_| (0, Some(1)));
        let again = (0..10).map(|_| (0, Some(20)));
        let calm = (0..40).map(|_| (50, Some(15)));
        let all = storm.chain(lull).chain(again).chain(calm);
        assert_eq!(
            told(all),
            [(0, StormTurn::Begun), (490 + 300, StormTurn::Over)]
        );
    }

    #[test]
    fn what_nobody_knows_neither_begins_nor_ends_one() {
        let stopped = (0..100).map(|_| (0, None));
        assert_eq!(told(stopped.clone()), []);
        let all = core::iter::once((101, Some(0))).chain(stopped);
        assert_eq!(told(all), [(0, StormTurn::Begun)]);
    }
}
