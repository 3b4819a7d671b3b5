//! The journal's file and its transactions: synchronous, one writer. A batch of jobs is one transaction, each job in
//! a savepoint of its own; replies leave only after COMMIT, so nothing is told that is not on disk.
//!
//! **Group commit.** A batch is what `turns` hands over: at most 256 jobs or about 4 MiB, where a decision counts as 2
//! KiB. A job that fails or panics is rolled back to its savepoint, alone.
//!
//! **Counts.** What jobs have counted (`counts`) is written once, before COMMIT.
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

use super::connect::connect;
use super::counts::Counts;
use super::db::Connection;
use super::error::{JournalError, OpenError};
use super::file::{Lock, beside, close_to_others, lock, make_folder, private};
use super::ids::Ids;
use super::job::{Job, RanJob, refuse};
use super::keys::TenantId;
use super::places::Places;
use super::pulse::Pulse;
use super::reader::STATEMENTS;
use super::reserve::DiskReserve;
use super::schema::migrate;
use super::space::Space;
use super::turns::BATCH;
use super::tx::Tx;
use crate::clock;
use scanhook_core::lease::TurnTime;
use scanhook_core::time::Timestamp;

/// The tenants whose workers have something to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched(pub BTreeSet<TenantId>);

/// The open journal.
pub struct Store {
    pub(super) db: Connection,
    ids: Ids,
    pub(super) file: Option<JournalFile>,
    space: Space,
    pulse: Pulse,
    /// How often the connection to a database was made anew.
    pub(super) sessions: u64,
    /// Let go after the connection is closed.
    _lock: Option<Lock>,
    /// It cannot be written any more by this version.
    pub(super) is_over: bool,
}

/// Where the journal is, and the room that is kept for it.
pub(super) struct JournalFile {
    pub(super) path: PathBuf,
    reserve: DiskReserve,
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
        let pulse = Pulse::default();
        pulse.begin(clock::now());
        let file = Some(JournalFile {
            path: path.to_owned(),
            reserve: DiskReserve::of(path),
        });
        Ok(Store {
            file,
            pulse,
            _lock: Some(lock),
            ..Store::over(db, ids)
        })
    }

    /// The journal behind a connection that writes, which has no file of its own here.
    pub(super) fn over(db: Connection, ids: Ids) -> Store {
        Store {
            db,
            ids,
            file: None,
            space: Space::default(),
            pulse: Pulse::default(),
            sessions: 0,
            _lock: None,
            is_over: false,
        }
    }

    /// A journal in memory, for the simulation and the benches.
    ///
    /// # Errors
    /// When SQLite cannot make it.
    pub fn memory(ids: Ids) -> Result<Store, OpenError> {
        let db = rusqlite::Connection::open_in_memory().map_err(OpenError::db)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        let db = Connection::from(db);
        migrate(&db)?;
        Ok(Store::over(db, ids))
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

    /// Jobs that one transaction may hold. Each has a savepoint, of which PostgreSQL remembers 64 without looking elsewhere.
    pub(super) fn most_jobs(&self) -> usize {
        match self.db {
            Connection::Sqlite(_) => BATCH,
            Connection::Postgres(_) => 64,
        }
    }

    /// Runs the jobs as one transaction and sends their replies. Jobs of senders are refused where there is no room.
    pub fn commit(&mut self, jobs: Vec<Job>) -> Touched {
        self.commit_at(jobs, clock::turn())
    }

    /// The same where the database's clock and the computer's say this: a database of its own has a clock of its own.
    pub fn commit_at(&mut self, jobs: Vec<Job>, mut time: TurnTime) -> Touched {
        let (tight, room) = self.look_for_room();
        let (mut jobs, refused): (Vec<Job>, Vec<Job>) = jobs
            .into_iter()
            .partition(|job| job.from.is_none() || room.is_ok());
        if let Err(error) = room {
            refuse(refused, &error);
        }
        let (mut touched, mut counts) = (BTreeSet::new(), Counts::default());
        if jobs.is_empty() {
            return Touched::default();
        }
        let (count, begun) = (jobs.len(), clock::mono());
        match self.begin() {
            Ok(Some(database)) => (time.database, time.wall) = (database, clock::now()),
            Ok(None) => {}
            Err(error) => {
                refuse(jobs, &error);
                self.recover(&error);
                return Touched::default();
            }
        }
        let before = self.db.total_changes();
        let asked = self
            .db
            .ask_ahead(|| jobs.iter_mut().flat_map(Job::questions).collect());
        if let Err(error) = asked.map_err(JournalError::from) {
            refuse(jobs, &error);
            self.recover(&error);
            return Touched::default();
        }
        let mut places = Places::default();
        let ran: Vec<RanJob> = jobs
            .into_iter()
            .filter_map(|job| {
                self.run(job, (tight, time), (&mut touched, &mut counts, &mut places))
            })
            .collect();
        let changed = touched.iter().map(|tenant| tenant.0);
        let commit = counts
            .write(&self.db)
            .and_then(|()| Ok(self.db.commit(changed)?));
        self.pulse
            .committed(count, clock::mono().saturating_sub(begun));
        if commit.is_ok() && self.db.total_changes() != before {
            self.pulse.changed();
        }
        if let Err(error) = &commit {
            // Nobody is woken for what may not be on disk. A worker looks again by itself before long.
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

    /// Begins the transaction, on a connection that is made anew where it was lost. Says when, by the clock of the database.
    fn begin(&mut self) -> Result<Option<Timestamp>, JournalError> {
        if let Connection::Postgres(db) = &mut self.db {
            self.sessions += u64::from(db.ready()?);
        }
        Ok(self.db.begin()?)
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
    fn run(
        &mut self,
        mut job: Job,
        (tight, time): (bool, TurnTime),
        (touched, counts, places): (&mut BTreeSet<TenantId>, &mut Counts, &mut Places),
    ) -> Option<RanJob> {
        let session = self.sessions;
        let Store { db, ids, .. } = self;
        let (mut touches, mut counted) = (BTreeSet::new(), Counts::default());
        if let Err(error) = db.frame("SAVEPOINT job") {
            return Some((job.run)(Err(error.into())));
        }
        // What the jobs before it have changed is asked once more.
        let asked = db.ask_ahead(|| job.questions().iter().collect());
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let mut tx = Tx {
                db,
                tight,
                ids,
                touched: &mut touches,
                counts: &mut counted,
                places,
                time,
                session,
            };
            (job.run)(asked.map(|()| &mut tx).map_err(JournalError::from))
        }))
        .ok();
        let kept = ran.as_ref().is_some_and(|ran| ran.kept);
        if !kept {
            // After some faults, such as a full disk, SQLite has rolled back the whole transaction by itself, and with it
            // the savepoint: then this fails, and so does COMMIT, which tells every job.
            let _ = db.frame("ROLLBACK TO job");
            places.forget();
        }
        if db.frame("RELEASE job").is_ok() && kept {
            touched.append(&mut touches);
            counts.append(counted);
        }
        ran
    }

    /// After a failed commit: FULL and BUSY only need the rollback; anything else reopens the file, and if even that
    /// fails every following job is told, until it works again.
    fn recover(&mut self, error: &JournalError) {
        self.is_over |= matches!(error, JournalError::Newer(_));
        // SQLite may have rolled back by itself; to do so twice would be a fault of its own.
        if self.db.in_transaction() {
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
}
