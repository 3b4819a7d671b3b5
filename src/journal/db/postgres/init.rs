//! The tables of a journal, made by a person's order and never by serving: a database that is empty may be one whose
//! contents were lost.

use std::sync::Arc;

use uuid::Uuid;

use super::checks::{Use, found_schema};
use super::connecting::session;
use super::refusal::Refusal;
use crate::settings::PostgresSettings;

const TABLES: &str = include_str!("schema.sql");

/// Makes the tables where there is no journal; whether there was one. Another who does so at the same time is waited for.
pub(crate) fn initialise(
    at: &Arc<PostgresSettings>,
    id: Uuid,
    schema: i64,
) -> Result<bool, Refusal> {
    let session = session(at, Use::Owner, schema)?;
    session
        .say("BEGIN; SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_xact_lock(1935896168, 0)")?;
    match found_schema(&session)? {
        Some(found) if found == schema => return Ok(true),
        Some(found) if found > schema => {
            return Err(Refusal::Newer {
                found,
                known: schema,
            });
        }
        Some(found) => {
            return Err(Refusal::Older {
                found,
                known: schema,
            });
        }
        None => {}
    }
    session.say(TABLES)?;
    session.say(&format!(
        "INSERT INTO journal(id, schema) VALUES ('{id}', {schema})"
    ))?;
    session
        .commit("SELECT 1")
        .map_err(|lost| Refusal::Other(lost.to_string()))?;
    Ok(false)
}
