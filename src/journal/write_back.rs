//! What goes back to where alerts came from: which alerts of a source a scan or a decision answers, and for each incident
//! or alert (a *target*) which machines were told of, in the order in which they came to it. A row says what about; the
//! comment is written when it is sent, from what is known then.

use std::collections::BTreeMap;

use super::db::{DbResult, OptionalExtension, Row, params};
use super::error::JournalError;
use super::receiver_row::OccasionRow;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::alert::Alert;
use scanhook_core::message::{Notice, OWN_COMMENTS};
use scanhook_core::time::Timestamp;

/// Alerts of one scan that are written back to, the first.
const MOST_ALERTS: u32 = 500;
/// Holds that are over and are told at once; where there are so many, there may be more.
pub const ENDED_HOLDS: usize = 1_000;

/// An alert that a scan or a held decision answers.
#[derive(Clone, Debug)]
pub struct AnsweredAlert {
    pub decision: i64,
    pub scan: Option<i64>,
    /// The machine, or while that is not known what the alert says of it.
    pub machine: String,
    /// What the alert says of it.
    pub device: String,
    /// The sender's id of the alert.
    pub alert_id: String,
    pub references: BTreeMap<String, Vec<String>>,
}

/// A machine that a target is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldMachine {
    pub target: String,
    pub machine: String,
    /// The how-manieth machine of its target.
    pub place: u32,
    /// Whether its decision was held when this was last looked at.
    pub held: bool,
    scan: Option<i64>,
    decision: i64,
    at: Timestamp,
}

/// The columns of what a target was told, `w`.
const TOLD: &str = "w.target, w.machine, w.place, w.held, w.scan, w.decision, w.at";

fn told(row: &Row<'_>) -> DbResult<ToldMachine> {
    Ok(ToldMachine {
        target: row.get("target")?,
        machine: row.get("machine")?,
        place: row.get("place")?,
        held: row.get("held")?,
        scan: row.get("scan")?,
        decision: row.get("decision")?,
        at: Timestamp::from_millis(row.get("at")?),
    })
}

impl ToldMachine {
    /// Whether its comment is one that many machines share.
    #[must_use]
    pub const fn shares(&self) -> bool {
        self.place > OWN_COMMENTS
    }
}

