//! What a new version fills in of the rows that earlier ones wrote, in steps that are committed one by one: a journal of
//! millions of decisions is taken over without one large transaction, and an interrupted start goes on where it was.

use super::db::{Connection, DbResult, OptionalExtension, params};

/// Rows of a step.
const STEP: i64 = 20_000;
/// Milliseconds of a day, at whose beginning its tallies stand.
pub(super) const DAY: i64 = 86_400_000;

/// Goes on with what is left to be filled in, if anything is.
pub(super) fn backfill(db: &Connection) -> DbResult<()> {
    while let Some(done) = begun(db)? {
        let tx = db.transaction()?;
        let sql = "SELECT max(coalesce((SELECT max(id) FROM decision), 0), coalesce((SELECT max(id) FROM scan), 0))";
        let last: i64 = tx.query_row(sql, [], |row| row.get(0))?;
        let span = params![done, done + STEP, DAY];
        tx.execute(
            "UPDATE decision SET severity =
               (SELECT fields ->> '$.severity' FROM alert WHERE delivery = decision.delivery AND n = decision.n)
             WHERE id > ?1 AND id <= ?2 AND severity IS NULL AND ?3",
            span,
        )?;
        tx.execute(
            "INSERT INTO tally SELECT at / ?3 * ?3, tenant, policy, coalesce(rule, ''), state || ':' || reason, count(*), max(at)
               FROM decision WHERE id > ?1 AND id <= ?2 AND state <> 'resolving' GROUP BY 1, 2, 3, 4, 5
             ON CONFLICT DO UPDATE SET n = n + excluded.n, at = max(at, excluded.at)",
            span,
        )?;
        tx.execute(
            "INSERT INTO tally SELECT ended_at / ?3 * ?3, tenant,
                    coalesce((SELECT policy FROM decision WHERE scan = scan.id LIMIT 1), 0), coalesce(rule, ''),
                    'ended:' || outcome, count(*), max(ended_at)
               FROM scan WHERE id > ?1 AND id <= ?2 AND ended_at IS NOT NULL AND outcome IS NOT NULL GROUP BY 1, 2, 3, 4, 5
             ON CONFLICT DO UPDATE SET n = n + excluded.n, at = max(at, excluded.at)",
            span,
        )?;
        if done + STEP >= last {
            tx.execute("DELETE FROM sweep WHERE of = 'backfill'", [])?;
        } else {
            let sql = "UPDATE sweep SET id = ? WHERE of = 'backfill'";
            tx.execute(sql, [done + STEP])?;
        }
        tx.commit()?;
    }
    Ok(())
}

/// Up to which row all is filled in; `None`: nothing is left.
fn begun(db: &Connection) -> DbResult<Option<i64>> {
    let sql = "SELECT id FROM sweep WHERE of = 'backfill'";
    db.query_row(sql, [], |row| row.get(0)).optional()
}
