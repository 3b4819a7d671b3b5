//! A journal that is only read, without a trace beside it; and what it holds, in the order it came, for a replay: alerts
//! as they were read, and what was decided, in short steps, so that a running responder does not notice.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags, Row, params};
use uuid::Uuid;

use super::error::{JournalError, OpenError};
use super::packed::Body;
use super::{reader, schema};
use scanhook_core::alert::{Alert, AlertReason, AlertState, MachineId};
use scanhook_core::directory::{Record, Records};
use scanhook_core::person::Did;
use scanhook_core::scan::{DecisionState, Kind, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::why::Why;

/// Deliveries that are read at once.
const STEP: u16 = 64;
/// What a path keeps in a URI.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// A delivery with what became of it.
#[derive(Clone, Debug, Default)]
pub struct StoredDelivery {
    /// When it was received.
    pub at: Timestamp,
    /// The source it came from.
    pub source: String,
    /// Where it can be found again: its id, or a file and line.
    pub place: String,
    /// Its body, if it was asked for and is not past retention.
    pub body: Option<Vec<u8>>,
    /// Its alerts.
    pub alerts: Vec<StoredAlert>,
    /// Rows of it that cannot be read.
    pub damaged: usize,
}

/// An alert as it was read.
#[derive(Clone, Debug)]
pub struct StoredAlert {
    /// What became of it.
    pub state: AlertState,
    /// Why it is parked or ignored.
    pub reason: Option<AlertReason>,
    /// What it says.
    pub alert: Alert,
    /// What was decided, at most one for each device.
    pub decisions: Vec<StoredDecision>,
}

/// What was decided of one device.
#[derive(Clone, Debug)]
pub struct StoredDecision {
    /// As the alert names it.
    pub device: String,
    /// The machine, as the alert or the directory says.
    pub machine: Option<MachineId>,
    /// Who acts.
    pub tenant: String,
    /// The rule that won.
    pub rule: Option<String>,
    /// The scan that was wanted.
    pub kind: Option<Kind>,
    /// Its state.
    pub state: DecisionState,
    /// Why.
    pub reason: Reason,
    /// What it was held for, where it is not any more.
    pub held: Option<Reason>,
    /// A person said yes to it.
    pub approved: bool,
}

/// A journal that is only read.
pub struct Archive {
    pub(super) db: Connection,
    path: PathBuf,
    /// The file as it was when it was opened, where nobody has it open.
    idle: Option<(u64, Option<std::time::SystemTime>)>,
    source: Option<String>,
    with_bodies: bool,
    after: i64,
    read: std::vec::IntoIter<StoredDelivery>,
    /// An older version kept none.
    pub(super) has_records: bool,
    /// An older version did not write down what devices are called.
    pub(super) has_names: bool,
    records: HashMap<(String, MachineId), Option<Record>>,
}

impl Archive {
    /// Opens the journal at `path`: all of it, or the deliveries of one source; bodies only where they are asked for.
    ///
    /// # Errors
    /// When the file is no journal of a version that is known, or cannot be read.
    pub fn open(
        path: &Path,
        source: Option<&str>,
        with_bodies: bool,
    ) -> Result<Archive, OpenError> {
        let about = std::fs::metadata(path).map_err(|error| OpenError::io(path, &error))?;
        // Whoever opens a journal that nobody has open makes two files beside it, and they may then be of the wrong
        // owner. So such a one is read as a file that does not change, and held to that at the end.
        let idle = (!log_of(path).exists()).then(|| (about.len(), about.modified().ok()));
        let db = if idle.is_some() {
            unchanging(path)?
        } else {
            reader::open(path)?
        };
        let schema = schema::recognize(&db)?;
        if schema < 1 {
            return Err(OpenError::Foreign);
        }
        Ok(Archive {
            db,
            path: path.to_owned(),
            idle,
            source: source.map(str::to_owned),
            with_bodies,
            after: 0,
            read: Vec::new().into_iter(),
            has_records: schema > 1,
            has_names: schema > 2,
            records: HashMap::new(),
        })
    }

    /// How many deliveries there are.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn count(&self) -> Result<u64, JournalError> {
        let sql = "SELECT count(*) FROM delivery WHERE ?1 IS NULL OR source = ?1";
        let count: i64 = self.db.query_row(sql, [&self.source], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The next delivery; `None`: that was the last.
    ///
    /// # Errors
    /// When the journal cannot be read, or was changed by somebody who opened it meanwhile.
    #[allow(
        clippy::should_implement_trait,
        reason = "it can fail, and whoever asks must look"
    )]
    pub fn next(&mut self) -> Result<Option<StoredDelivery>, JournalError> {
        if let Some(next) = self.read.next() {
            return Ok(Some(next));
        }
        self.read = self.step()?.into_iter();
        let next = self.read.next();
        if next.is_none() {
            self.still_idle()?;
        }
        Ok(next)
    }

    /// The latest record of this machine that the tenant's directory gave.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn record(
        &mut self,
        tenant: &str,
        machine: &MachineId,
    ) -> Result<Option<Record>, JournalError> {
        if !self.has_records {
            return Ok(None);
        }
        let key = (tenant.to_owned(), machine.clone());
        if let Some(known) = self.records.get(&key) {
            return Ok(known.clone());
        }
        let sql = "SELECT d.facts FROM device d JOIN tenant t ON t.id = d.tenant
                   WHERE t.name = ? AND d.machine = ? AND d.facts IS NOT NULL ORDER BY d.at DESC LIMIT 1";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(params![tenant, machine.as_str()])?;
        let facts: Option<String> = rows.next()?.map(|row| row.get(0)).transpose()?;
        let found: Option<Records> = facts.and_then(|facts| serde_json::from_str(&facts).ok());
        let record = found.and_then(|found| {
            found
                .records
                .into_iter()
                .find(|record| record.id == *machine)
        });
        self.records.insert(key, record.clone());
        Ok(record)
    }

    fn step(&mut self) -> Result<Vec<StoredDelivery>, JournalError> {
        let sql = "SELECT id, uuid, source, received_at, CASE WHEN ?3 THEN body END FROM delivery
                   WHERE id > ?1 AND (?2 IS NULL OR source = ?2) ORDER BY id LIMIT ?4";
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map(
            params![self.after, self.source, self.with_bodies, STEP],
            |row| {
                let delivery = StoredDelivery {
                    place: row.get::<_, Uuid>(1)?.to_string(),
                    source: row.get(2)?,
                    at: Timestamp::from_millis(row.get(3)?),
                    body: row.get::<_, Option<Body>>(4)?.map(|body| body.0),
                    ..StoredDelivery::default()
                };
                Ok((row.get(0)?, delivery))
            },
        )?;
        let mut deliveries = Vec::new();
        for row in rows {
            let (id, mut delivery) = row?;
            self.after = id;
            self.alerts_of(id, &mut delivery)?;
            deliveries.push(delivery);
        }
        Ok(deliveries)
    }

    fn alerts_of(&self, id: i64, delivery: &mut StoredDelivery) -> Result<(), JournalError> {
        let sql = "SELECT n, state, reason, fields FROM alert WHERE delivery = ? ORDER BY n";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        let mut places = Vec::new();
        while let Some(row) = rows.next()? {
            match alert(row)? {
                Some(alert) => {
                    places.push(row.get::<_, i64>(0)?);
                    delivery.alerts.push(alert);
                }
                None => delivery.damaged += 1,
            }
        }
        let sql = "SELECT d.n, d.device, d.machine, t.name, d.rule, d.kind, d.state, d.reason, d.why
                   FROM decision d JOIN tenant t ON t.id = d.tenant WHERE d.delivery = ? ORDER BY d.id";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            let n: i64 = row.get(0)?;
            let of = places
                .iter()
                .position(|place| *place == n)
                .and_then(|place| delivery.alerts.get_mut(place));
            match (of, decision(row)?) {
                (Some(of), Some(decision)) => of.decisions.push(decision),
                _ => delivery.damaged += 1,
            }
        }
        Ok(())
    }

    /// Fails where somebody opened an idle journal while it was read: what was read may then be of two states.
    pub(super) fn still_idle(&self) -> Result<(), JournalError> {
        let Some(idle) = self.idle else { return Ok(()) };
        let now = std::fs::metadata(&self.path)
            .ok()
            .map(|about| (about.len(), about.modified().ok()));
        if now == Some(idle) && !log_of(&self.path).exists() {
            return Ok(());
        }
        Err(JournalError::Broken(
            "somebody opened it while it was read; read it again".to_owned(),
        ))
    }
}

