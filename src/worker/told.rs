//! What people hear of a tenant as a whole: that it is stopped, that Defender's limits hold it up for long, and the end
//! of either. The journal keeps what was told, so that a restart neither repeats nor forgets it.

use core::time::Duration;

use super::condition::TenantCondition;
use super::state::TenantWorker;
use crate::journal::{Api, JournalError, Occasion, Tx};
use scanhook_core::message::MessageType;
use scanhook_core::obstacles::Obstacles;
use scanhook_core::time::Timestamp;

/// How long refusals go on before somebody hears of them.
const REFUSED_FOR: Duration = Duration::from_secs(600);
/// How long others may use the quota before somebody hears of it.
const SHARED_FOR: Duration = Duration::from_secs(1800);
/// What is held up by others who use the same quota, told apart from refusals.
const OTHERS: &str = "others";

impl TenantWorker {
    /// Tells what has changed since it was last asked.
    pub(super) fn tell_condition(
        &mut self,
        tx: &mut Tx<'_>,
        obstacles: &Obstacles,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let share = self.account.share;
        let left = self
            .budgets
            .get(&Api::Scan)
            .map_or(share, |budget| budget.left(share, now));
        let is = TenantCondition {
            stopped: obstacles.stopped.clone(),
            works: obstacles.stopped.is_none() && !obstacles.no_token,
            refused: obstacles.throttled_until.is_some() || self.backoff.throttle.holds_back(),
            shared: left.per_minute < share.per_minute || left.per_hour < share.per_hour,
        };
        if self.condition.as_ref() == Some(&is) {
            return Ok(());
        }
        let of = |what, key| Occasion::new(what, self.id, key);
        if let Some(why) = &is.stopped {
            let stopped = of(MessageType::TenantStopped, "").because(why);
            tx.begins(&stopped, Duration::ZERO, now)?;
        } else if is.works {
            let works = of(MessageType::TenantRecovered, "");
            tx.ends(MessageType::TenantStopped, &works, now)?;
        }
        let throttled = MessageType::TenantThrottled;
        for (key, held_up, patience, why) in [
            ("", is.refused, REFUSED_FOR, "Defender answers 429."),
            (
                OTHERS,
                is.shared,
                SHARED_FOR,
                "Others use the quota of this app.",
            ),
        ] {
            if held_up {
                tx.begins(&of(throttled, key).because(why), patience, now)?;
            } else {
                tx.ends(throttled, &of(throttled, key).resolved(), now)?;
            }
        }
        self.condition = Some(is);
        Ok(())
    }
}
