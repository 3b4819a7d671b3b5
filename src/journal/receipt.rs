//! What a sender is told of its delivery. The first answer and every repeat are made from the same rows, and neither is
//! longer than a sender has use for: the writer makes them, and the memory they take is not set free until they are read.

use uuid::Uuid;

use super::alert_receipt::{ALERT, DECISION, alert_receipt, decision_receipt};
use super::db::{Connection, params};
use super::error::JournalError;
use super::rows::all;
use super::waits;
use crate::api::{AlertReceipt, DecisionCount, DecisionReceipt, Receipt, Truncated};

/// Alerts, and decisions, that a receipt lists.
const LISTED: usize = 500;
/// Bytes of text after which it lists no more.
const LONGEST: usize = 256 << 10;

/// What is listed so far.
#[derive(Default)]
struct ReceiptSize {
    bytes: usize,
    alerts: usize,
    decisions: usize,
    /// The last decision's row, and the last alert's number.
    last: (i64, i64),
}

impl ReceiptSize {
    fn take_alert(&mut self, n: i64, alert: &AlertReceipt) -> bool {
        let room = self.alerts < LISTED && self.bytes < LONGEST;
        if room {
            self.alerts += 1;
            self.bytes += alert.id.len() + alert.detail.as_ref().map_or(0, String::len);
            self.last.1 = n;
        }
        room
    }

    fn take_decision(&mut self, row: i64, decision: &DecisionReceipt) -> bool {
        let room = self.decisions < LISTED && self.bytes < LONGEST;
        if room {
            self.decisions += 1;
            self.bytes += decision
                .waits
                .iter()
                .map(|wait| wait.why.len())
                .sum::<usize>();
            self.bytes += decision.why.len()
                + decision.device.len()
                + decision.rule.as_ref().map_or(0, String::len);
            self.last.0 = row;
        }
        room
    }
}

/// The receipt of a delivery that is stored.
pub(super) fn receipt(
    db: &Connection,
    delivery: i64,
    duplicate: bool,
) -> Result<Receipt, JournalError> {
    let uuid: Uuid = db
        .prepare_cached("SELECT uuid FROM delivery WHERE id = ?")?
        .query_row([delivery], |row| row.get(0))?;
    let mut receipt = Receipt {
        delivery: uuid.to_string(),
        duplicate,
        alerts: Vec::new(),
        truncated: None,
    };
    let (mut listed, mut cut) = (ReceiptSize::default(), false);
    let mut statement = db.prepare_cached(&format!(
        "SELECT a.n, {ALERT} FROM alert a WHERE a.delivery = ? ORDER BY a.n"
    ))?;
    let alerts = statement.query_map([delivery], |row| Ok((row.get(0)?, alert_receipt(row)?)))?;
    for alert in alerts {
        let (n, mut alert) = alert?;
        if cut || !listed.take_alert(n, &alert) {
            cut = true;
            break;
        }
        cut = !decisions(db, (delivery, n), &mut listed, &mut alert.decisions)?;
        receipt.alerts.push(alert);
    }
    if cut {
        receipt.truncated = Some(unlisted(db, delivery, &listed, duplicate)?);
    }
    Ok(receipt)
}

/// Lists the decisions about one alert; false where there is no room for all of them.
fn decisions(
    db: &Connection,
    (delivery, n): (i64, i64),
    listed: &mut ReceiptSize,
    list: &mut Vec<DecisionReceipt>,
) -> Result<bool, JournalError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {DECISION} FROM decision d LEFT JOIN scan s ON s.id = d.scan
         WHERE d.delivery = ? AND d.n = ? ORDER BY d.id"
    ))?;
    let rows = statement.query_map([delivery, n], |row| {
        Ok((row.get("row")?, decision_receipt(row)?))
    })?;
    for row in rows {
        let (row, mut decision) = row?;
        decision.waits = waits::of_decision(db, row)?;
        if !listed.take_decision(row, &decision) {
            return Ok(false);
        }
        list.push(decision);
    }
    Ok(true)
}

/// What there is beside it. Of a delivery that is new all are counted by kind, since nobody counts them later; its
/// decisions have their rows in the order of its alerts.
fn unlisted(
    db: &Connection,
    delivery: i64,
    listed: &ReceiptSize,
    duplicate: bool,
) -> Result<Truncated, JournalError> {
    let count = |table: &str| -> Result<u32, JournalError> {
        let sql = format!("SELECT count(*) FROM {table} WHERE delivery = ?");
        Ok(db
            .prepare_cached(&sql)?
            .query_row([delivery], |row| row.get(0))?)
    };
    let left =
        |all: u32, listed: usize| all.saturating_sub(u32::try_from(listed).unwrap_or(u32::MAX));
    let mut truncated = Truncated {
        alerts: left(count("alert")?, listed.alerts),
        decisions: left(count("decision")?, listed.decisions),
        ..Truncated::default()
    };
    if duplicate {
        return Ok(truncated);
    }
    let (row, n) = listed.last;
    let sql =
        "SELECT state, reason, count(*) FROM alert WHERE delivery = ? AND n > ? GROUP BY 1, 2";
    truncated.alert_counts = all(db, sql, params![delivery, n], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let sql = "SELECT n, rule, state, reason, scan IS NOT NULL, count(*) FROM decision WHERE delivery = ? AND id > ?
               GROUP BY 1, 2, 3, 4, 5";
    truncated.decision_counts = all(db, sql, params![delivery, row], |row| {
        Ok(DecisionCount {
            alert: row.get::<_, u32>(0)? as usize,
            rule: row.get(1)?,
            state: row.get(2)?,
            reason: row.get(3)?,
            scanned: row.get(4)?,
            count: row.get(5)?,
        })
    })?;
    Ok(truncated)
}
