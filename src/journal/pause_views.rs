//! Pauses as people see them: all that are in force, the one that keeps a scan back, and what pauses did to a scan
//! while it waited.

use super::db::Connection;
use super::error::JournalError;
use super::pause_row::{Narrow, PAUSE, PauseId, concerns, pause_view};
use super::rows::{all, time};
use crate::api::{EventView, PauseView};
use scanhook_core::device_glob::DeviceGlob;

/// Every pause in force, oldest first.
pub(super) fn in_force(db: &Connection) -> Result<Vec<PauseView>, JournalError> {
    all(
        db,
        &format!("{PAUSE} WHERE NOT p.settled AND p.ended_at IS NULL ORDER BY p.id"),
        [],
        pause_view,
    )
}

/// The pause in force that keeps this waiting scan from being sent.
pub(super) fn of_scan(db: &Connection, scan: i64) -> Result<Option<PauseView>, JournalError> {
    let sql = format!(
        "{PAUSE} JOIN scan s ON s.id = ? WHERE NOT p.settled AND p.ended_at IS NULL
           AND (p.tenant IS NULL OR p.tenant = s.tenant) ORDER BY p.id"
    );
    let found = concerning(db, &sql, scan)?;
    Ok(found.into_iter().next().map(|(_, view)| view))
}

/// What pauses did to a scan while it waited, each line with its time.
pub(super) fn history(db: &Connection, scan: i64) -> Result<Vec<(i64, EventView)>, JournalError> {
    let sql = format!(
        "{PAUSE} JOIN scan s ON s.id = ? WHERE (p.tenant IS NULL OR p.tenant = s.tenant) AND NOT s.dry
           AND p.at <= coalesce(s.sent_at, s.ended_at, p.at) AND (p.ended_at IS NULL OR p.ended_at > s.created_at)
         ORDER BY p.id"
    );
    let mut lines = Vec::new();
    for ((at, ended), view) in concerning(db, &sql, scan)? {
        let line = |at: i64, what: &str, who: Option<String>, detail: Option<String>| {
            (
                at,
                EventView {
                    at: time(at),
                    what: what.to_owned(),
                    detail,
                    who,
                },
            )
        };
        let reason = view
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        lines.push(line(
            at,
            "paused",
            Some(view.by.clone()),
            Some(format!("{}{reason}", view.scope())),
        ));
        if let Some((ended, by)) = ended {
            let who = by.unwrap_or_else(|| "its time was over".to_owned());
            lines.push(line(
                ended,
                "resumed",
                None,
                Some(format!("{}, {who}", view.scope())),
            ));
        }
    }
    Ok(lines)
}

/// When a pause began, and when it ended by whom.
type Span = (i64, Option<(i64, Option<String>)>);

fn concerning(
    db: &Connection,
    sql: &str,
    scan: i64,
) -> Result<Vec<(Span, PauseView)>, JournalError> {
    let machine: String = db
        .prepare_cached("SELECT machine FROM scan WHERE id = ?")?
        .query_row([scan], |row| row.get(0))?;
    let rows = all(db, sql, [scan], |row| {
        let ended = row.get::<_, Option<i64>>("ended_at")?;
        let by: Option<String> = row.get("ended_by")?;
        Ok((
            row.get::<_, i64>("id")?,
            (row.get("at")?, ended.map(|ended| (ended, by))),
            pause_view(row)?,
        ))
    })?;
    let mut found = Vec::new();
    for (id, span, view) in rows {
        let device = view
            .device
            .as_ref()
            .and_then(|text| DeviceGlob::parse(text).ok());
        let narrow = Narrow {
            id: PauseId(id),
            rule: view.rule.clone(),
            device,
        };
        if concerns(db, &narrow, scan, &machine)? {
            found.push((span, view));
        }
    }
    Ok(found)
}
