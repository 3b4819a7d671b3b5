//! The journal's file and its transactions: synchronous, one writer. A batch of jobs is one transaction, each job in
//! a savepoint of its own; replies leave only after COMMIT, so nothing is told that is not on disk.
//!
//! **Group commit.** A batch is what `turns` hands over: at most 256 jobs or about 4 MiB, where a decision counts as 2
//! KiB. A job that fails or panics is rolled back to its savepoint, alone. A reply is a closure that [`Store::commit`]
//! calls after COMMIT.
//!
//! **When COMMIT fails**, every job of the batch gets the error and no tenant is woken. After a full disk or a busy
//! database the transaction is rolled back and the next one is tried. After anything else the file is closed and opened
//! again with all its checks. The batch may be on disk all the same: deliveries are then found by their key, and scans
//! whose intent was written are cleared up as *unknown* ones.
//!
//! **Room.** Before each transaction the writer looks how large the journal is and what is free on the disk. Without
//! room jobs of senders are refused and workers send no scan (`Tx::is_tight`), but follow those that run to their end.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::hooks::{AuthContext, Authorization};
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::dump::dump;
use super::error::{JournalError, OpenError};
use super::file::{Lock, beside, close_to_others, lock, make_folder, open_private, private};
use super::ids::Ids;
use super::keys::TenantId;
use super::pulse::Pulse;
use super::reader::Reader;
use super::schema::{migrate, recognize};
use super::space::{DiskReserve, Space};
use crate::clock;
use scanhook_core::time::Timestamp;

/// The tenants whose lanes have something to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched(pub BTreeSet<TenantId>);

/// One transaction's worth of work with the reply it owes.
pub struct Job {
    pub(super) bytes: usize,
    /// The source that brought it; `None`: a lane, a person or the house.
    pub(super) from: Option<String>,
    run: Box<Work>,
}

/// Runs in its savepoint, or is told why it cannot.
type Work = dyn FnOnce(Result<&mut Tx<'_>, JournalError>) -> RanJob + Send;

struct RanJob {
    kept: bool,
    full: bool,
    reply: Box<dyn FnOnce(Result<(), JournalError>) + Send>,
}

impl Job {
    /// A job of about `bytes` memory; `deliver` is called after COMMIT, or with the error that prevented it.
    pub fn new<T: Send + 'static>(
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
        deliver: impl FnOnce(Result<T, JournalError>) + Send + 'static,
    ) -> Job {
        let run = move |tx: Result<&mut Tx<'_>, JournalError>| {
            let result = tx.and_then(work);
            RanJob {
                kept: result.is_ok(),
                full: matches!(result, Err(JournalError::Full)),
                reply: Box::new(move |commit: Result<(), JournalError>| {
                    deliver(commit.and(result))
                }),
            }
        };
        Job {
            bytes,
            from: None,
            run: Box::new(run),
        }
    }

    /// The same, brought by a source.
    pub(super) fn of(mut self, source: &str) -> Job {
        self.from = Some(source.to_owned());
        self
    }
}

/// The open journal.
pub struct Store {
    db: Connection,
    ids: Ids,
    file: Option<JournalFile>,
    space: Space,
    pulse: Pulse,
    /// Let go after the connection is closed.
    _lock: Option<Lock>,
}

/// Where the journal is, and the room that is kept for it.
struct JournalFile {
    path: PathBuf,
    reserve: DiskReserve,
}

/// One job's view of the transaction.
pub struct Tx<'c> {
    pub(super) db: &'c Connection,
    tight: bool,
    ids: &'c mut Ids,
    touched: &'c mut BTreeSet<TenantId>,
}

impl Tx<'_> {
    /// The lane of this tenant is woken after COMMIT. Every method that changes a decision, scan or tenant calls this.
    pub(super) fn touch(&mut self, tenant: TenantId) {
        self.touched.insert(tenant);
    }

    /// The disk is full, and what is written now is written into the room that was kept for outcomes: nothing new is begun.
    #[must_use]
    pub const fn is_tight(&self) -> bool {
        self.tight
    }

    pub(super) fn new_uuid(&mut self, now: Timestamp) -> uuid::Uuid {
        self.ids.next(now)
    }
}

impl Store {
    /// Opens the journal at `path`, making it in a directory that never held one.
    ///
    /// # Errors
    /// [`OpenError`] says what stands in the way and what to do; nothing is ever repaired or replaced silently.
    pub fn open(path: &Path, ids: Ids) -> Result<Store, OpenError> {
        make_folder(path)?;
        let lock = lock(path)?;
        let marker = beside(path, "marker");
        // A journal has at least its first page from before its marker is made: an empty file is one that was lost.
        let kept = std::fs::metadata(path).is_ok_and(|about| about.len() > 0);
        if std::fs::symlink_metadata(&marker).is_ok() && !kept {
            return Err(OpenError::Lost(path.to_owned()));
        }
        close_to_others(path)?;
        let db = connect(path)?;
        drop(private(&marker)?);
        let file = Some(JournalFile {
            path: path.to_owned(),
            reserve: DiskReserve::of(path),
        });
        Ok(Store {
            db,
            ids,
            file,
            space: Space::default(),
            pulse: Pulse::default(),
            _lock: Some(lock),
        })
    }