impl Tx<'_> {
    /// The alerts of this source that are answered by the scan or the decision that an event is about. What is dry is
    /// nobody's business.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn answered_alerts(
        &self,
        source: &str,
        occasion: &OccasionRow,
    ) -> Result<Vec<AnsweredAlert>, JournalError> {
        let (which, id) = match (occasion.scan, occasion.decision) {
            (Some(scan), _) => ("d.scan", scan.0),
            (None, Some(decision)) => ("d.id", decision),
            (None, None) => return Ok(Vec::new()),
        };
        let sql = format!(
            "SELECT d.id, d.scan, d.machine, d.device, a.alert_id, a.fields FROM decision d
             JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
             LEFT JOIN scan s ON s.id = d.scan
             WHERE {which} = ?1 AND a.source = ?2 AND NOT coalesce(s.dry, FALSE) ORDER BY d.id LIMIT {MOST_ALERTS}"
        );
        all(self.db, &sql, params![id, source], |row| {
            let fields: Option<String> = row.get("fields")?;
            let alert: Alert = fields
                .and_then(|fields| serde_json::from_str(&fields).ok())
                .unwrap_or_default();
            let machine: Option<String> = row.get("machine")?;
            let device: String = row.get("device")?;
            Ok(AnsweredAlert {
                decision: row.get("id")?,
                scan: row.get("scan")?,
                machine: machine.unwrap_or_else(|| device.clone()),
                device,
                alert_id: row.get("alert_id")?,
                references: alert.references,
            })
        })
    }

    /// Takes down that a target is to be told of the machine of an alert. Where it was told of it by what the alert says, before
    /// anybody knew the machine, that comment is the one to be changed; unless the same words meant another machine then. What is
    /// held stays so, whatever becomes of a scan beside it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn tell_target(
        &mut self,
        receiver: &str,
        target: &str,
        alert: &AnsweredAlert,
        now: Timestamp,
    ) -> Result<ToldMachine, JournalError> {
        let sql = format!(
            "SELECT {TOLD}, w.held AND coalesce(d.state, '') = 'held' AS waits
                   FROM write_back w LEFT JOIN decision d ON d.id = w.decision
                   WHERE w.receiver = ?1 AND w.target = ?2 AND w.machine IN (?3, ?4)
                     AND (?3 = ?4 OR coalesce(d.machine, ?3) = ?3)
               ORDER BY w.machine = ?3 LIMIT 1"
        );
        let known = params![receiver, target, alert.machine, alert.device];
        let known: Option<(ToldMachine, bool)> = self
            .db
            .prepare_cached(&sql)?
            .query_row(known, |row| Ok((told(row)?, row.get("waits")?)))
            .optional()?;
        let waits = known.as_ref().is_some_and(|(_, waits)| *waits);
        let known = known.map(|(known, _)| known);
        let place = match &known {
            Some(known) => known.place,
            None => {
                let sql = "SELECT coalesce(max(place), 0) + 1 FROM write_back WHERE receiver = ? AND target = ?";
                let mut statement = self.db.prepare_cached(sql)?;
                statement.query_row(params![receiver, target], |row| row.get(0))?
            }
        };
        let machine = known
            .as_ref()
            .map_or(&alert.machine, |known| &known.machine);
        let earlier = known.as_ref().and_then(|known| known.scan);
        // What is held is the news, whatever was scanned before.
        let scan = alert
            .scan
            .map(|scan| earlier.map_or(scan, |earlier| earlier.max(scan)));
        let (decision, held) = match (&known, scan) {
            (Some(known), Some(_)) if waits => (known.decision, true),
            _ => (alert.decision, scan.is_none()),
        };
        self.db
            .prepare_cached(
                "INSERT INTO write_back(receiver, target, machine, place, scan, decision, held, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT(receiver, target, machine)
                 DO UPDATE SET scan = ?5, decision = ?6, held = ?7, at = ?8",
            )?
            .execute(params![
                receiver,
                target,
                machine,
                place,
                scan,
                decision,
                held,
                now.millis()
            ])?;
        Ok(ToldMachine {
            target: target.to_owned(),
            machine: machine.clone(),
            place,
            held,
            scan,
            decision,
            at: now,
        })
    }

    /// The machines that targets were told of as held and that are held no more, at most [`ENDED_HOLDS`]; they count as told.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn held_no_more(
        &mut self,
        receiver: &str,
        now: Timestamp,
    ) -> Result<Vec<ToldMachine>, JournalError> {
        let sql = format!(
            "SELECT w.target, w.machine, w.place, FALSE AS held, d.scan, w.decision, w.at
              FROM write_back w INDEXED BY write_back_held LEFT JOIN decision d ON d.id = w.decision
              WHERE w.receiver = ? AND w.held AND coalesce(d.state, '') <> 'held' LIMIT {ENDED_HOLDS}"
        );
        let over: Vec<ToldMachine> = all(self.db, &sql, [receiver], told)?;
        for one in &over {
            self.db
                .prepare_cached(
                    "UPDATE write_back SET held = FALSE, scan = ?4, at = ?5 WHERE receiver = ?1 AND target = ?2 AND machine = ?3",
                )?
                .execute(params![receiver, one.target, one.machine, one.scan, now.millis()])?;
        }
        Ok(over)
    }

    /// What a target is told of a machine now, or of the scan of an event about it; nothing where that is forgotten.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn told_machine(
        &self,
        receiver: &str,
        (target, machine): (&str, &str),
        event: Option<i64>,
    ) -> Result<Option<Notice>, JournalError> {
        let sql = format!(
            "SELECT {TOLD}, o.scan AS of_event FROM write_back w LEFT JOIN occasion o ON o.id = ?4
             WHERE w.receiver = ?1 AND w.target = ?2 AND w.machine = ?3"
        );
        let found = self
            .db
            .prepare_cached(&sql)?
            .query_row(params![receiver, target, machine, event], |row| {
                Ok((told(row)?, row.get::<_, Option<i64>>("of_event")?))
            })
            .optional()?;
        let Some((row, scan)) = found else {
            return Ok(None);
        };
        match scan {
            Some(_) => self.notice_of_state(scan, row.decision, row.at).map(Some),
            None => self.state_of(&row).map(Some),
        }
    }

    /// What a target is told of the machines that share a comment, at most `most`, the last that came first; and how many
    /// more there are.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn told_together(
        &self,
        receiver: &str,
        target: &str,
        most: usize,
    ) -> Result<(Vec<Notice>, usize), JournalError> {
        let which = "FROM write_back w INDEXED BY write_back_place WHERE receiver = ?1 AND target = ?2 AND place > ?3";
        let values = params![receiver, target, OWN_COMMENTS];
        let count = format!("SELECT count(*) {which}");
        let count: u32 = self
            .db
            .prepare_cached(&count)?
            .query_row(values, |row| row.get(0))?;
        let rows = format!("SELECT {TOLD} {which} ORDER BY place DESC LIMIT {most}");
        let notices: Vec<Notice> = all(self.db, &rows, values, told)?
            .iter()
            .map(|row| self.state_of(row))
            .collect::<Result<_, _>>()?;
        let more = (count as usize).saturating_sub(notices.len());
        Ok((notices, more))
    }

    /// What is held is the news, whatever was scanned before.
    fn state_of(&self, row: &ToldMachine) -> Result<Notice, JournalError> {
        let scan = row.scan.filter(|_| !row.held);
        self.notice_of_state(scan, row.decision, row.at)
    }
}
