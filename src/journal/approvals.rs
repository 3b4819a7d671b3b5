//! Where one person is not enough: each approval is a row, and what counts is what these rows and the record of the decision
//! say, by whatever way the order came. Two rows are of two people (`Approver`), and they agree about one machine.

use super::db::{Connection, DbResult, Row, params};
use super::error::JournalError;
use super::held_decision::HeldDecision;
use super::outcome::Done;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::access::Approver;
use scanhook_core::alert::MachineId;
use scanhook_core::person::{Approval, By};
use scanhook_core::time::Timestamp;

/// An approval that is being given.
#[derive(Clone, Copy)]
pub(super) struct Consent<'c> {
    pub(super) approver: &'c Approver,
    pub(super) by: &'c By,
    /// The machine it is about.
    pub(super) machine: Option<&'c MachineId>,
    /// Whatever the windows say.
    pub(super) at_once: bool,
}

/// What an approval comes to.
pub(super) enum Agreement {
    /// Enough people agree. `at_once`: all of them to what the windows do not allow.
    Enough {
        approvals: Vec<Approval>,
        at_once: bool,
    },
    /// It is written down, or stands in the way.
    NotYet(Done),
}

/// A row of an approval.
struct ApprovalRow {
    approver: Approver,
    approval: Approval,
    machine: Option<String>,
    at_once: bool,
}

fn approval_row(row: &Row<'_>) -> DbResult<ApprovalRow> {
    Ok(ApprovalRow {
        approver: Approver {
            subject: row.get("subject")?,
            name: row.get("account")?,
            on_behalf_of: row.get("on_behalf_of")?,
            for_others: row.get("for_others")?,
        },
        approval: Approval {
            by: By {
                who: row.get("name")?,
                words: row.get("reason")?,
            },
            at: Timestamp::from_millis(row.get("at")?),
        },
        machine: row.get("machine")?,
        at_once: row.get("at_once")?,
    })
}

/// Who has approved a decision, in order; this one last, whose word is the newest.
fn given(
    db: &Connection,
    decision: i64,
    last: &Approver,
) -> Result<Vec<ApprovalRow>, JournalError> {
    let sql = "SELECT subject, account, on_behalf_of, for_others, name, reason, at, machine, at_once FROM approval
               WHERE decision = ? ORDER BY subject = ?, at, subject";
    all(db, sql, params![decision, last.subject], approval_row)
}

impl Consent<'_> {
    fn is_about(&self, row: &ApprovalRow) -> bool {
        row.machine.as_deref() == self.machine.map(MachineId::as_str)
    }

    /// Whether it counts beside those given about the same machine.
    fn counts_beside(&self, given: &[ApprovalRow]) -> bool {
        let about_it = given.iter().filter(|row| self.is_about(row));
        let others: Vec<Approver> = about_it.map(|row| row.approver.clone()).collect();
        self.approver.counts_beside(&others)
    }
}

/// Whether this approval would not count beside those given: the same person is behind one of them.
pub(super) fn adds_nothing(
    db: &Connection,
    decided: &HeldDecision,
    consent: Consent<'_>,
) -> Result<bool, JournalError> {
    if decided.people().is_none() {
        return Ok(false);
    }
    let given = given(db, decided.id, consent.approver)?;
    Ok(!consent.counts_beside(&given))
}

/// What an approval comes to, where it is not enough; nothing is written.
pub(super) fn falls_short(
    db: &Connection,
    decided: &HeldDecision,
    consent: Consent<'_>,
) -> Result<Option<Done>, JournalError> {
    let Some(people) = decided.people() else {
        return Ok(None);
    };
    let given = given(db, decided.id, consent.approver)?;
    if !consent.counts_beside(&given) {
        return Ok(Some(Done::SecondPersonNeeded));
    }
    let others = given
        .iter()
        .filter(|row| consent.is_about(row) && row.approver.subject != consent.approver.subject);
    let is_enough = others.count() + 1 >= usize::from(people.needed);
    Ok((!is_enough).then_some(Done::ApprovedOnce))
}

