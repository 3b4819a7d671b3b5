//! What an archive holds, in the order it came, for a replay: in short steps, so that a running responder does not
//! notice.

use uuid::Uuid;

use super::archive::Archive;
use super::db::params;
use super::error::JournalError;
use super::packed::Body;
use super::stored::{StoredDelivery, alert, decision};
use scanhook_core::alert::MachineId;
use scanhook_core::directory::{Record, Records};
use scanhook_core::time::Timestamp;

/// Deliveries that are read at once.
const STEP: u16 = 64;

impl Archive {
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
            match alert(&row)? {
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
            match (of, decision(&row)?) {
                (Some(of), Some(decision)) => of.decisions.push(decision),
                _ => delivery.damaged += 1,
            }
        }
        Ok(())
    }
}
