//! The watch for storms: whether more came of a tenant than can be decided or sent in time.

use core::time::Duration;
use std::collections::BTreeMap;

use tokio::sync::watch;

use super::log_target::APP;
use crate::clock;
use crate::in_force::Current;
use crate::journal::{Journal, JournalError, NowNumbers, Occasion, TenantId};
use crate::server::forecast::{LaneBoard, of_directory, queue_takes, storm_text};
use scanhook_core::message::MessageType;
use scanhook_core::storm::{StormGauge, StormSigns, StormTurn};
use scanhook_core::time::Timestamp;

/// How often it is looked, and how long a storm has to be calm until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StormPace {
    pub look: Duration,
    pub calm: Duration,
}

impl Default for StormPace {
    fn default() -> StormPace {
        StormPace {
            look: Duration::from_secs(5),
            calm: Duration::from_secs(300),
        }
    }
}

/// What was read of each tenant since the start.
type StormGauges = BTreeMap<TenantId, StormGauge>;

pub(super) async fn watch_storms(
    journal: Journal,
    current: Current,
    pace: StormPace,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    let mut gauges = StormGauges::new();
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pace.look) => {
                if let Err(error) = look(&journal, &current, &mut gauges, pace.calm).await {
                    tracing::error!(target: APP, code = error.code(), %error, "it is not known whether there is a storm");
                }
            }
        }
    }
    "the watch for storms"
}

async fn look(
    journal: &Journal,
    current: &Current,
    gauges: &mut StormGauges,
    calm: Duration,
) -> Result<(), JournalError> {
    let boards: BTreeMap<TenantId, LaneBoard> = {
        let in_force = current.borrow();
        let tenants = in_force.tenants.iter();
        tenants
            .map(|tenant| (tenant.id, tenant.board.borrow().clone()))
            .collect()
    };
    let ids: Vec<TenantId> = boards.keys().copied().collect();
    let numbers = journal.read(move |reader| reader.queues(&ids)).await?;
    let now = clock::now();
    let turns = turns(numbers, &boards, gauges, (calm, now));
    if turns.is_empty() {
        return Ok(());
    }
    let told = journal.write(move |tx| {
        for (tenant, turn, text) in &turns {
            let of = |what| Occasion::new(what, *tenant, "");
            match turn {
                StormTurn::Begun => {
                    let begun = of(MessageType::StormBegun).because(text);
                    tx.begins(&begun, Duration::ZERO, now)?;
                }
                StormTurn::Over => {
                    tx.ends(MessageType::StormBegun, &of(MessageType::StormOver), now)?;
                }
            }
        }
        Ok(())
    });
    // What could not be written is read anew.
    told.await.inspect_err(|_| gauges.clear())
}

/// Of each tenant in which something turned: what, and the same in words.
fn turns(
    numbers: NowNumbers,
    boards: &BTreeMap<TenantId, LaneBoard>,
    gauges: &mut StormGauges,
    (calm, now): (Duration, Timestamp),
) -> Vec<(TenantId, StormTurn, String)> {
    let mut turns = Vec::new();
    for (tenant, waits) in numbers.tenants {
        // Right after a start its worker has not said yet what it may ask and send.
        if boards
            .get(&tenant)
            .is_none_or(|(_, quota)| quota.is_empty())
        {
            continue;
        }
        let waiting = waits.waiting;
        let of_one = NowNumbers {
            tenants: [(tenant, waits)].into(),
            ..NowNumbers::default()
        };
        let directory = of_directory(&of_one, boards, now);
        let queue = queue_takes(waiting, boards.get(&tenant), now);
        let signs = StormSigns {
            held: directory.will_be_held,
            queue,
        };
        if let Some(turn) = gauges.entry(tenant).or_default().read(signs, calm, now) {
            let leaves = queue.map(|queue| now.plus(queue).shown());
            let text = storm_text(&directory, waiting, leaves.as_deref());
            turns.push((tenant, turn, text));
        }
    }
    turns
}
