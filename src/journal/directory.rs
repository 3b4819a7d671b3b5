//! The tenant's directory as far as it was asked, and the decisions that wait for it.

use core::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::calls::Api;
use super::error::JournalError;
use super::keys::TenantId;
use super::names;
use super::packed::Body;
use super::store::Tx;
use super::views::decision_told;
use crate::api::DecisionReceipt;
use scanhook_core::alert::{Alert, MachineId};
use scanhook_core::directory::{Question, Records};
use scanhook_core::person::Said;
use scanhook_core::scan::{DecisionState, Priority, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::why::Why;

/// No question is left alone for longer than this, also when the clock was set back in between.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A decision that waits for the directory, with what it is decided from.
#[derive(Clone, Debug)]
pub struct Resolving {
    /// Its row.
    pub decision: i64,
    /// The delivery's row.
    pub delivery: i64,
    /// The alert's place in the delivery.
    pub n: usize,
    /// The device as the alert names it.
    pub device: String,
    /// When it was made, or a person had it made again: what the directory said since then is good for it.
    pub at: Timestamp,
    /// How long it waits, of the time during which the directory may be asked.
    pub within: Duration,
    /// When that is over, by the time for which the directory could be asked; `None`: it has not begun to wait.
    pub late_at: Option<Duration>,
    /// Resolving; or held, because the directory was silent.
    pub from: DecisionState,
    /// The source's name.
    pub source: String,
    /// When the delivery was received.
    pub received: Timestamp,
    /// From when its age counts: the receipt, or a person's word.
    pub since: Timestamp,
    /// That person's word.
    pub said: Option<Said>,
    /// The alert.
    pub alert: Alert,
}

/// A question that is still to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenQuestion {
    /// What is asked.
    pub question: Question,
    /// Of the most urgent decision that waits for it.
    pub priority: Priority,
    /// How often it failed.
    pub tries: u32,
}

fn damaged() -> JournalError {
    JournalError::Conflict("a row of the directory holds a value this version cannot read")
}

