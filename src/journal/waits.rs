//! What a scan or a decision waits for, read from its row and from what its worker has written down.

use uuid::Uuid;

use super::db::{
    AskedAbout, Connection, DbResult, KnownQuestion, OptionalExtension, Row, Value, params,
};
use super::decision_row::DecisionRow;
use super::error::JournalError;
use super::keys::TenantId;
use super::open_scan::TO_BE_SENT_AGAIN;
use super::pause_views;
use super::requeue::{FORBIDDEN, MACHINE_BUSY};
use super::scan_row::openings;
use crate::api::{PauseView, WaitView};
use scanhook_core::obstacles::Obstacles;
use scanhook_core::scan::{DecisionState, Kind, Priority};
use scanhook_core::time::Timestamp;
use scanhook_core::wait::{Cause, Pause, ScanStanding, Wait};

/// What stands in the way of a decision or of the scan that answers it; nothing, where that is merely next, under way, with
/// Defender or over.
pub(super) fn of_decision(db: &Connection, decision: i64) -> Result<Vec<WaitView>, JournalError> {
    let sql = "SELECT d.state, d.scan, d.look_at, t.obstacles,
                      (SELECT asked_at FROM device WHERE tenant = d.tenant AND asked = d.asks AND at IS NULL)
               FROM decision d JOIN tenant t ON t.id = d.tenant WHERE d.id = ?";
    let read = |row: &Row<'_>| {
        let (state, scan): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        let late = Timestamp::from_millis(row.get::<_, Option<i64>>(2)?.unwrap_or_default());
        let asked = row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis);
        Ok((
            state,
            scan,
            Wait::LookUp(asked, late),
            obstacles(&row.get::<_, String>(3)?),
        ))
    };
    let found = db
        .prepare_cached(sql)?
        .query_row([decision], read)
        .optional()?;
    Ok(match found {
        Some((state, _, look_up, obstacles)) if state == "resolving" => {
            views(core::iter::once(look_up).chain(Wait::to_ask(&obstacles)))
        }
        Some((_, Some(scan), ..)) => told(of_scan(db, scan)?),
        _ => Vec::new(),
    })
}

/// The same of a decision that was made just now, from what it was made of wherever that says all.
pub(super) fn of_new(
    db: &Connection,
    tenant: TenantId,
    (decision, row): (i64, DecisionRow),
) -> Result<Vec<WaitView>, JournalError> {
    match (row.state, row.fresh, row.look_at) {
        (DecisionState::Resolving, _, Some(late)) => {
            let obstacles = obstacles_of(db, tenant)?;
            let look_up = Wait::LookUp(None, late);
            Ok(views(
                core::iter::once(look_up).chain(Wait::to_ask(&obstacles)),
            ))
        }
        (_, Some(fresh), _) if !some_pause(db)? => {
            let obstacles = obstacles_of(db, tenant)?;
            Ok(told(views(Wait::of(fresh.standing, &obstacles))))
        }
        (DecisionState::Resolving, ..) => of_decision(db, decision),
        (DecisionState::Scan, ..) => Ok(match row.scan {
            Some(scan) => told(of_scan(db, scan.0)?),
            None => Vec::new(),
        }),
        _ => Ok(Vec::new()),
    }
}

/// What keeps a tenant from calling anybody, as its row has it.
pub(super) fn standing_of(tenant: TenantId) -> KnownQuestion {
    KnownQuestion {
        sql: "SELECT obstacles FROM tenant WHERE id = ?",
        values: vec![Value::Int(tenant.0)],
        about: AskedAbout::Standing,
    }
}

/// Whether there is a pause in force, whatever it is about.
pub(super) fn pauses() -> KnownQuestion {
    KnownQuestion {
        sql: "SELECT 1 AS one FROM pause WHERE NOT settled AND ended_at IS NULL LIMIT 1",
        values: Vec::new(),
        about: AskedAbout::Standing,
    }
}

fn obstacles_of(db: &Connection, tenant: TenantId) -> Result<Obstacles, JournalError> {
    let asked = standing_of(tenant);
    let text: String = db.query_row(asked.sql, &asked, |row| row.get(0))?;
    Ok(obstacles(&text))
}

fn some_pause(db: &Connection) -> Result<bool, JournalError> {
    let asked = pauses();
    Ok(db.prepare_cached(asked.sql)?.exists(&asked)?)
}

/// What is worth telling whoever has sent an alert: not that a scan is next, or under way.
fn told(mut waits: Vec<WaitView>) -> Vec<WaitView> {
    let usual = [Cause::Turn, Cause::Sending].map(|cause| cause.code());
    waits.retain(|wait| !usual.contains(&wait.cause.as_str()));
    waits
}

/// How a scan stands. `about`: its machine.
pub(super) fn standing_of_scan(scan: i64, about: AskedAbout) -> KnownQuestion {
    KnownQuestion {
        sql: STANDING_OF_SCAN,
        values: vec![Value::Int(scan)],
        about,
    }
}

