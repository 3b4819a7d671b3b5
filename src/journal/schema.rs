//! The schema's versions, and how a journal of an older one becomes one of the newest.
//!
//! SQLite in write-ahead mode with full sync. Times are Unix milliseconds; ids are integers inside and version 7 uuids
//! outside. A scan's uuid is stored, because Defender sees it as `ExternalId` on every try. A decision's is not:
//! `decision_uuid` makes it from the decision's time and row.
//!
//! * `tenant`: a row per configured name, with the app it calls as, and what its worker must not forget (`memory`): the
//!   end of a pause after a 429, how far it has come back from it, what was learnt of others on the quota, where both
//!   clocks stood. Also what keeps the worker from sending, for whoever asks why a scan waits.
//! * `policy`: the text of each rules.toml that was in force, by its hash, while a decision points to it.
//! * `delivery`: each accepted request: its key (a hash over source and body, or source and signed id), its time, its
//!   body without a secret that was in it, the names of the secrets that proved it.
//! * `alert`: each alert of a delivery as it was read, with state and reason. `decision`: one per (alert, device):
//!   state, reason, rule, the values its conditions saw, the policy's row, its scan. `scan`: one per antivirus scan.
//! * `call`: the ledger: each call that may have left, when it ended, with what; for an urgent one, when it was wanted.
//! * `event`: what happened to a scan or a decision after it was accepted, and who did it. `pause`: pauses of people.
//! * `finding`: one per (finding, device) that is remembered, with what was decided, so that a repeat is found by its
//!   key.
//! * `device`: each question to the directory: its answer and time; while `at` is NULL, how urgent it is and when it is
//!   due.
//! * `mention`, `known_as`, `machine`: which devices alerts name, what they are called, the name of each machine. Lists
//!   and orders find a device by them.
//! * `source`, `scan_count`, `decision_count`, `parked`: when each source was last heard, how many scans of each state,
//!   held decisions and parked alerts there are. Triggers keep them. `minute`, `tally`: what happened in each minute, and
//!   what each rule came to on each day.
//! * `refused`: the last 50 bodies of each source that were authenticated and could not be read: fault, hash, first
//!   kilobyte.
//! * `occasion`: what receivers may be told of, in order (the stream of events). `outbox`: one message to one receiver,
//!   made of occasions when the receiver is served. `receiver`: how far each has come. `lasting`: what goes on until
//!   something ends it. `told_until`: which holds that end soon were told. `write_back`: which machines an incident or an alert
//!   was told of.
//! * `approval`: who has approved a held decision that takes more than one person.
//! * `session`: who is signed in at the admin listener, by the hash of what the browser keeps.
//! * `replica`: a row for each life of a process that has the journal. `lane`: who holds the lease of each app, under which
//!   fence and until when (`lease`), and what its worker last said of itself.
//! * `sweep`: how far housekeeping has come. `about`: whether this is the journal of a simulation.

use super::db::{Connection, OptionalExtension};
use super::error::OpenError;

/// The schema this version writes; a newer one is refused, an older one is migrated step by step.
pub const SCHEMA: i64 = MIGRATIONS.len() as i64;

const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
    include_str!("schema-7.sql"),
    include_str!("schema-8.sql"),
    include_str!("schema-9.sql"),
    include_str!("schema-10.sql"),
    include_str!("schema-11.sql"),
];

/// The step after which names are read from what was stored: SQL alone does not know the letters of all scripts.
const NAMES: usize = 2;

/// "scnh": tells our database from any other SQLite file.
const APPLICATION: i64 = 0x7363_6e68;

/// The schema's version in the file, 0 for one that is empty, if the file is ours and not too new.
pub(super) fn recognize(db: &Connection) -> Result<i64, OpenError> {
    let pragma = |db: &Connection, name: &str| -> Result<i64, OpenError> {
        db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .map_err(OpenError::db)
    };
    let tables: Option<i64> = db
        .query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |r| r.get(0))
        .optional()
        .map_err(OpenError::db)?;
    if tables.is_some() && pragma(db, "application_id")? != APPLICATION {
        return Err(OpenError::Foreign);
    }
    let found = pragma(db, "user_version")?;
    if found > SCHEMA {
        return Err(OpenError::Newer {
            found,
            known: SCHEMA,
        });
    }
    Ok(found)
}

pub(super) fn migrate(db: &Connection) -> Result<(), OpenError> {
    let done = usize::try_from(recognize(db)?).unwrap_or(0);
    for (version, step) in MIGRATIONS.iter().enumerate().skip(done) {
        let tx = db.transaction().map_err(OpenError::db)?;
        tx.execute_batch(step).map_err(OpenError::db)?;
        if version == NAMES {
            super::names::read_earlier(&tx)
                .map_err(|error| OpenError::Sqlite(error.to_string()))?;
        }
        tx.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}",
            version + 1
        ))
        .map_err(OpenError::db)?;
        tx.commit().map_err(OpenError::db)?;
    }
    super::backfill::backfill(db).map_err(OpenError::db)
}
