//! What was decided about a finding and a device, found by its key: a repeat costs the same whether the finding came once
//! or a hundred thousand times.

use sha2::{Digest, Sha256};

use super::db::{AskedAbout, KnownQuestion, OptionalExtension, Value, params};
use super::error::JournalError;
use super::keys::PolicyId;
use super::tx::Tx;
use scanhook_core::alert::{Alert, Device};
use scanhook_core::plan::AHEAD;
use scanhook_core::repeat::{Demand, Earlier, Severities};
use scanhook_core::scan::{DecisionState, Outcome, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Verdict};

/// An alert whose finding is looked for.
pub(super) struct AlertFinding<'a> {
    source: &'a str,
    alert: &'a Alert,
    policy: PolicyId,
    sameness: [u8; 16],
}

/// One device of it: what was decided before, and whether the verdict at hand adds anything.
pub(super) struct DeviceFinding {
    severities: Severities,
    content: Option<[u8; 8]>,
    /// The decision that asked for at least as much, if there is one.
    covered_by: Option<i64>,
}

impl DeviceFinding {
    pub(super) fn is_covered(&self) -> bool {
        self.covered_by.is_some()
    }
}

impl<'a> AlertFinding<'a> {
    pub(super) fn new(source: &'a str, alert: &'a Alert, policy: PolicyId) -> AlertFinding<'a> {
        AlertFinding {
            source,
            alert,
            policy,
            sameness: first(&[source.as_bytes(), alert.dedupe.as_bytes()]),
        }
    }

    fn subject(&self, device: &Device) -> AskedAbout {
        AskedAbout::Finding(self.sameness, device.label().to_owned())
    }

    /// What was decided about this device of it before.
    pub(super) fn earlier(
        &self,
        device: &Device,
        since: Timestamp,
        now: Timestamp,
    ) -> KnownQuestion {
        KnownQuestion {
            sql: "SELECT f.decision, f.severities, f.content, d.asked, d.state, d.reason, s.outcome,
                         s.state = 'waiting' AND s.opens_at IS NOT NULL
                  FROM finding f JOIN delivery l ON l.id = f.delivery JOIN decision d ON d.id = f.decision
                    LEFT JOIN scan s ON s.id = d.scan
                  WHERE f.sameness = ? AND f.device = ? AND l.received_at > ? AND l.received_at <= ?",
            values: vec![
                Value::Blob(self.sameness.to_vec()),
                Value::Text(device.label().to_owned()),
                Value::Int(since.millis()),
                Value::Int(now.plus(AHEAD).millis()),
            ],
            about: self.subject(device),
        }
    }

    /// A hash of all that the rules see of the alert and the device but the severity. It is needed only where the
    /// directory has to tell what is asked for.
    fn content(&self, device: &Device, asks: &Asks) -> Result<Option<[u8; 8]>, JournalError> {
        if !matches!(asks, Asks::Resolve(_)) {
            return Ok(None);
        }
        let mut seen = self.alert.clone();
        // What no rule looks at, and what changes with every repeat.
        (seen.id, seen.time, seen.url, seen.tenant, seen.severity) =
            (String::new(), None, None, None, None);
        seen.references.clear();
        seen.devices = vec![device.clone()];
        let seen = serde_json::to_vec(&seen)
            .map_err(|_| JournalError::Conflict("an alert is not JSON"))?;
        Ok(Some(first(&[&self.policy.0.to_be_bytes(), &seen])))
    }
}

impl Tx<'_> {
    /// What is known of each device of the alert, in their order. What was decided before `since`, or by a clock that
    /// was ahead, is not looked at.
    pub(super) fn known(
        &self,
        finding: &AlertFinding<'_>,
        verdicts: &[Verdict],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<DeviceFinding>, JournalError> {
        let devices = finding.alert.devices.iter().zip(verdicts);
        devices
            .map(|(device, verdict)| {
                let content = finding.content(device, &verdict.asks)?;
                let earlier = self.earlier(finding, device, since, now)?;
                let severities =
                    earlier.map_or_else(Severities::default, |(_, earlier)| earlier.severities);
                let covered = earlier
                    .filter(|(_, earlier)| {
                        earlier.covers(finding.alert.severity, &verdict.asks, content)
                    })
                    .map(|(decision, _)| decision);
                Ok(DeviceFinding {
                    severities,
                    content,
                    covered_by: covered,
                })
            })
            .collect()
    }

    fn earlier(
        &self,
        finding: &AlertFinding<'_>,
        device: &Device,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<(i64, Earlier)>, JournalError> {
        let asked = finding.earlier(device, since, now);
        let found = self
            .db
            .query_row(asked.sql, &asked, |row| {
                let outcome = row.get_ref(6)?.as_str_or_null()?.and_then(Outcome::of_code);
                let state = DecisionState::of_code(row.get_ref(4)?.as_str()?);
                let reason = Reason::of_code(row.get_ref(5)?.as_str()?);
                let Some((state, reason)) = state.zip(reason) else {
                    return Ok(None);
                };
                let earlier = Earlier {
                    severities: Severities::of_bits(row.get(1)?),
                    content: row.get(2)?,
                    asked: row.get::<_, Option<i64>>(3)?.and_then(Demand::of_number),
                    state,
                    reason,
                    outcome,
                    waits: row.get::<_, Option<bool>>(7)?.unwrap_or_default(),
                };
                Ok(Some((row.get(0)?, earlier)))
            })
            .optional()?;
        Ok(found.flatten())
    }

    /// Notes that a decision was made about one of its devices, for a delivery of this row that came at `at`.
    pub(super) fn note(
        &mut self,
        finding: &AlertFinding<'_>,
        device: &Device,
        known: &DeviceFinding,
        decision: i64,
        (delivery, at): (i64, Timestamp),
    ) -> Result<(), JournalError> {
        let severities = known.severities.with(finding.alert.severity).bits();
        let content = known.content.as_ref().map(<[u8; 8]>::as_slice);
        self.db.differs(&finding.subject(device));
        self.db.later(
                "INSERT INTO finding(sameness, device, source, delivery, at, decision, severities, content)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(sameness, device) DO UPDATE SET delivery = excluded.delivery, at = excluded.at, decision = excluded.decision,
                   severities = excluded.severities, content = coalesce(excluded.content, finding.content)",
            params![
                finding.sameness.as_slice(),
                device.label(),
                finding.source,
                delivery,
                at.millis(),
                known.covered_by.unwrap_or(decision),
                severities,
                content
            ],
        )?;
        Ok(())
    }
}

/// The first bytes of SHA-256 over the parts, each preceded by its length so that no two lists read alike.
fn first<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash.finalize()[..N]);
    bytes
}