/// SQLite's write-ahead log, which is there while somebody has the journal open, or after they were killed.
fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn unchanging(path: &Path) -> Result<Connection, OpenError> {
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), IN_PATH);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)
        .map_err(OpenError::sqlite)
}

fn alert(row: &Row<'_>) -> Result<Option<StoredAlert>, JournalError> {
    let (state, reason, fields): (String, Option<String>, String) =
        (row.get(1)?, row.get(2)?, row.get(3)?);
    let (Some(state), Ok(alert)) = (AlertState::of_code(&state), serde_json::from_str(&fields))
    else {
        return Ok(None);
    };
    let reason = reason.as_deref().and_then(AlertReason::of_code);
    Ok(Some(StoredAlert {
        state,
        reason,
        alert,
        decisions: Vec::new(),
    }))
}

fn decision(row: &Row<'_>) -> Result<Option<StoredDecision>, JournalError> {
    let (machine, kind): (Option<String>, Option<String>) = (row.get(2)?, row.get(5)?);
    let (state, reason, why): (String, String, String) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let (Some(state), Some(reason)) = (DecisionState::of_code(&state), Reason::of_code(&reason))
    else {
        return Ok(None);
    };
    let why: Why = serde_json::from_str(&why).unwrap_or_default();
    Ok(Some(StoredDecision {
        device: row.get(1)?,
        machine: machine.as_deref().and_then(MachineId::parse),
        tenant: row.get(3)?,
        rule: row.get(4)?,
        kind: kind.as_deref().and_then(Kind::of_code),
        state,
        reason,
        held: why.held,
        approved: why.said.is_some_and(|said| said.did == Did::Approved),
    }))
}
