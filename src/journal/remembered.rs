//! One delivery as the journal remembers it, with the policies that decided it: for those who ask why.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::alert_receipt::{ALERT, DECISION, alert_receipt, decision_receipt};
use super::archive::Archive;
use super::db::{Connection, OptionalExtension, Row, params};
use super::error::JournalError;
use super::packed::Body;
use super::reader::Reader;
use super::rows::all;
use super::thing::{Thing, thing};
use super::waits;
use crate::api::{AlertReceipt, DecisionReceipt};
use scanhook_core::alert::{Alert, MachineId};
use scanhook_core::directory::{Record, Records};
use scanhook_core::time::Timestamp;

/// A delivery with all that was made of it.
pub struct Remembered {
    pub id: Uuid,
    /// The source it came from.
    pub source: String,
    pub received: Timestamp,
    /// The bytes; `None`: past retention.
    pub body: Option<Vec<u8>>,
    /// Its alerts, in the order of the body.
    pub alerts: Vec<RememberedAlert>,
    /// What decided, by fingerprint: the records of the policies.
    pub policies: BTreeMap<String, String>,
}

pub struct RememberedAlert {
    /// As it was read; `None`: this version cannot read what is stored.
    pub alert: Option<Alert>,
    /// What became of it, without its decisions.
    pub receipt: AlertReceipt,
    pub decisions: Vec<RememberedDecision>,
}

impl RememberedAlert {
    /// What became of it, with its decisions.
    #[must_use]
    pub fn whole(&self) -> AlertReceipt {
        let decisions = self
            .decisions
            .iter()
            .map(|one| one.receipt.clone())
            .collect();
        AlertReceipt {
            decisions,
            ..self.receipt.clone()
        }
    }
}

/// A decision about one of its devices.
pub struct RememberedDecision {
    /// What was decided, as it stands now.
    pub receipt: DecisionReceipt,
    pub at: Timestamp,
    pub tenant: String,
    /// The fingerprint of the policy.
    pub policy: String,
    /// What the directory said of the machine last, and when, if it is known which one it is.
    pub machine: Option<(Timestamp, Record)>,
}

impl Archive {
    /// The delivery with this id, or the one that a decision with this id is about, narrowed to that decision.
    ///
    /// # Errors
    /// When the journal cannot be read, or was changed by somebody who opened it meanwhile.
    pub fn delivery(&self, id: Uuid) -> Result<Option<Remembered>, JournalError> {
        // One state of things, whatever is written meanwhile.
        let db = self.db.transaction()?;
        let found = remembered(&db, id, self.has_records)?;
        self.still_idle()?;
        Ok(found)
    }
}

impl Reader<'_> {
    /// The same of the journal in use.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn remembered(&self, id: Uuid) -> Result<Option<Remembered>, JournalError> {
        remembered(self.db, id, true)
    }
}

fn remembered(
    db: &Connection,
    id: Uuid,
    has_records: bool,
) -> Result<Option<Remembered>, JournalError> {
    let (delivery, only) = match thing(db, id)? {
        Some(Thing::Delivery(row)) => (row, None),
        Some(Thing::Decision(row)) => {
            let sql = "SELECT delivery FROM decision WHERE id = ?";
            (db.query_row(sql, [row], |found| found.get(0))?, Some(row))
        }
        Some(Thing::Scan(_)) | None => return Ok(None),
    };
    let sql = "SELECT uuid, source, received_at, body FROM delivery WHERE id = ?";
    let mut whole = db.query_row(sql, [delivery], |found| {
        Ok(Remembered {
            id: found.get(0)?,
            source: found.get(1)?,
            received: Timestamp::from_millis(found.get(2)?),
            body: found.get::<_, Option<Body>>(3)?.map(|body| body.0),
            alerts: Vec::new(),
            policies: BTreeMap::new(),
        })
    })?;
    let sql =
        format!("SELECT a.n, {ALERT}, a.fields FROM alert a WHERE a.delivery = ? ORDER BY a.n");
    let alerts = all(db, &sql, [delivery], |found| {
        let alert = serde_json::from_str(&found.get::<_, String>("fields")?).ok();
        let receipt = alert_receipt(found)?;
        Ok((
            found.get::<_, i64>("n")?,
            RememberedAlert {
                alert,
                receipt,
                decisions: Vec::new(),
            },
        ))
    })?;
    for (n, mut alert) in alerts {
        alert.decisions = decisions(db, (delivery, n), only, has_records, &mut whole.policies)?;
        if only.is_none() || !alert.decisions.is_empty() {
            whole.alerts.push(alert);
        }
    }
    Ok(Some(whole))
}

fn decisions(
    db: &Connection,
    (delivery, n): (i64, i64),
    only: Option<i64>,
    has_records: bool,
    policies: &mut BTreeMap<String, String>,
) -> Result<Vec<RememberedDecision>, JournalError> {
    let sql = format!(
        "SELECT {DECISION}, d.machine, d.tenant, t.name, p.hash
         FROM decision d JOIN tenant t ON t.id = d.tenant JOIN policy p ON p.id = d.policy
         LEFT JOIN scan s ON s.id = d.scan
         WHERE d.delivery = ?1 AND d.n = ?2 AND (?3 IS NULL OR d.id = ?3) ORDER BY d.id"
    );
    let rows = all(db, &sql, params![delivery, n, only], |found| {
        let machine = found
            .get::<_, Option<String>>("machine")?
            .as_deref()
            .and_then(MachineId::parse);
        let decision = RememberedDecision {
            receipt: decision_receipt(found)?,
            at: Timestamp::from_millis(found.get("at")?),
            tenant: found.get("name")?,
            policy: found.get("hash")?,
            machine: None,
        };
        Ok((
            found.get::<_, i64>("row")?,
            found.get::<_, i64>("tenant")?,
            machine,
            decision,
        ))
    })?;
    let mut decisions = Vec::new();
    for (row, tenant, machine, mut decision) in rows {
        if has_waits(db)? {
            decision.receipt.waits = waits::of_decision(db, row)?;
        }
        if let Some(machine) = machine.filter(|_| has_records) {
            decision.machine = record(db, tenant, &machine)?;
        }
        if !policies.contains_key(&decision.policy) {
            let sql = "SELECT rules FROM policy WHERE hash = ?";
            let record = db.query_row(sql, [&decision.policy], |found| found.get(0))?;
            policies.insert(decision.policy.clone(), record);
        }
        decisions.push(decision);
    }
    Ok(decisions)
}

/// Whether the journal is of a version that knows what keeps a worker from sending.
fn has_waits(db: &Connection) -> Result<bool, JournalError> {
    if db.sqlite().is_none() {
        return Ok(true);
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('tenant') WHERE name = 'obstacles')";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// What the directory said of a machine last.
fn record(
    db: &Connection,
    tenant: i64,
    machine: &MachineId,
) -> Result<Option<(Timestamp, Record)>, JournalError> {
    let sql = "SELECT at, facts FROM device WHERE tenant = ? AND machine = ? AND at IS NOT NULL ORDER BY at DESC, asked LIMIT 1";
    let read = |found: &Row<'_>| Ok((found.get::<_, i64>(0)?, found.get::<_, String>(1)?));
    let row = db
        .query_row(sql, params![tenant, machine.as_str()], read)
        .optional()?;
    Ok(row.and_then(|(at, facts)| {
        let found: Records = serde_json::from_str(&facts).ok()?;
        let record = found
            .records
            .into_iter()
            .find(|record| record.id == *machine)?;
        Some((Timestamp::from_millis(at), record))
    }))
}
