//! The budget against naive recounts, over random schedules.

use proptest::collection::vec;
use proptest::prelude::*;

use super::reserve::UrgentReserve;
use super::*;
use crate::time::Timestamp;

const LULL: Duration = Duration::from_secs(3);

/// One wish to call: how long after the one before, how long its answer takes, and whether it is urgent.
#[derive(Clone, Debug)]
struct Wish {
    after: u64,
    takes: u64,
    urgent: bool,
}

fn wishes(most: usize) -> impl Strategy<Value = Vec<Wish>> {
    let after = prop_oneof![3 => 0_u64..300, 1 => 0_u64..40_000, 1 => Just(700_000_u64)];
    let wish = (
        after,
        prop_oneof![4 => 0_u64..2_000, 1 => 0_u64..90_000],
        prop::bool::weighted(0.3),
    );
    vec(
        wish.prop_map(|(after, takes, urgent)| Wish {
            after,
            takes,
            urgent,
        }),
        1..most,
    )
}

/// A call as it happened, by a clock that nobody sets.
#[derive(Clone, Copy, Debug)]
struct Made {
    sent: i64,
    ended: i64,
}

/// Lets every wish leave as soon as the budget allows it, in turn.
struct Play {
    share: Share,
    budget: Budget,
    made: Vec<Made>,
    now: i64,
    /// How far the wall clock is ahead.
    ahead: i64,
}

impl Play {
    fn new(share: Share) -> Play {
        Play {
            share,
            budget: Budget::default(),
            made: Vec::new(),
            now: 1_000_000_000,
            ahead: 0,
        }
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.now + self.ahead)
    }

    /// Answers that have come by now.
    fn answers(&mut self, before: i64) {
        for (id, made) in (0..).zip(&self.made) {
            if (before + 1..=self.now).contains(&made.ended) {
                self.budget
                    .ended(id, Timestamp::from_millis(made.ended + self.ahead));
            }
        }
    }

    fn wait(&mut self, millis: u64) {
        let before = self.now;
        self.now += i64::try_from(millis).unwrap();
        self.answers(before);
    }

    fn call(&mut self, wish: &Wish, check: impl Fn(&Play)) {
        self.wait(wish.after);
        loop {
            let now = self.wall();
            let at = if wish.urgent {
                self.budget.free_at(self.share, now)
            } else {
                self.budget.ordinary_at(self.share, LULL, now)
            };
            if at <= now {
                break;
            }
            // Until then, or the next answer.
            let answer = self
                .made
                .iter()
                .map(|made| made.ended)
                .filter(|ended| *ended > self.now)
                .min();
            let until = at
                .millis()
                .saturating_sub(self.ahead)
                .min(answer.unwrap_or(i64::MAX));
            assert!(until < i64::MAX, "nothing would ever let it go");
            self.wait(u64::try_from(until - self.now).unwrap());
        }
        check(self);
        let id = i64::try_from(self.made.len()).unwrap();
        let now = self.wall();
        self.budget.sent(id, wish.urgent.then_some(now), now);
        self.made.push(Made {
            sent: self.now,
            ended: self.now + i64::try_from(wish.takes).unwrap(),
        });
        if wish.takes == 0 {
            self.budget.ended(id, now);
        }
    }

    /// Calls that count against a window now, counted one by one.
    fn counting(&self, window: Duration) -> usize {
        let window = i64::try_from(window.as_millis()).unwrap();
        self.made
            .iter()
            .filter(|made| made.ended > self.now || made.ended + window > self.now)
            .count()
    }
}

