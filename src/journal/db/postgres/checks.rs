//! What holds of every session before anything is asked in it: a server that is new enough and lets write, a COMMIT that
//! is durable, plans like those of SQLite, and a journal of our schema.

use super::super::fault::{DbError, DbResult};
use super::super::tables::TABLES;
use super::lost::Lost;
use super::refusal::Refusal;
use super::session::Session;
use scanhook_core::time::Timestamp;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Writes.
    Writer,
    /// Looks whether it could write.
    Visitor,
    /// Reads for programs.
    Reader,
    /// Makes the journal, or changes its schema.
    Owner,
}

/// How plans are made: once, and by nested loops over an index, as SQLite makes them. What is cheap in a small table is not in a
/// large one, and to plan anew takes longer than most statements do.
const PLANS: &[(&str, &str)] = &[
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// What ends a wait that nobody else ends: for a lock, for whoever stands still in a transaction, for a statement.
const LIMITS: &[(&str, &str)] = &[
    ("lock_timeout", "8s"),
    ("idle_in_transaction_session_timeout", "3s"),
    ("statement_timeout", "10s"),
];

/// Settings with which a COMMIT may be lost, and what each has to be. They are the administrator's, and not set here.
const DURABLE: &[(&str, &[&str], &str)] = &[
    ("synchronous_commit", &["on", "remote_apply"], "on"),
    ("fsync", &["on"], "on"),
    ("full_page_writes", &["on"], "on"),
];

/// What `TURN` carries out, planned once. The turn is the journal's, whatever the role that finds it by its search path. Behind it
/// the schema and the time are read: what another process has committed before is seen by every statement that follows. The
/// highest ids stand behind the time, in the order of those that are counted here.
const TURN_STATEMENTS: &str = "
    PREPARE turn AS SELECT pg_advisory_xact_lock(1935896168, 'journal'::regclass::oid::int);
    PREPARE behind_turn AS SELECT schema || ' ' || floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint || ' ' ||
    (SELECT coalesce(max(id), 0) FROM delivery) || ' ' || (SELECT coalesce(max(id), 0) FROM scan) || ' ' ||
    (SELECT coalesce(max(id), 0) FROM decision) FROM journal";

/// The oldest server.
const OLDEST: i64 = 150_000;

/// Prepares a session for its use, and looks whether it may be had.
pub(super) fn prepare(session: &Session, of: Use, schema: i64) -> Result<(), Refusal> {
    server(session)?;
    settings(session, of)?;
    if of == Use::Owner {
        return Ok(());
    }
    match found_schema(session)? {
        None => return Err(Refusal::NotInitialised),
        Some(found) if found > schema => {
            return Err(Refusal::Newer {
                found,
                known: schema,
            });
        }
        Some(found) if found < schema => {
            return Err(Refusal::Older {
                found,
                known: schema,
            });
        }
        Some(_) => {}
    }
    if matches!(of, Use::Writer | Use::Visitor) {
        rights(session)?;
    }
    if of == Use::Writer {
        session.say(TURN_STATEMENTS)?;
    }
    Ok(())
}

fn server(session: &Session) -> Result<(), Refusal> {
    let version = setting(session, "server_version_num")?;
    if version.parse::<i64>().is_ok_and(|version| version < OLDEST) {
        return Err(Refusal::TooOld(setting(session, "server_version")?));
    }
    let encoding = setting(session, "server_encoding")?;
    if encoding != "UTF8" {
        return Err(Refusal::Encoding(encoding));
    }
    for (name, good, wanted) in DURABLE {
        let value = setting(session, name)?;
        if !good.contains(&value.as_str()) {
            return Err(Refusal::NotDurable {
                name: (*name).to_owned(),
                value,
                wanted,
            });
        }
    }
    let standby = session.say("SELECT pg_is_in_recovery()")?;
    if standby.as_deref() != Some("f") || setting(session, "transaction_read_only")? != "off" {
        return Err(Refusal::ReadOnly);
    }
    Ok(())
}

/// Sets what a session needs in one transaction, and looks in another whether it is kept: a pool may give each another one.
fn settings(session: &Session, of: Use) -> Result<(), Refusal> {
    let mut wanted: Vec<(&str, &str)> = PLANS.to_vec();
    if of != Use::Owner {
        wanted.extend(LIMITS);
    }
    if of == Use::Reader {
        wanted.push(("default_transaction_read_only", "on"));
    }
    let sets: Vec<String> = wanted
        .iter()
        .map(|(name, value)| format!("SET {name} = '{value}'"))
        .collect();
    session.say(&sets.join("; "))?;
    for (name, value) in wanted {
        if setting(session, name)? != value {
            return Err(Refusal::Session(name.to_owned()));
        }
    }
    Ok(())
}

fn setting(session: &Session, name: &str) -> Result<String, Refusal> {
    let value = session.say(&format!("SELECT current_setting('{name}')"))?;
    Ok(value.unwrap_or_default())
}

/// The schema of the journal where the search path leads, if there is one.
pub(super) fn found_schema(session: &Session) -> Result<Option<i64>, Refusal> {
    let there = |table: &str| session.say(&format!("SELECT to_regclass('{table}') IS NOT NULL"));
    if there("journal")?.as_deref() == Some("t") {
        let found =
            session
                .say("SELECT schema FROM journal")
                .map_err(|lost| match lost.code() {
                    Some("42501") => Refusal::Rights {
                        role: String::from("of `[journal] url`"),
                        may: String::from("SELECT"),
                        table: String::from("journal"),
                    },
                    // A table of somebody else that has the same name.
                    Some("42703") => Refusal::NoDescription,
                    _ => lost.into(),
                })?;
        return found
            .and_then(|found| found.parse().ok())
            .map(Some)
            .ok_or(Refusal::NoDescription);
    }
    if there("delivery")?.as_deref() == Some("t") || there("scan")?.as_deref() == Some("t") {
        return Err(Refusal::NoDescription);
    }
    Ok(None)
}

/// Whether the role may do what is needed to serve.
fn rights(session: &Session) -> Result<(), Refusal> {
    let tables = TABLES.join("', '");
    let sql = format!(
        "SELECT current_user || ' ' || may.what || ' ' || c.relname FROM pg_class c
           CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS may(what)
         WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('journal'))
           AND c.relkind = 'r' AND c.relname IN ('{tables}') AND NOT has_table_privilege(c.oid, may.what)
         ORDER BY 1 DESC"
    );
    let lacking = session.say(&sql)?;
    match lacking
        .as_deref()
        .map(|lacking| lacking.splitn(3, ' ').collect::<Vec<_>>())
        .as_deref()
    {
        Some([role, may, table]) => Err(Refusal::Rights {
            role: (*role).to_owned(),
            may: (*may).to_owned(),
            table: (*table).to_owned(),
        }),
        _ => Ok(()),
    }
}

/// When a transaction begins, and the highest ids of tables that are counted here, as `TURN` tells them.
pub(super) fn begun(answer: Option<&str>, known: i64) -> DbResult<(Timestamp, Vec<i64>)> {
    let told: Option<Vec<i64>> = answer.and_then(|answer| {
        let parts = answer.split(' ').map(|part| part.parse().ok());
        parts.collect()
    });
    match told.as_deref() {
        Some([found, at, highest @ ..]) if *found == known => {
            Ok((Timestamp::from_millis(*at), highest.to_vec()))
        }
        Some([found, ..]) if *found > known => Err(DbError::Newer(*found)),
        _ => Err(
            Lost::Broken("the table `journal` does not say its schema any more".to_owned()).into(),
        ),
    }
}