const STANDING_OF_SCAN: &str = "SELECT s.dry, s.priority, s.state, s.tries, s.blocked_by, s.sent_at, s.look_at, s.not_before, s.pause, s.windows,
                      s.opens_at, s.refusals, t.obstacles, b.uuid AS behind, b.kind AS behind_kind
               FROM scan s JOIN tenant t ON t.id = s.tenant
               LEFT JOIN scan b ON b.tenant = s.tenant AND b.machine = s.machine AND CAST(b.id AS TEXT) = s.blocked_by
               WHERE s.id = ? AND s.state IN ('waiting', 'sending', 'unknown')";

/// Why a scan is not with Defender yet; nothing, where it is, or is over.
pub(super) fn of_scan(db: &Connection, scan: i64) -> Result<Vec<WaitView>, JournalError> {
    let read = |row: &Row<'_>| {
        let kept = ScanStanding {
            dry: row.get("dry")?,
            pause: None,
            own: own(row)?,
            priority: Priority::new(row.get("priority")?).unwrap_or(Priority::URGENT),
        };
        Ok((
            row.get::<_, String>("state")?,
            kept,
            obstacles(&row.get::<_, String>("obstacles")?),
        ))
    };
    let Some((state, mut kept, obstacles)) =
        db.query_row(STANDING_OF_SCAN, [scan], read).optional()?
    else {
        return Ok(Vec::new());
    };
    // One that is to be sent again waits like any other.
    let again = state == "unknown" && is_to_be_sent_again(db, scan)?;
    if again {
        kept.own = None;
    }
    if !kept.dry && (again || state == "waiting") && some_pause(db)? {
        kept.pause = pause_views::of_scan(db, scan)?.as_ref().map(pause);
    }
    Ok(views(Wait::of(kept, &obstacles)))
}

pub(super) fn is_to_be_sent_again(db: &Connection, scan: i64) -> Result<bool, JournalError> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM scan WHERE id = ? AND {TO_BE_SENT_AGAIN})");
    Ok(db
        .prepare_cached(&sql)?
        .query_row(params![scan], |row| row.get(0))?)
}

fn views(waits: impl IntoIterator<Item = Wait>) -> Vec<WaitView> {
    waits.into_iter().map(|wait| WaitView::of(&wait)).collect()
}

/// What cannot be read was written by another version, and says nothing.
fn obstacles(text: &str) -> Obstacles {
    serde_json::from_str(text).unwrap_or_default()
}

/// What stands in the way of this scan alone.
fn own(row: &Row<'_>) -> DbResult<Option<Wait>> {
    let at = |column: &str| {
        row.get::<_, Option<i64>>(column)
            .map(|at| at.map(Timestamp::from_millis))
    };
    let (state, tries): (String, u32) = (row.get("state")?, row.get("tries")?);
    let blocked: Option<String> = row.get("blocked_by")?;
    let (sent, look_at): (_, Option<Timestamp>) =
        (at("sent_at")?.unwrap_or_default(), at("look_at")?);
    match (state.as_str(), &blocked) {
        ("sending", _) => return Ok(Some(Wait::Sending(sent))),
        ("unknown", Some(_)) => return Ok(Some(Wait::Busy(tries, look_at.unwrap_or_default()))),
        ("unknown", None) => return Ok(Some(Wait::Unanswered(sent, look_at.unwrap_or_default()))),
        _ => {}
    }
    let Some(not_before) = at("not_before")? else {
        return Ok(None);
    };
    let Some(blocked) = blocked else {
        // A scan that a pause has taken out of the queue waits for nothing else.
        let paused = row.get::<_, Option<i64>>("pause")?.is_some();
        let windows = openings(row.get::<_, Option<String>>("windows")?.as_deref()).names();
        let opens = at("opens_at")?;
        return Ok((!paused).then_some(Wait::Window(windows, opens)));
    };
    let behind: Option<(Uuid, String)> = row
        .get::<_, Option<Uuid>>("behind")?
        .zip(row.get("behind_kind")?);
    Ok(Some(match (behind, look_at) {
        (Some((scan, kind)), _) => Wait::Behind(
            scan.to_string(),
            Kind::of_code(&kind).unwrap_or(Kind::Quick),
        ),
        (None, Some(look_at)) => Wait::Foreign(blocked, look_at),
        (None, None) if blocked == FORBIDDEN => Wait::Forbidden(row.get("refusals")?, not_before),
        (None, None) if blocked == MACHINE_BUSY => Wait::Busy(tries, not_before),
        (None, None) => Wait::Foreign(blocked, not_before),
    }))
}

fn pause(view: &PauseView) -> Pause {
    let scope = view.scope();
    let scope = if scope == "everything" {
        "everything is".to_owned()
    } else {
        format!("{scope} is")
    };
    let flags = [
        ("tenant", &view.tenant),
        ("rule", &view.rule),
        ("device", &view.device),
    ];
    let flags = flags
        .into_iter()
        .filter_map(|(flag, value)| value.as_ref().map(|value| format!(" --{flag} '{value}'")));
    Pause {
        scope,
        resume: format!("scanhook resume{}", flags.collect::<String>()),
        by: view.by.clone(),
        since: Timestamp::parse(&view.at).unwrap_or_default(),
        until: view.until.as_deref().and_then(Timestamp::parse),
        reason: view.reason.clone(),
    }
}
