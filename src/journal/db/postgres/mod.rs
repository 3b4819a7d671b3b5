//! PostgreSQL. A connection has a runtime of its own and is used by one thread at a time; whoever asks waits, as with
//! SQLite. When the connection is lost it is made anew, with all its checks, before the next transaction.

mod ahead;
mod answers;
mod checks;
mod connecting;
mod filling;
mod init;
mod later;
mod line;
mod listening;
mod lost;
mod refusal;
mod session;
mod set;
mod text;
mod text_kept;
mod usual;
mod usual_questions;
mod waiting_writes;
mod wire;

use core::time::Duration;
use std::sync::Arc;

pub(crate) use checks::Use;
pub(crate) use init::initialise;
pub(crate) use listening::{HeardChange, Listener};
pub(crate) use lost::Lost;
pub use refusal::Refusal;
pub(super) use session::Session;
pub(super) use text_kept::Text;
pub(super) use wire::Came;
pub(crate) use wire::{SentValue, without_nul};

use super::fault::{DbError, DbResult};
use crate::clock;
use crate::settings::PostgresSettings;
use scanhook_core::time::Timestamp;

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes the turn of those who write, which ends with the transaction, and then reads what stands behind it.
const TURN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; EXECUTE turn; EXECUTE behind_turn";

/// A database, and the session with it.
pub(crate) struct Postgres {
    at: Arc<PostgresSettings>,
    of: Use,
    /// The schema that is known.
    schema: i64,
    pub(super) session: Session,
    /// When it was tried last to connect.
    tried: Duration,
    /// Changes of earlier sessions.
    changed: u64,
    /// For tests: COMMIT fails.
    pub(crate) refuses: bool,
}

impl Postgres {
    pub(crate) fn open(
        at: &Arc<PostgresSettings>,
        of: Use,
        schema: i64,
    ) -> Result<Postgres, Refusal> {
        let session = connecting::session(at, of, schema)?;
        Ok(Postgres {
            at: at.clone(),
            of,
            schema,
            session,
            tried: clock::mono(),
            changed: 0,
            refuses: false,
        })
    }

    /// Whether there is a session, or one can be made; at most twice a second is it tried. Says whether it is another one.
    pub(crate) fn ready(&mut self) -> DbResult<bool> {
        if !self.session.is_over() {
            return Ok(false);
        }
        let now = clock::mono();
        if now.saturating_sub(self.tried) < PAUSE {
            return Err(Lost::closed().into());
        }
        self.tried = now;
        self.session.hang_up();
        match connecting::session(&self.at, self.of, self.schema) {
            Ok(session) => {
                self.changed += self.session.changes.get();
                self.session = session;
                Ok(true)
            }
            Err(Refusal::Newer { found, .. }) => Err(DbError::Newer(found)),
            Err(why) => Err(Lost::Away(why.to_string()).into()),
        }
    }

    /// Begins a transaction that writes; when that is by the clock of the database.
    pub(crate) fn begin(&self) -> DbResult<Timestamp> {
        // Also where it is refused: BEGIN comes before the turn.
        self.session.open.set(true);
        self.session.forget();
        let found = self.session.say(TURN)?;
        let (time, highest) = checks::begun(found.as_deref(), self.schema)?;
        self.session.waiting.borrow_mut().begin(highest);
        Ok(time)
    }

    pub(crate) fn commit(&self, changed: impl IntoIterator<Item = i64>) -> DbResult<()> {
        if self.refuses {
            return Err(Lost::Refused(
                "53100".to_owned(),
                "could not write: no space left on device".to_owned(),
            )
            .into());
        }
        self.session.commit(&listening::tell(changed))
    }

    /// One of the statements that frame transactions and jobs, or several without values.
    pub(super) fn say(&self, sql: &str) -> DbResult<()> {
        match sql {
            "SAVEPOINT job" => self.session.waiting.borrow_mut().begin_job(),
            "ROLLBACK TO job" => {
                self.session.answers.borrow_mut().clear();
                self.session.usual.borrow_mut().end();
                let sent = self.session.waiting.borrow_mut().undo_job();
                if sent {
                    // At once: until then no statement can be prepared.
                    self.session.flush()?;
                }
            }
            "RELEASE job" => {
                self.session.usual.borrow_mut().end();
                self.session.waiting.borrow_mut().end_job();
            }
            "ROLLBACK" => {
                self.session.forget();
                self.session.open.set(false);
                self.session.say(sql)?;
            }
            _ => {
                self.session.flush()?;
                self.session.say(sql)?;
                match sql {
                    "BEGIN" => self.session.open.set(true),
                    "COMMIT" => self.session.open.set(false),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.session.open.get() && !self.session.is_over()
    }

    pub(super) fn total_changes(&self) -> u64 {
        self.changed + self.session.changes.get()
    }

    pub(super) fn ask_whether(&self, given_up: Option<Box<dyn FnMut() -> bool + Send>>) {
        self.session.ask_whether(given_up);
    }
}
