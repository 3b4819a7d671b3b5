//! Which held decisions a person's word takes along: those of the same device that are held for the same reason.

use core::net::IpAddr;

use super::db::{Connection, params};
use super::error::JournalError;
use super::held_decision::{DECIDED, HeldDecision};
use super::rows::all;
use super::scan_row::damaged;
use scanhook_core::alert::Alert;
use scanhook_core::directory::{DeviceClaims, Question};
use scanhook_core::time::Timestamp;

/// The held decisions of the same device for the same reason, this one among them. An address is a machine's for a while
/// only, so decisions that have nothing else belong together where they ask the directory the same question.
pub(super) fn held_together(
    db: &Connection,
    decided: &HeldDecision,
) -> Result<Vec<HeldDecision>, JournalError> {
    let sql = format!(
        "SELECT {DECIDED} FROM decision d WHERE d.state = 'held' AND d.tenant = ? AND coalesce(d.machine, d.device) = ?
           AND d.reason = ? ORDER BY d.id"
    );
    let found = all(
        db,
        &sql,
        params![decided.tenant.0, decided.about(), decided.reason.code()],
        HeldDecision::read,
    )?;
    let mut found: Vec<HeldDecision> = found
        .into_iter()
        .map(|one| one.ok_or_else(damaged))
        .collect::<Result<_, _>>()?;
    if decided.machine.is_some() || decided.device.parse::<IpAddr>().is_err() {
        return Ok(found);
    }
    let question = address_question(db, decided)?;
    let mut together = Vec::new();
    for one in found.drain(..) {
        let same = question.is_some() && address_question(db, &one)? == question;
        if one.id == decided.id || same {
            together.push(one);
        }
    }
    Ok(together)
}

/// What the directory is asked of a device of which only an address is known; `None`: nothing can be asked.
fn address_question(
    db: &Connection,
    decided: &HeldDecision,
) -> Result<Option<Question>, JournalError> {
    let sql = "SELECT a.fields, v.received_at FROM alert a JOIN delivery v ON v.id = a.delivery
               WHERE a.delivery = ? AND a.n = ?";
    let (fields, received): (String, i64) = db
        .prepare_cached(sql)?
        .query_row([decided.delivery, decided.n], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let alert: Alert = serde_json::from_str(&fields).map_err(|_| damaged())?;
    let received = Timestamp::from_millis(received);
    let device = alert
        .devices
        .iter()
        .find(|device| device.label() == decided.device);
    let address =
        device.and_then(|device| DeviceClaims::of(device, received).fresh_address(received));
    Ok(address.map(|(ip, at)| Question::Address(ip, at)))
}