impl Tx<'_> {
    /// Takes an approval. Where it is not enough it is written down, and whoever has to hear that another is needed is told.
    pub(super) fn agree(
        &mut self,
        decided: &HeldDecision,
        consent: Consent<'_>,
        now: Timestamp,
    ) -> Result<Agreement, JournalError> {
        if decided.people().is_none() {
            return Ok(Agreement::Enough {
                approvals: Vec::new(),
                at_once: consent.at_once,
            });
        }
        let short = falls_short(self.db, decided, consent)?;
        if let Some(done @ Done::SecondPersonNeeded) = short {
            return Ok(Agreement::NotYet(done));
        }
        self.note_approval(decided.id, consent, now)?;
        let given = given(self.db, decided.id, consent.approver)?;
        let about_it: Vec<&ApprovalRow> =
            given.iter().filter(|row| consent.is_about(row)).collect();
        let of = |rows: &[&ApprovalRow]| {
            rows.iter()
                .map(|row| row.approval.clone())
                .collect::<Vec<_>>()
        };
        if short.is_none() {
            return Ok(Agreement::Enough {
                approvals: of(&about_it),
                at_once: about_it.iter().all(|row| row.at_once),
            });
        }
        // Of those who disagree about the machine nobody counts beside the other: the last word is shown.
        self.record_approvals(decided, &of(&about_it))?;
        let place = (decided.tenant, None, Some(decided.id));
        let detail = consent.at_once.then_some("regardless of windows");
        self.person_did("approved_once", consent.by, place, detail, now)?;
        let (reason, rule) = (decided.reason, decided.rule.as_deref());
        self.tell_held((decided.tenant, decided.id), (reason, rule), false, now)?;
        Ok(Agreement::NotYet(Done::ApprovedOnce))
    }

    /// Writes an approval down. One person has one row, about what they said last.
    fn note_approval(
        &mut self,
        decision: i64,
        consent: Consent<'_>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let Consent {
            approver,
            by,
            machine,
            at_once,
        } = consent;
        self.db
            .prepare_cached(
                "INSERT INTO approval(decision, subject, account, on_behalf_of, for_others, name, reason, machine,
                                                 at_once, at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(decision, subject) DO UPDATE SET account = excluded.account, on_behalf_of = excluded.on_behalf_of,
                   for_others = excluded.for_others, name = excluded.name, reason = excluded.reason,
                   machine = excluded.machine, at_once = excluded.at_once, at = excluded.at",
            )?
            .execute(params![
                decision,
                approver.subject,
                approver.name,
                approver.on_behalf_of,
                approver.for_others,
                by.who,
                by.words,
                machine.map(MachineId::as_str),
                at_once,
                now.millis()
            ])?;
        Ok(())
    }

    /// Into the record, from which everything is said of a decision. A record that cannot be read is not written over.
    fn record_approvals(
        &mut self,
        decided: &HeldDecision,
        approvals: &[Approval],
    ) -> Result<(), JournalError> {
        let approvals = serde_json::to_value(approvals)
            .map_err(|_| JournalError::Conflict("a record is not JSON"))?;
        let Some(why) = decided.recorded("approvals", approvals) else {
            return Ok(());
        };
        self.db
            .prepare_cached("UPDATE decision SET why = ? WHERE id = ? AND state = 'held'")?
            .execute(params![why, decided.id])?;
        self.touch(decided.tenant);
        Ok(())
    }

    /// A decision that is made once more needs them anew.
    pub(super) fn forget_approvals(&mut self, decision: i64) -> Result<(), JournalError> {
        self.db
            .prepare_cached("DELETE FROM approval WHERE decision = ?")?
            .execute([decision])?;
        Ok(())
    }
}