impl Tx<'_> {
    /// Resolving decisions that are to be looked at, oldest first: new ones, and those whose question was answered.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn resolving(&self, tenant: TenantId, most: usize) -> Result<Vec<Resolving>, JournalError> {
        let which = "d.state = 'resolving' AND d.asks IS NULL";
        self.to_be_decided(tenant, DecisionState::Resolving, which, most)
    }

    /// Decisions that are held because the directory was silent, and whose question was answered by now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn answered_while_held(
        &self,
        tenant: TenantId,
        most: usize,
    ) -> Result<Vec<Resolving>, JournalError> {
        let which = "d.state = 'held' AND d.asks IS NOT NULL AND d.asks = ''";
        self.to_be_decided(tenant, DecisionState::Held, which, most)
    }

    fn to_be_decided(
        &self,
        tenant: TenantId,
        from: DecisionState,
        which: &str,
        most: usize,
    ) -> Result<Vec<Resolving>, JournalError> {
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT d.id, d.delivery, d.n, d.device, coalesce(d.again_at, d.at), d.look_at, a.source, v.received_at,
                    coalesce(d.again_at, v.received_at), d.why, a.fields, d.late_at
             FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n JOIN delivery v ON v.id = d.delivery
             WHERE d.tenant = ? AND {which} ORDER BY d.id"
        ))?;
        let rows = statement.query_map([tenant.0], |row| {
            let resolving = Resolving {
                decision: row.get(0)?,
                delivery: row.get(1)?,
                n: usize::try_from(row.get::<_, i64>(2)?).unwrap_or(usize::MAX),
                device: row.get(3)?,
                at: Timestamp::from_millis(row.get(4)?),
                within: Timestamp::from_millis(row.get::<_, Option<i64>>(5)?.unwrap_or_default())
                    .since(Timestamp::from_millis(row.get(4)?)),
                late_at: row.get::<_, Option<i64>>(11)?.map(span),
                from,
                source: row.get(6)?,
                received: Timestamp::from_millis(row.get(7)?),
                since: Timestamp::from_millis(row.get(8)?),
                said: serde_json::from_str::<Why>(&row.get::<_, String>(9)?)
                    .unwrap_or_default()
                    .said,
                alert: Alert::default(),
            };
            Ok((resolving, row.get::<_, String>(10)?))
        })?;
        // Not by LIMIT: SQLite prepares a statement anew for every limit that is bound to it.
        rows.take(most)
            .map(|row| {
                let (resolving, fields) = row?;
                Ok(Resolving {
                    alert: serde_json::from_str(&fields).map_err(|_| damaged())?,
                    ..resolving
                })
            })
            .collect()
    }

    /// The raw body of a delivery; `None` once it is forgotten.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn body(&self, delivery: i64) -> Result<Option<Vec<u8>>, JournalError> {
        let sql = "SELECT body FROM delivery WHERE id = ?";
        let body: Option<Option<Body>> = self
            .db
            .prepare_cached(sql)?
            .query_row([delivery], |row| row.get(0))
            .optional()?;
        Ok(body.flatten().map(|body| body.0))
    }

    /// Decisions that have waited long enough are to be looked at, whatever they wait for: `asked` is for how long the
    /// directory could be asked so far.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn recall_late(&mut self, tenant: TenantId, asked: Duration) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE decision SET asks = NULL
                 WHERE tenant = ? AND state = 'resolving' AND late_at <= ? AND asks IS NOT NULL",
            )?
            .execute(params![tenant.0, millis(asked)])?;
        Ok(())
    }

    /// All decisions that wait are to be looked at: there is no use in waiting.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn recall_resolving(&mut self, tenant: TenantId) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE decision SET asks = NULL WHERE tenant = ? AND state = 'resolving' AND asks IS NOT NULL",
            )?
            .execute([tenant.0])?;
        Ok(())
    }

    /// When the next resolving decision has waited long enough, by the time for which the directory could be asked.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_late(&self, tenant: TenantId) -> Result<Option<Duration>, JournalError> {
        let next: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(late_at) FROM decision WHERE tenant = ? AND state = 'resolving'",
            )?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(next.map(span))
    }

    /// A resolving decision waits for this question, until `late_at` of the time for which the directory can be asked.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the decision was not resolving.
    pub fn wait_for(
        &mut self,
        tenant: TenantId,
        decision: i64,
        question: &Question,
        priority: Priority,
        late_at: Duration,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.open_question(tenant, question, priority, now)?;
        let changed = self
            .db
            .prepare_cached(
                "UPDATE decision SET asks = ?, priority = ?, late_at = ? WHERE id = ? AND state = 'resolving'",
            )?
            .execute(params![question.key(), priority.get(), millis(late_at), decision])?;
        if changed == 1 {
            Ok(())
        } else {
            Err(JournalError::Conflict(
                "a decision that is not resolving cannot wait",
            ))
        }
    }

    /// A decision that is held because the directory was silent goes on waiting for this question; `None`: it does not any
    /// more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn wait_while_held(
        &mut self,
        tenant: TenantId,
        decision: i64,
        question: Option<(&Question, Priority)>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if let Some((question, priority)) = question {
            self.open_question(tenant, question, priority, now)?;
        }
        self.db
            .prepare_cached("UPDATE decision SET asks = ? WHERE id = ? AND state = 'held'")?
            .execute(params![
                question.map(|(question, _)| question.key()),
                decision
            ])?;
        Ok(())
    }

    /// The question is open from now on, if it is not already.
    fn open_question(
        &mut self,
        tenant: TenantId,
        question: &Question,
        priority: Priority,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let key = question.key();
        // One that was answered too long ago is open again.
        self.db
            .prepare_cached(
                "INSERT INTO device(tenant, asked, api, priority, since, due) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                 ON CONFLICT(tenant, asked) DO UPDATE SET
                   priority = CASE WHEN at IS NULL THEN max(priority, ?4) ELSE ?4 END,
                   since = CASE WHEN at IS NULL THEN since ELSE ?5 END,
                   due = CASE WHEN at IS NULL THEN due ELSE ?5 END,
                   tries = CASE WHEN at IS NULL THEN tries ELSE 0 END,
                   asked_at = CASE WHEN at IS NULL THEN asked_at END,
                   at = NULL, machine = NULL, facts = NULL",
            )?
            .execute(params![tenant.0, key, Api::of(question).code(), priority.get(), now.millis()])?;
        Ok(())
    }

    /// The question leaves.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn asking(
        &mut self,
        tenant: TenantId,
        question: &Question,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE device SET asked_at = ? WHERE tenant = ? AND asked = ?")?
            .execute(params![now.millis(), tenant.0, question.key()])?;
        Ok(())
    }

    /// Whether the question has left since it is open.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn was_asked(&self, tenant: TenantId, question: &Question) -> Result<bool, JournalError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM device WHERE tenant = ? AND asked = ? AND asked_at IS NOT NULL)";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, question.key()], |row| row.get(0))?)
    }

    /// What the directory said to a question, and when; `None` where it was not asked, or has not answered yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn said(
        &self,
        tenant: TenantId,
        question: &Question,
    ) -> Result<Option<(Timestamp, Records)>, JournalError> {
        let row: Option<(i64, String)> = self
            .db
            .prepare_cached(
                "SELECT at, facts FROM device WHERE tenant = ? AND asked = ? AND at IS NOT NULL",
            )?
            .query_row(params![tenant.0, question.key()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        // What cannot be read is asked for again.
        Ok(row.and_then(|(at, facts)| {
            Some((
                Timestamp::from_millis(at),
                serde_json::from_str(&facts).ok()?,
            ))
        }))
    }

    /// The open questions of one API that are due, the most urgent first. One that nobody waits for any more is
    /// forgotten.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn open_questions(
        &mut self,
        tenant: TenantId,
        api: Api,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<OpenQuestion>, JournalError> {
        loop {
            let rows = self.due_questions(tenant, api, most, now)?;
            let before = rows.len();
            let mut wanted = Vec::new();
            for (key, question) in rows {
                if self.is_waited_for(tenant, &key)? {
                    wanted.push(question);
                } else {
                    let sql = "DELETE FROM device WHERE tenant = ? AND asked = ? AND at IS NULL";
                    self.db
                        .prepare_cached(sql)?
                        .execute(params![tenant.0, key])?;
                }
            }
            if wanted.len() == before {
                return Ok(wanted);
            }
        }
    }

    fn due_questions(
        &self,
        tenant: TenantId,
        api: Api,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<(String, OpenQuestion)>, JournalError> {
        // `+due`: by the index of the queue, in its order, and not by that of what is due later.
        let mut statement = self.db.prepare_cached(
            "SELECT asked, priority, tries FROM device WHERE tenant = ? AND api = ? AND at IS NULL
               AND +due NOT BETWEEN ? + 1 AND ? ORDER BY priority DESC, since, asked",
        )?;
        let latest = now.plus(LONGEST_WAIT);
        let rows = statement.query_map(
            params![tenant.0, api.code(), now.millis(), latest.millis()],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, u8>(1)?, row.get(2)?)),
        )?;
        rows.take(most)
            .map(|row| {
                let (key, priority, tries) = row?;
                let question = Question::of_key(&key).ok_or_else(damaged)?;
                let priority = Priority::new(priority).ok_or_else(damaged)?;
                Ok((
                    key,
                    OpenQuestion {
                        question,
                        priority,
                        tries,
                    },
                ))
            })
            .collect()
    }

    fn is_waited_for(&self, tenant: TenantId, key: &str) -> Result<bool, JournalError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM decision WHERE tenant = ?1 AND state = 'resolving' AND asks = ?2)
                   OR EXISTS (SELECT 1 FROM decision WHERE tenant = ?1 AND state = 'held' AND asks IS NOT NULL AND asks = ?2)";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, key], |row| row.get(0))?)
    }

    /// When the next open question of one API that is not due yet will be.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_question(
        &self,
        tenant: TenantId,
        api: Api,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        let next: Option<i64> = self
            .db
            .prepare_cached("SELECT min(due) FROM device WHERE tenant = ? AND api = ? AND at IS NULL AND due > ?")?
            .query_row(params![tenant.0, api.code(), now.millis()], |row| row.get(0))?;
        Ok(next.map_or(Timestamp::NEVER, Timestamp::from_millis))
    }

    /// The directory has answered: every decision that waits for this is to be looked at.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn answered(
        &mut self,
        tenant: TenantId,
        question: &Question,
        found: &Records,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let key = question.key();
        let facts = serde_json::to_string(found)
            .map_err(|_| JournalError::Conflict("a record is not JSON"))?;
        self.db
            .prepare_cached(
                "UPDATE device SET at = ?, machine = ?, facts = ? WHERE tenant = ? AND asked = ?",
            )?
            .execute(params![
                now.millis(),
                found.machine().map(MachineId::as_str),
                facts,
                tenant.0,
                key
            ])?;
        self.db
            .prepare_cached("UPDATE decision SET asks = NULL WHERE tenant = ? AND state = 'resolving' AND asks = ?")?
            .execute(params![tenant.0, key])?;
        self.db
            .prepare_cached(
                "UPDATE decision SET asks = '' WHERE tenant = ? AND state = 'held' AND asks IS NOT NULL AND asks = ?",
            )?
            .execute(params![tenant.0, key])?;
        names::directory_names(self.db, tenant, found, now)?;
        self.touch(tenant);
        Ok(())
    }

    /// A question that got no answer is asked again, but not before this.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn ask_again(
        &mut self,
        tenant: TenantId,
        question: &Question,
        due: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE device SET due = ?, tries = tries + 1 WHERE tenant = ? AND asked = ? AND at IS NULL",
            )?
            .execute(params![due.millis(), tenant.0, question.key()])?;
        Ok(())
    }

    /// Forgets every answer that led to this machine, which Defender has said it does not know.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget_machine(
        &mut self,
        tenant: TenantId,
        machine: &MachineId,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("DELETE FROM device WHERE tenant = ? AND machine = ?")?
            .execute(params![tenant.0, machine.as_str()])?;
        Ok(())
    }

    /// A resolving decision that cannot be decided anew is held.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it was not resolving.
    pub fn hold_resolving(
        &mut self,
        tenant: TenantId,
        decision: i64,
        reason: Reason,
        hold_for: Duration,
        now: Timestamp,
    ) -> Result<DecisionReceipt, JournalError> {
        let look_at = now.plus(hold_for);
        let why = Why {
            until: Some(look_at),
            ..Why::default()
        };
        let why = serde_json::to_string(&why)
            .map_err(|_| JournalError::Conflict("a record is not JSON"))?;
        let changed = self
            .db
            .prepare_cached(
                "UPDATE decision SET state = 'held', reason = ?, why = ?, look_at = ?, asks = NULL
                 WHERE id = ? AND state = 'resolving'",
            )?
            .execute(params![reason.code(), why, look_at.millis(), decision])?;
        self.touch(tenant);
        if changed != 1 {
            return Err(JournalError::Conflict(
                "a decision that is not resolving is held",
            ));
        }
        decision_told(self.db, decision)
    }
}

fn span(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl Api {
    /// The budget a question is asked from.
    #[must_use]
    pub const fn of(question: &Question) -> Api {
        match question {
            Question::Machine(_) => Api::Machine,
            Question::Name(_) | Question::Label(_) | Question::Entra(_) => Api::Machines,
            Question::Address(..) => Api::FindByIp,
        }
    }
}
