//! One alert of a delivery is written down: what became of it, what its devices are called, and what was decided about
//! each. Intake and those who read a delivery again share it.

use super::acceptance::{Acceptance, AcceptedAlert, Decided};
use super::db::params;
use super::error::JournalError;
use super::findings::{AlertFinding, DeviceFinding};
use super::keys::TenantId;
use super::names;
use super::new_decision::NewDecision;
use super::occasion::Occasion;
use super::tx::Tx;
use crate::api::AlertReceipt;
use scanhook_core::alert::{Alert, AlertReason, AlertState, Device};
use scanhook_core::mapping::Item;
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    pub(super) fn accept_alert(
        &mut self,
        acceptance: &Acceptance,
        delivery: i64,
        n: usize,
        accepted: &AcceptedAlert,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<AlertReceipt, JournalError> {
        let source = acceptance.delivery.source();
        if let Some((state, reason, alert, detail)) = undecided(&accepted.item) {
            if state == AlertState::Parked {
                let key = format!("{source}/{}", reason.code());
                self.tell(&Occasion::new(MessageType::AlertParked, None, &key), now)?;
            }
            let (reason, detail) = (Some(reason), Some(detail));
            return self.insert_alert((delivery, n), source, alert, state, reason, detail);
        }
        let (Item::Alert(alert), Some(Decided { tenant, verdicts })) =
            (&accepted.item, &accepted.decided)
        else {
            return Err(JournalError::Conflict("an alert that nobody acts on"));
        };
        let finding = AlertFinding::new(source, alert, acceptance.policy);
        let known = self.known(&finding, verdicts, since, now)?;
        if !known.is_empty() && known.iter().all(DeviceFinding::is_covered) {
            let reason = Some(AlertReason::Repeated);
            return self.insert_alert(
                (delivery, n),
                source,
                alert,
                AlertState::Duplicate,
                reason,
                None,
            );
        }
        let mut told = self.insert_alert(
            (delivery, n),
            source,
            alert,
            AlertState::Decided,
            None,
            None,
        )?;
        for ((device, verdict), known) in alert.devices.iter().zip(verdicts).zip(&known) {
            let new = NewDecision {
                delivery,
                n,
                tenant: *tenant,
                device: device.label(),
                machine: device.machine.as_ref(),
                policy: acceptance.policy,
                severity: alert.severity,
                again: None,
                barred: None,
                looked: None,
            };
            let (admitted, receipt) = self.admit_told(&new, verdict, now)?;
            self.note(
                &finding,
                device,
                known,
                admitted.decision,
                (delivery, acceptance.delivery.received()),
            )?;
            self.learn_names(*tenant, device, now)?;
            told.decisions.push(receipt);
        }
        Ok(told)
    }

    /// Keeps the names by which an alert that knows the machine calls it, so that it is found by them.
    fn learn_names(
        &mut self,
        tenant: TenantId,
        device: &Device,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let Some(machine) = &device.machine else {
            return Ok(());
        };
        match &device.name {
            Some(name) => {
                names::alert_names_machine(self.db, tenant, (machine, name), device.label(), now)
            }
            None => names::is_machine(self.db, tenant, device.label(), machine),
        }
    }

    fn insert_alert(
        &mut self,
        (delivery, n): (i64, usize),
        source: &str,
        alert: &Alert,
        state: AlertState,
        reason: Option<AlertReason>,
        detail: Option<&str>,
    ) -> Result<AlertReceipt, JournalError> {
        let fields = serde_json::to_string(alert)
            .map_err(|_| JournalError::Conflict("an alert is not JSON"))?;
        self.db.later(
            "INSERT INTO alert(delivery, n, source, alert_id, state, reason, detail, fields)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                delivery,
                i64::try_from(n).unwrap_or(i64::MAX),
                source,
                alert.id,
                state.code(),
                reason.map(AlertReason::code),
                detail,
                fields
            ],
        )?;
        names::alert_names(
            self.db,
            (delivery, i64::try_from(n).unwrap_or(i64::MAX)),
            alert,
        )?;
        Ok(AlertReceipt {
            id: alert.id.clone(),
            state: state.code().to_owned(),
            reason: reason.map(|reason| reason.code().to_owned()),
            detail: detail.map(str::to_owned),
            notes: alert
                .notes
                .iter()
                .map(|note| note.code().to_owned())
                .collect(),
            decisions: Vec::new(),
        })
    }
}

/// How an item about which nothing is decided is stored: its state, why, what was read of it, and the detail.
fn undecided(item: &Item) -> Option<(AlertState, AlertReason, &Alert, &str)> {
    match item {
        Item::Alert(_) => None,
        Item::Parked {
            reason,
            alert,
            detail,
        } => Some((AlertState::Parked, *reason, alert, detail)),
        Item::Ignored {
            reason,
            alert,
            detail,
        } => Some((AlertState::Ignored, *reason, alert, detail)),
    }
}
