//! What intake is known to ask about a delivery, before its turn.

use super::accept::known_by_key;
use super::acceptance::{Acceptance, Decided};
use super::db::KnownQuestion;
use super::findings::AlertFinding;
use super::history;
use super::names::name_of;
use super::waits;
use scanhook_core::alert::Device;
use scanhook_core::mapping::Item;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Verdict};

impl Acceptance {
    /// Those that nearly every delivery like this comes to. Whatever else is asked, or is not asked after all, only takes
    /// longer.
    pub(super) fn questions(&self, now: Timestamp) -> Vec<KnownQuestion> {
        let mut all = vec![known_by_key(&self.delivery), waits::pauses()];
        let since = now.minus(self.remember);
        for accepted in &self.alerts {
            let (Item::Alert(alert), Some(decided)) = (&accepted.item, &accepted.decided) else {
                continue;
            };
            all.push(waits::standing_of(decided.tenant));
            let finding = AlertFinding::new(self.delivery.source(), alert, self.policy);
            for (device, verdict) in alert.devices.iter().zip(&decided.verdicts) {
                all.push(finding.earlier(device, since, now));
                about(decided, device, verdict, now, &mut all);
            }
        }
        all
    }
}

/// What is asked about the machine, where the alert knows it.
fn about(
    decided: &Decided,
    device: &Device,
    verdict: &Verdict,
    now: Timestamp,
    all: &mut Vec<KnownQuestion>,
) {
    let Some(machine) = &device.machine else {
        return;
    };
    all.push(name_of(decided.tenant, machine));
    if let Asks::Scan(wanted) = &verdict.asks {
        let rule = verdict.rule.as_deref();
        all.extend(history::questions(
            decided.tenant,
            machine,
            rule,
            wanted,
            now,
        ));
    }
}