fn share() -> impl Strategy<Value = Share> {
    prop_oneof![
        Just((100, 120)),
        Just((20, 300)),
        Just((5, 60)),
        Just((2, 12)),
        Just((1, 30))
    ]
    .prop_map(|(per_minute, per_hour)| Share {
        per_minute,
        per_hour,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_window_is_exceeded_whenever_the_far_side_counts_and_however_the_clock_is_set(
        share in share(), wishes in vec_of_wishes_and_jumps(), moments in vec(0.0_f64..1.0, 200)
    ) {
        let mut play = Play::new(share);
        for (wish, jump) in &wishes {
            if let Some(by) = jump {
                play.ahead += by;
                play.budget.moved(*by, play.wall());
            }
            play.call(wish, |_| {});
        }
        // The far side counts each call at some moment between its leaving and its answer.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let counted = |(made, moment): (&Made, &f64)| made.sent + ((made.ended - made.sent) as f64 * moment) as i64;
        let mut times: Vec<i64> = play.made.iter().zip(moments.iter().cycle()).map(counted).collect();
        times.sort_unstable();
        for (length, limit) in [(60_000, share.per_minute), (3_600_000, share.per_hour)] {
            for (n, begins) in times.iter().enumerate() {
                let within = times[n..].iter().take_while(|at| **at <= begins + length).count();
                prop_assert!(within <= limit as usize, "{within} calls within {length} ms");
            }
        }
    }

    #[test]
    fn the_ledger_counts_what_a_recount_counts(share in share(), wishes in wishes(120)) {
        let mut play = Play::new(share);
        for wish in &wishes {
            play.call(wish, |play| {
                let (minute, hour) = play.budget.used(play.wall());
                assert_eq!((minute as usize, hour as usize), (play.counting(MINUTE), play.counting(HOUR)));
            });
        }
    }

    #[test]
    fn an_ordinary_call_leaves_at_every_later_moment_what_urgent_ones_may_need(
        wanted_per_hour in 1_u32..2000, limit in 10_u32..200, floor in 0_u32..5,
        ended in vec(0_u64..3_600_000, 0..200), leaving in 0_u64..5
    ) {
        let now = Timestamp::from_millis(1_000_000_000);
        let mut ledger = Ledger::default();
        for ago in &ended {
            let at = now.minus(Duration::from_millis(*ago));
            ledger.recall(PastCall { sent: at, ended: at, urgent: None, refused: false });
        }
        for id in 0..leaving {
            ledger.sent(i64::try_from(id).unwrap(), None, now);
        }
        let reserve = UrgentReserve::new(1.0, f64::from(floor), f64::from(wanted_per_hour) / 3_600_000.0);
        let at = ledger.reserved(limit, HOUR, &reserve, now);
        // By the words of the rule: for every span up to an hour, what is free and what has come back is enough.
        let enough = |at: Timestamp| {
            let returns = |ago: &u64| now.minus(Duration::from_millis(*ago)).plus(HOUR);
            let counting: Vec<Timestamp> = ended.iter().map(returns).filter(|back| *back > at).collect();
            let free = i64::from(limit) - 1 - i64::try_from(counting.len() + usize::try_from(leaving).unwrap()).unwrap();
            let spans = counting.iter().map(|back| back.since(at).saturating_sub(Duration::from_millis(1)));
            spans.chain([Duration::ZERO, HOUR]).all(|span| {
                let back = counting.iter().filter(|back| **back <= at.plus(span)).count();
                free + i64::try_from(back).unwrap() >= reserve.wanted(span)
            })
        };
        if at == Timestamp::NEVER {
            prop_assert!(reserve.wanted(HOUR) > i64::from(limit) - 1 - i64::try_from(leaving).unwrap());
        } else {
            // A millisecond is lost where a span is cut to whole ones.
            prop_assert!(enough(at) || enough(at.plus(Duration::from_millis(1))));
            prop_assert!(at == now || !enough(at.minus(Duration::from_millis(3))), "it could have left sooner");
        }
    }
}

fn vec_of_wishes_and_jumps() -> impl Strategy<Value = Vec<(Wish, Option<i64>)>> {
    let jump = prop_oneof![12 => Just(None), 1 => Just(Some(3_600_000_i64)), 1 => Just(Some(-3_600_000_i64))];
    wishes(150).prop_flat_map(move |wishes| {
        let jumps = vec(jump.clone(), wishes.len());
        jumps.prop_map(move |jumps| wishes.clone().into_iter().zip(jumps).collect())
    })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000 + seconds * 1000)
}

/// Ordinary calls until one has to wait; how many left.
fn burst(budget: &mut Budget, second: i64) -> u32 {
    let mut left = 0;
    while budget.ordinary_at(Share::WHOLE, LULL, at(second)) <= at(second) {
        let id = i64::from(left) + second * 1000;
        budget.sent(id, None, at(second));
        budget.ended(id, at(second));
        left += 1;
    }
    left
}

#[test]
fn the_first_call_of_a_rush_leaves_at_once_and_the_others_when_it_has_been_watched() {
    let mut budget = Budget::default();
    assert_eq!(burst(&mut budget, 0), 1);
    assert_eq!(burst(&mut budget, 1), 0);
    assert_eq!(burst(&mut budget, 3), 0);
    assert!(
        burst(&mut budget, 6) > 20,
        "five seconds without an urgent one"
    );
    burst(&mut budget, 20);
    assert_eq!(
        budget.used(at(20)).0,
        80,
        "a fifth of the minute stays free"
    );
}

#[test]
fn while_urgent_ones_come_as_fast_as_the_minute_carries_no_other_leaves() {
    let mut budget = Budget::default();
    let mut others = 0;
    for second in 0..60 {
        for n in 0..2 {
            budget.sent(second * 2 + n - 1_000, Some(at(second)), at(second));
            budget.ended(second * 2 + n - 1_000, at(second));
        }
        others += burst(&mut budget, second);
    }
    assert_eq!(others, 1, "the one that nobody could know better");
}

/// Urgent calls, one every so many seconds, beside all the others that may leave; how many calls of the hour are free then.
fn hour_free(budget: &mut Budget, seconds: core::ops::Range<i64>, every: Option<i64>) -> u32 {
    let end = seconds.end;
    for second in seconds {
        if every.is_some_and(|every| second % every == 0) {
            budget.sent(-second - 1, Some(at(second)), at(second));
            budget.ended(-second - 1, at(second));
        }
        burst(budget, second);
    }
    Share::WHOLE.per_hour - budget.used(at(end)).1
}

#[test]
fn a_storm_is_feared_while_it_lasts_and_forgotten_when_it_has_passed() {
    let mut budget = Budget::default();
    let lasting = hour_free(&mut budget, 0..600, Some(2));
    assert!(
        lasting > 600,
        "it may go on for the other fifty minutes: {lasting}"
    );
    let passed = hour_free(&mut budget, 600..1500, None);
    assert!(passed < 200, "a quarter of an hour later: {passed}");
    let end = hour_free(&mut budget, 1500..3600, None);
    assert!(end <= 6, "the hour is used: {end}");
}

#[test]
fn a_lull_does_not_spend_what_urgent_ones_will_need() {
    let mut budget = Budget::default();
    hour_free(&mut budget, 0..1_500, Some(36));
    let free = hour_free(&mut budget, 1_500..2_040, None);
    assert!(
        i64::from(free) > (3_600 - 2_040) / 36,
        "{free} for the rest of the hour"
    );
}

#[test]
fn a_rush_over_a_restart_is_watched_anew() {
    let entry = PastCall {
        sent: at(0),
        ended: at(1),
        urgent: None,
        refused: false,
    };
    let mut budget = Budget::load([entry], Learnt::default());
    budget.watch(at(20));
    assert_eq!(burst(&mut budget, 20), 0);
    assert!(burst(&mut budget, 24) > 0);
    let mut calm = Budget::load([entry], Learnt::default());
    calm.watch(at(200));
    assert_eq!(burst(&mut calm, 200), 1, "nothing was under way");
}

#[test]
fn a_refusal_at_the_edge_of_our_own_share_tells_nothing_of_others() {
    let share = Share {
        per_minute: 2,
        per_hour: 100,
    };
    let mut budget = Budget::default();
    for (id, second) in [(0, 0), (1, 1), (2, 70), (3, 71), (4, 140)] {
        budget.sent(id, None, at(second));
        let lowered = budget.refused(id, share, at(second), at(second));
        // The second and fourth were the second of their minute; the fifth is the third that was alone in its own.
        assert_eq!(lowered, [2, 4].contains(&id), "{id}");
    }
    assert_eq!(budget.left(share, at(140)).per_minute, 1);
}
