//! A far side as a model: two limits in one of three kinds of window. It does not count what it refuses, which is the
//! kinder way to those who ask too often.

use scanhook_simulator::QuotaWindow;

const LIMITS: [(i64, usize); 2] = [(60_000, 100), (3_600_000, 1_500)];
/// How long after the full minute and hour a run begins.
const BEGINS: i64 = 17 * 60_000 + 23_000;

pub struct Far {
    window: QuotaWindow,
    accepted: Vec<i64>,
    /// When each bucket will be full again.
    full: [i64; 2],
    pub refused: u32,
}

impl Far {
    pub fn new(window: QuotaWindow) -> Far {
        Far {
            window,
            accepted: Vec::new(),
            full: [i64::MIN / 2; 2],
            refused: 0,
        }
    }

    /// A call; where it is refused, the milliseconds after which to try again, in whole seconds.
    pub fn call(&mut self, now: i64) -> Result<(), i64> {
        let waits = LIMITS.iter().enumerate().map(|(n, (length, limit))| {
            let at_limit = self
                .accepted
                .len()
                .checked_sub(*limit)
                .map(|first| self.accepted[first]);
            let turn = now - (now + BEGINS).rem_euclid(*length) + length;
            match self.window {
                QuotaWindow::Sliding => at_limit.map_or(0, |at| at + length - now),
                QuotaWindow::Aligned => at_limit
                    .filter(|at| *at >= turn - length)
                    .map_or(0, |_| turn - now),
                QuotaWindow::Bucket => {
                    self.full[n].max(now) + length / i64::try_from(*limit).unwrap() - now - length
                }
            }
        });
        let wait = waits.max().unwrap_or(0);
        if wait > 0 {
            self.refused += 1;
            return Err((wait + 999) / 1000 * 1000);
        }
        for (full, (length, limit)) in self.full.iter_mut().zip(LIMITS) {
            *full = (*full).max(now) + length / i64::try_from(limit).unwrap();
        }
        self.accepted.push(now);
        Ok(())
    }
}
