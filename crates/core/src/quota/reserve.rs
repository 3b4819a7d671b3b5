//! What is kept back for urgent calls that have not come yet.

use core::time::Duration;

/// How many urgent calls are expected, and may come by bad luck: within a span of time, `floor + λτ + 3√(λτ)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct UrgentReserve {
    /// Our part of the whole budget; it scales what is luck.
    part: f64,
    floor: f64,
    /// Urgent calls in a millisecond.
    rate: f64,
}

impl UrgentReserve {
    pub(super) fn new(part: f64, floor: f64, rate: f64) -> UrgentReserve {
        UrgentReserve {
            part,
            floor: floor * part,
            rate,
        }
    }

    /// Calls that have to be there for the urgent ones of this span.
    pub(super) fn wanted(&self, span: Duration) -> i64 {
        let mean = self.rate * millis(span);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "saturates, and is no more than calls in an hour"
        )]
        let calls = (self.floor + mean + 3.0 * (self.part * mean).sqrt()).round() as i64;
        calls
    }

    /// For how long this many calls are enough; `None`: not even now.
    pub(super) fn lasts(&self, calls: i64) -> Option<Duration> {
        #[allow(clippy::cast_precision_loss, reason = "a number of calls")]
        let above = calls as f64 + 0.5 - self.floor;
        if above <= 0.0 {
            return None;
        }
        // λτ + 3√(sλτ) = above is a square equation of √(λτ).
        let luck = 3.0 * self.part.sqrt();
        let root = ((luck * luck + 4.0 * above).sqrt() - luck) / 2.0;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and saturates"
        )]
        let span = (root * root / self.rate) as u64;
        Some(Duration::from_millis(span))
    }
}

/// The highest rate, per millisecond, of which what was counted within `span` may be bad luck: Poisson's upper bound of
/// 99 %, to a few hundredths. For nothing at all it is 4.6.
pub(super) fn at_most(counted: u32, span: Duration, part: f64) -> f64 {
    let counted = f64::from(counted);
    (counted + 1.9 * part + 2.33 * (part * (counted + 1.36 * part)).sqrt()) / millis(span).max(1.0)
}

#[allow(clippy::cast_precision_loss, reason = "spans of at most hours")]
fn millis(span: Duration) -> f64 {
    span.as_millis() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_upper_estimate_is_that_of_the_tables() {
        // One-sided bounds of 99 % after Garwood, 1936.
        for (counted, bound) in [(0, 4.61), (1, 6.64), (5, 13.11), (10, 20.14), (30, 45.4)] {
            let ours = at_most(counted, Duration::from_millis(1), 1.0);
            assert!((ours - bound).abs() < bound / 25.0, "{counted}: {ours}");
        }
    }

    proptest! {
        #[test]
        fn it_lasts_exactly_as_long_as_it_is_enough(calls in 0_i64..1600, per_hour in 1_u32..3000, part in 0.01_f64..1.0) {
            let reserve = UrgentReserve::new(part, 3.0, f64::from(per_hour) / 3_600_000.0);
            let Some(span) = reserve.lasts(calls) else {
                prop_assert!(reserve.wanted(Duration::ZERO) > calls);
                return Ok(());
            };
            prop_assert!(reserve.wanted(span.saturating_sub(Duration::from_millis(1))) <= calls);
            prop_assert!(reserve.wanted(span + Duration::from_millis(2)) > calls);
        }

        #[test]
        fn a_part_of_the_budget_behaves_as_the_whole_with_a_part_of_everything(
            counted in 0_u32..50, seconds in 1_u64..4000
        ) {
            let span = Duration::from_secs(seconds);
            let (whole, tenth) = (at_most(10 * counted, span, 1.0), at_most(counted, span, 0.1));
            prop_assert!((whole - 10.0 * tenth).abs() < 1e-9);
        }
    }
}
