//! What a message says is read when it is written: what changed while it waited is in it.

use uuid::Uuid;

use super::db::{Connection, DbResult, OptionalExtension, Row, params};
use super::error::JournalError;
use super::ids::decision_uuid;
use super::keys::TenantId;
use super::outbox::MessageRow;
use super::reader::Reader;
use super::rows::{all, at_most, time};
use super::selector::listed;
use super::tx::Tx;
use scanhook_core::alert::Alert;
use scanhook_core::message::{
    AlertNote, DecisionNote, MachineNote, MessageType, Notice, Particulars, ScanNote, Topic,
};
use scanhook_core::scan::{Kind, Outcome, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::why::Why;

/// Alerts that a message names.
const NAMED: usize = 10;

const OCCASION: &str = "SELECT o.id, o.at, o.what, o.key, o.scan, o.decision, o.said, t.name AS tenant_name FROM occasion o LEFT JOIN tenant t ON t.id = o.tenant";

/// An occasion with the rows of what it is about.
struct Found {
    notice: Notice,
    scan: Option<i64>,
    decision: Option<i64>,
}

fn found(row: &Row<'_>) -> DbResult<Option<Found>> {
    let code: String = row.get("what")?;
    let Some(kind) = MessageType::of_code(&code) else {
        return Ok(None);
    };
    let (tenant, key): (Option<String>, String) = (row.get("tenant_name")?, row.get("key")?);
    let said: Particulars =
        serde_json::from_str(&row.get::<_, String>("said")?).unwrap_or_default();
    let topic = Topic::of(kind, tenant.as_deref(), &key, said.resolved);
    let count = said.count.unwrap_or(1);
    Ok(Some(Found {
        notice: Notice {
            seq: row.get("id")?,
            tenant,
            key,
            subject: topic.subject,
            more: count.saturating_sub(1),
            said,
            ..Notice::new(kind, Timestamp::from_millis(row.get("at")?))
        },
        scan: row.get("scan")?,
        decision: row.get("decision")?,
    }))
}

impl Found {
    /// With what the journal knows now of the scan or the decision. Either may be forgotten.
    fn told(mut self, db: &Connection) -> Result<Notice, JournalError> {
        if let Some(scan) = self.scan {
            self.add_scan(db, scan)?;
            let which = "d.scan = ?1";
            self.add_alerts(db, which, scan)?;
        } else if let Some(decision) = self.decision {
            self.add_decision(db, decision)?;
            self.add_alerts(db, "d.id = ?1", decision)?;
        }
        Ok(self.notice)
    }

    fn add_scan(&mut self, db: &Connection, scan: i64) -> Result<(), JournalError> {
        let sql = "SELECT s.uuid, s.machine, s.kind, s.outcome, s.detail, s.rule, s.sent_at, s.ended_at, s.action,
                     m.name AS known FROM scan s
                   LEFT JOIN machine m ON m.id = s.machine AND m.tenant = s.tenant WHERE s.id = ?";
        let found = db.prepare_cached(sql)?.query_row([scan], |row| {
            let maybe = |name: &str| row.get::<_, Option<i64>>(name).map(|at| at.map(time));
            let (kind, outcome): (String, Option<String>) = (row.get("kind")?, row.get("outcome")?);
            let machine: String = row.get("machine")?;
            let name: Option<String> = row.get("known")?;
            let note = ScanNote {
                id: row.get::<_, Uuid>("uuid")?.to_string(),
                kind: Kind::of_code(&kind).unwrap_or(Kind::Quick),
                outcome: outcome.as_deref().and_then(Outcome::of_code),
                detail: row.get("detail")?,
                rule: row.get("rule")?,
                sent_at: maybe("sent_at")?,
                ended_at: maybe("ended_at")?,
                action: row.get("action")?,
            };
            let machine = MachineNote {
                name: name.unwrap_or_else(|| machine.clone()),
                id: Some(machine),
            };
            Ok((note, machine))
        });
        if let Some((scan, machine)) = found.optional()? {
            (self.notice.scan, self.notice.machine) = (Some(scan), Some(machine));
        }
        Ok(())
    }

    fn add_decision(&mut self, db: &Connection, decision: i64) -> Result<(), JournalError> {
        let sql = "SELECT d.id, d.at, d.device, d.machine, d.kind, d.state, d.reason, d.rule, d.why, d.look_at, a.fields, m.name AS known FROM decision d
                   LEFT JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
                   LEFT JOIN machine m ON m.id = d.machine AND m.tenant = d.tenant WHERE d.id = ?";
        let found = db.prepare_cached(sql)?.query_row([decision], |row| {
            let device: String = row.get("device")?;
            let alert = alert(row)?;
            let said = alert.devices.into_iter().find(|one| one.label() == device);
            let known: Option<String> = row.get("known")?;
            let name = known
                .or_else(|| said.and_then(|one| one.name))
                .unwrap_or_else(|| device.clone());
            let kind: Option<String> = row.get("kind")?;
            let kind = kind.as_deref().and_then(Kind::of_code);
            let (state, reason): (String, String) = (row.get("state")?, row.get("reason")?);
            let rule: Option<String> = row.get("rule")?;
            let why: Why = serde_json::from_str(&row.get::<_, String>("why")?).unwrap_or_default();
            let sentence = Reason::of_code(&reason)
                .map(|reason| why.sentence(reason, rule.as_deref(), kind, &device));
            let ends: Option<i64> = row.get("look_at")?;
            let (at, id) = (Timestamp::from_millis(row.get("at")?), row.get("id")?);
            let note = DecisionNote {
                id: decision_uuid(at, id).to_string(),
                ends_at: ends.filter(|_| state == "held").map(time),
                state,
                reason,
                rule,
                kind,
                people: why.people(),
                why: sentence.unwrap_or_default(),
            };
            let machine = MachineNote {
                id: row.get("machine")?,
                name,
            };
            Ok((note, machine))
        });
        if let Some((decision, machine)) = found.optional()? {
            (self.notice.decision, self.notice.machine) = (Some(decision), Some(machine));
        }
        Ok(())
    }

    fn add_alerts(&mut self, db: &Connection, which: &str, of: i64) -> Result<(), JournalError> {
        let sql = format!(
            "SELECT DISTINCT a.source, a.alert_id, a.fields FROM decision d
             JOIN alert a ON a.delivery = d.delivery AND a.n = d.n WHERE {which} LIMIT {}",
            NAMED + 1
        );
        self.notice.alerts = all(db, &sql, [of], |row| {
            let alert = alert(row)?;
            Ok(AlertNote {
                source: row.get("source")?,
                id: row.get("alert_id")?,
                title: alert.title,
                url: alert.url,
                references: alert.references,
            })
        })?;
        if self.notice.alerts.len() > NAMED {
            let sql = format!("SELECT count(*) FROM decision d WHERE {which}");
            let count: u32 = db.prepare_cached(&sql)?.query_row([of], |row| row.get(0))?;
            self.notice.alerts.truncate(NAMED);
            self.notice.more_alerts = count.saturating_sub(NAMED as u32);
        }
        Ok(())
    }
}

/// What was read of an alert; nothing where it is forgotten.
fn alert(row: &Row<'_>) -> DbResult<Alert> {
    let fields: Option<String> = row.get("fields")?;
    Ok(fields
        .and_then(|fields| serde_json::from_str(&fields).ok())
        .unwrap_or_default())
}

impl Tx<'_> {
    /// What is known now of the scan that answers a decision, or of the decision where none does.
    pub(super) fn notice_of_state(
        &self,
        scan: Option<i64>,
        decision: i64,
        at: Timestamp,
    ) -> Result<Notice, JournalError> {
        let mut found = Found {
            notice: Notice::new(MessageType::DecisionHeld, at),
            scan,
            decision: Some(decision),
        };
        found.add_decision(self.db, decision)?;
        let said = found.notice.machine.take();
        if let Some(scan) = scan {
            found.add_scan(self.db, scan)?;
        }
        let notice = &mut found.notice;
        if let Some(scan) = &notice.scan {
            notice.kind = match (&scan.ended_at, &scan.sent_at) {
                (Some(_), _) => MessageType::ScanEnded,
                (None, Some(_)) => MessageType::ScanSent,
                (None, None) => MessageType::ScanBegun,
            };
        }
        // Of a machine that the directory was not asked for nothing but the alert says a name.
        let unnamed = |machine: &MachineNote| machine.id.as_ref() == Some(&machine.name);
        if notice.machine.as_ref().is_none_or(unnamed) {
            notice.machine = said.or(notice.machine.take());
        }
        Ok(found.notice)
    }

    /// What a message says now. It names what the first of its events is about; time and number are those of the last.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn notice(&self, row: &MessageRow) -> Result<Notice, JournalError> {
        let mut notice = Notice {
            subject: row.subject.clone(),
            more: row.more,
            ..Notice::new(row.what, row.at)
        };
        let Some((first, last)) = row.events else {
            return Ok(notice);
        };
        let sql = format!("{OCCASION} WHERE o.id = ?");
        let read = |id: i64| -> Result<Option<Found>, JournalError> {
            let row = self.db.prepare_cached(&sql)?.query_row([id], found);
            Ok(row.optional()?.flatten())
        };
        if let Some(first) = read(first)? {
            notice = Notice {
                subject: row.subject.clone(),
                more: row.more,
                ..first.told(self.db)?
            };
        }
        if let Some(last) = read(last)? {
            (notice.at, notice.seq) = (last.notice.at, last.notice.seq);
        }
        Ok(notice)
    }
}

impl Reader<'_> {
    /// Events of the stream after a number, oldest first: of these tenants, or of all and what belongs to none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn events_after(
        &self,
        after: i64,
        most: usize,
        tenants: Option<&[TenantId]>,
    ) -> Result<Vec<Notice>, JournalError> {
        let of = tenants.map_or_else(String::new, |tenants| {
            format!("AND +o.tenant IN ({})", listed(tenants))
        });
        let most = at_most(most);
        let sql = format!("{OCCASION} WHERE o.id > ? {of} ORDER BY o.id LIMIT {most}");
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([after], found)?;
        let mut read = Vec::new();
        for row in rows {
            if let Some(found) = row? {
                read.push(found.told(self.db)?);
            }
        }
        Ok(read)
    }

    /// The oldest event that is kept and the newest that was written; zero: none was.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn event_bounds(&self) -> Result<(i64, i64), JournalError> {
        let sql = "SELECT coalesce((SELECT min(id) FROM occasion), 0),
                          coalesce((SELECT seq FROM numbered WHERE name = 'occasion'), 0)";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}