    /// Lets only the one mode use it, from its first use on: with the built-in simulator as Defender, or with the real one.
    /// What a version wrote that did not know this is real work.
    ///
    /// # Errors
    /// [`OpenError::Simulated`] or [`OpenError::Real`] where it belongs to the other mode.
    pub fn only_for(self, simulated: bool) -> Result<Store, OpenError> {
        let path = self
            .file
            .as_ref()
            .map(|file| file.path.clone())
            .unwrap_or_default();
        let known: Option<bool> = self
            .db
            .query_row("SELECT simulated FROM about", [], |row| row.get(0))
            .optional()
            .map_err(OpenError::sqlite)?;
        let used = || {
            self.db
                .query_row("SELECT EXISTS (SELECT 1 FROM tenant)", [], |row| {
                    row.get::<_, bool>(0)
                })
        };
        let belongs = match known {
            Some(known) => Some(known),
            None => used().map_err(OpenError::sqlite)?.then_some(false),
        };
        match belongs {
            Some(true) if !simulated => return Err(OpenError::Simulated(path)),
            Some(false) if simulated => return Err(OpenError::Real(path)),
            _ => {}
        }
        if known.is_none() {
            self.db
                .execute("INSERT INTO about(simulated) VALUES (?)", [simulated])
                .map_err(OpenError::sqlite)?;
        }
        Ok(self)
    }

    /// A journal in memory, for the simulation and the benches.
    ///
    /// # Errors
    /// When SQLite cannot make it.
    pub fn memory(ids: Ids) -> Result<Store, OpenError> {
        let mut db = Connection::open_in_memory().map_err(OpenError::sqlite)?;
        migrate(&mut db)?;
        Ok(Store {
            db,
            ids,
            file: None,
            space: Space::default(),
            pulse: Pulse::default(),
            _lock: None,
        })
    }

    /// What room there is, for whoever asks.
    #[must_use]
    pub fn space(&self) -> Space {
        self.space.clone()
    }

    /// How its transactions go, for whoever asks.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Runs the jobs as one transaction and sends their replies. Jobs of senders are refused where there is no room.
    pub fn commit(&mut self, jobs: Vec<Job>) -> Touched {
        let (tight, room) = self.look_for_room();
        let (jobs, refused): (Vec<Job>, Vec<Job>) = jobs
            .into_iter()
            .partition(|job| job.from.is_none() || room.is_ok());
        if let Err(error) = room {
            refuse(refused, &error);
        }
        let mut touched = BTreeSet::new();
        if jobs.is_empty() {
            return Touched::default();
        }
        let (count, begun) = (jobs.len(), clock::mono());
        if let Err(error) = said(&self.db, "BEGIN IMMEDIATE") {
            refuse(jobs, &error);
            self.recover(&error);
            return Touched::default();
        }
        let ran: Vec<RanJob> = jobs
            .into_iter()
            .filter_map(|job| self.run(job, tight, &mut touched))
            .collect();
        let commit = said(&self.db, "COMMIT");
        self.pulse
            .committed(count, clock::mono().saturating_sub(begun));
        if let Err(error) = &commit {
            touched.clear();
            self.recover(error);
        } else if ran.iter().any(|ran| ran.full) {
            self.recover(&JournalError::Full);
        }
        for job in ran {
            (job.reply)(commit.clone());
        }
        Touched(touched)
    }

    /// Whether the disk is as good as full, and whether there is room for senders.
    fn look_for_room(&mut self) -> (bool, Result<(), JournalError>) {
        let Some(JournalFile { path, reserve }) = &mut self.file else {
            return (false, Ok(()));
        };
        let pragma = |sql| {
            self.db
                .prepare_cached(sql)
                .and_then(|mut one| one.query_row([], |row| row.get::<_, i64>(0)))
        };
        let of = [
            "PRAGMA page_count",
            "PRAGMA freelist_count",
            "PRAGMA page_size",
        ]
        .map(|sql| pragma(sql).unwrap_or(0));
        let [pages, free, size] = of;
        let used = u64::try_from((pages - free) * size).unwrap_or(0);
        let room = self.space.look(path, used);
        // On a disk of which nothing is known nothing is kept.
        let tight = room.disk > 0 && (!reserve.keep(&room) || room.is_tight());
        (
            tight,
            if tight {
                Err(JournalError::Full)
            } else {
                room.for_senders()
            },
        )
    }

    /// One job in its savepoint. A job that panics is rolled back alone; dropping its reply tells the caller.
    fn run(&mut self, job: Job, tight: bool, touched: &mut BTreeSet<TenantId>) -> Option<RanJob> {
        let Store { db, ids, .. } = self;
        let mut touches = BTreeSet::new();
        if let Err(error) = said(db, "SAVEPOINT job") {
            return Some((job.run)(Err(error)));
        }
        let ran = catch_unwind(AssertUnwindSafe(|| {
            (job.run)(Ok(&mut Tx {
                db,
                tight,
                ids,
                touched: &mut touches,
            }))
        }))
        .ok();
        let kept = ran.as_ref().is_some_and(|ran| ran.kept);
        if !kept {
            let _ = said(db, "ROLLBACK TO job");
        }
        if said(db, "RELEASE job").is_ok() && kept {
            touched.append(&mut touches);
        }
        ran
    }

    /// After a failed commit: FULL and BUSY only need the rollback; anything else reopens the file, and if even that
    /// fails every following job is told, until it works again.
    fn recover(&mut self, error: &JournalError) {
        if !self.db.is_autocommit() {
            let _ = self.db.execute_batch("ROLLBACK");
        }
        let Some(JournalFile { path, reserve }) = &mut self.file else {
            return;
        };
        match error {
            JournalError::Full => reserve.release(),
            JournalError::Broken(_) => {
                if let Ok(db) = connect(path) {
                    self.db = db;
                }
            }
            _ => {}
        }
    }

    /// Makes every following COMMIT fail as a full disk would, or stops doing so. For the simulation.
    ///
    /// # Errors
    /// When SQLite refuses the hook.
    pub fn refuse_commits(&mut self, refuse: bool) -> Result<(), JournalError> {
        Ok(self.db.commit_hook(refuse.then_some(|| true))?)
    }

    /// Lets the file grow no further than it is, as on a disk that is full, or lets it grow again. For the simulation.
    ///
    /// # Errors
    /// When SQLite refuses the setting.
    pub fn fill_disk(&mut self, full: bool) -> Result<(), JournalError> {
        const ANY: i64 = 0xffff_fffe;
        let pages = if full {
            self.db
                .query_row("PRAGMA page_count", [], |row| row.get(0))?
        } else {
            ANY
        };
        let _: i64 = self
            .db
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
                row.get(0)
            })?;
        Ok(())
    }

    /// Counts the steps of SQLite's machine from now on: they tell what a transaction reads, however fast the computer
    /// is. For tests.
    ///
    /// # Errors
    /// When SQLite refuses the hook.
    pub fn count_steps(&mut self, steps: Arc<AtomicU64>) -> Result<(), JournalError> {
        let count = move || {
            steps.fetch_add(1, Ordering::Relaxed);
            false
        };
        Ok(self.db.progress_handler(1, Some(count))?)
    }

    /// Counts the statements that are compiled from now on, for each of which SQLite asks whether it may. For tests.
    ///
    /// # Errors
    /// When SQLite refuses the hook.
    pub fn count_compiled(&mut self, count: Arc<AtomicU64>) -> Result<(), JournalError> {
        let asked = move |_: AuthContext<'_>| {
            count.fetch_add(1, Ordering::Relaxed);
            Authorization::Allow
        };
        Ok(self.db.authorizer(Some(asked))?)
    }

    /// Everything in every table as text, in a fixed order: what the simulation hashes.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn dump(&self) -> Result<String, JournalError> {
        dump(&self.db)
    }

    /// Reads within the writer's own connection; for the simulation and tests.
    pub fn read<T>(&self, f: impl FnOnce(&Reader<'_>) -> T) -> T {
        f(&Reader { db: &self.db })
    }
}

fn refuse(jobs: Vec<Job>, error: &JournalError) {
    for job in jobs {
        ((job.run)(Err(error.clone())).reply)(Err(error.clone()));
    }
}

/// One of the few statements that frame jobs: compiled once, like all others.
fn said(db: &Connection, sql: &str) -> Result<(), JournalError> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        drop(open_private(path, true)?);
    }
    let mut db = Connection::open(path).map_err(OpenError::sqlite)?;
    db.busy_timeout(core::time::Duration::from_millis(500))
        .map_err(OpenError::sqlite)?;
    // Before the first setting: write-ahead logging is written into the file, and this one may be somebody else's.
    recognize(&db)?;
    let wal: String = db
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(OpenError::sqlite)?;
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
         -- What is forgotten is overwritten, wherever it lay: also in the pages that a long body filled alone.
         PRAGMA secure_delete = ON;
         -- What a savepoint remembers of pages stays in memory: beyond 64 KiB it would be written to a file.
         PRAGMA temp_store = MEMORY;
         -- Eight MiB of pages: a batch touches hundreds, and its keys lie anywhere.
         PRAGMA cache_size = -8192",
    )
    .map_err(OpenError::sqlite)?;
    let full: i64 = db
        .query_row("PRAGMA synchronous", [], |row| row.get(0))
        .map_err(OpenError::sqlite)?;
    if wal != "wal" || full != 2 {
        return Err(OpenError::NotDurable);
    }
    migrate(&mut db)?;
    Ok(db)
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> JournalError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::ConstraintViolation)
                if error.sqlite_error().is_some_and(|e| {
                    e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_COMMITHOOK
                }) || error.sqlite_error_code() == Some(ErrorCode::DiskFull) =>
            {
                JournalError::Full
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::Busy,
            _ => JournalError::Broken(error.to_string()),
        }
    }
}
