//! The power goes while the journal writes: whatever part of the log after the last acknowledgement has reached the disk,
//! what was acknowledged is there afterwards, whole, and nothing is there by halves.
//!
//! The log is cut at each boundary of its frames, one byte before and one after, and at each of its last bytes: `cargo
//! test` takes some hundred of those, `CUTS=n` takes n.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OpenFlags};
use scanhook::journal::{Ids, Job, Store};
use uuid::Uuid;

use crate::desk::{Counter, NOW, write};

/// The last bytes at each of which it is cut.
const CUTS: usize = 400;
/// Deliveries of each commit: alone, and in company.
const COMMITS: [usize; 6] = [1, 1, 3, 1, 2, 1];
/// SQLite's log: a header, then frames of a header and a page each.
const HEADER: usize = 32;
const FRAME: usize = 24 + 4096;

/// A journal that is written to.
struct Desk {
    path: PathBuf,
    store: Store,
    counter: Counter,
    acknowledged: Arc<Mutex<Vec<Uuid>>>,
}

impl Desk {
    /// In a folder, with its schema, tenant and policy in the database and an empty log.
    fn open(folder: &Path) -> Desk {
        let path = folder.join("scanhook.db");
        let mut store = Store::open(&path, Ids::random().unwrap()).unwrap();
        drop(Counter::new(&mut store));
        drop(store);
        let mut store = Store::open(&path, Ids::random().unwrap()).unwrap();
        let counter = Counter::new(&mut store);
        Desk {
            path,
            store,
            counter,
            acknowledged: Arc::default(),
        }
    }

    /// Accepts some deliveries in one commit; the log's length when they were acknowledged.
    fn accept(&mut self, deliveries: usize) -> usize {
        let length = Arc::new(Mutex::new(0));
        let job = |_| {
            let acceptance = self.counter.delivery();
            let (length, acknowledged, log) =
                (length.clone(), self.acknowledged.clone(), log(&self.path));
            Job::new(
                0,
                move |tx| tx.accept(&acceptance, NOW),
                move |receipt| {
                    acknowledged
                        .lock()
                        .unwrap()
                        .push(receipt.unwrap().delivery.parse().unwrap());
                    *length.lock().unwrap() =
                        usize::try_from(fs::metadata(log).unwrap().len()).unwrap();
                },
            )
        };
        let jobs = (0..deliveries).map(job).collect();
        self.store.commit(jobs);
        *length.lock().unwrap()
    }

    fn acknowledged(&self) -> Vec<Uuid> {
        self.acknowledged.lock().unwrap().clone()
    }
}

fn log(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

/// What is on the disk after a cut, and the deliveries that must be there.
struct Disk<'a> {
    database: &'a [u8],
    /// What of the log was written, and what stands behind it.
    log: [&'a [u8]; 2],
    acknowledged: &'a [Uuid],
}

impl Disk<'_> {
    /// The journal opens on it and keeps the promise.
    fn survives(&self, folder: &Path) {
        let path = folder.join("scanhook.db");
        let _ = fs::remove_file(path.with_extension("db-shm"));
        fs::write(&path, self.database).unwrap();
        fs::write(log(&path), self.log.concat()).unwrap();
        fs::write(path.with_extension("db.marker"), "").unwrap();
        let mut store = Store::open(&path, Ids::random().unwrap()).unwrap();
        {
            let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
            let one = |sql: &str| {
                db.query_row(sql, [], |row| row.get::<_, String>(0))
                    .unwrap()
            };
            assert_eq!(one("PRAGMA integrity_check"), "ok");
            let mut statement = db.prepare("SELECT uuid FROM delivery ORDER BY id").unwrap();
            let kept: Vec<Uuid> = statement
                .query_map([], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            assert!(
                kept.starts_with(self.acknowledged),
                "acknowledged, and lost"
            );
            for table in ["alert", "decision", "scan"] {
                let rows = one(&format!("SELECT CAST(count(*) AS TEXT) FROM {table}"));
                assert_eq!(
                    rows,
                    kept.len().to_string(),
                    "a delivery by halves: {table}"
                );
            }
        }
        write(&mut store, |tx| tx.tenant("after the cut"));
    }
}

/// Where to cut what was written to a log: at the frames' boundaries, and at the last bytes before its end.
fn places(written: Range<usize>, end: usize) -> BTreeSet<usize> {
    let bytes = std::env::var("CUTS").map_or(CUTS, |cuts| cuts.parse().expect("CUTS is a number"));
    let boundaries = (HEADER..=end)
        .step_by(FRAME)
        .flat_map(|at| [at - 1, at, at + 1]);
    let last = end.saturating_sub(bytes)..end;
    boundaries
        .chain(last)
        .filter(|at| written.contains(at))
        .collect()
}

/// All disks on all processors.
fn all_survive(disks: &[Disk<'_>]) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for first in 0..threads {
            scope.spawn(move || {
                // In memory where there is such a place: what was cut off needs no sync any more.
                let folder = tempfile::tempdir_in("/dev/shm")
                    .or_else(|_| tempfile::tempdir())
                    .unwrap();
                disks
                    .iter()
                    .skip(first)
                    .step_by(threads)
                    .for_each(|disk| disk.survives(folder.path()));
            });
        }
    });
    println!("{} power cuts, nothing lost", disks.len());
}

#[test]
fn a_power_cut_at_any_byte_after_the_last_acknowledgement_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(folder.path());
    let database = fs::read(&desk.path).unwrap();
    let mut lengths = vec![(0, 0)];
    for deliveries in COMMITS {
        let length = desk.accept(deliveries);
        lengths.push((length, desk.acknowledged().len()));
    }
    let (written, acknowledged) = (fs::read(log(&desk.path)).unwrap(), desk.acknowledged());
    assert_eq!(
        written.len(),
        lengths[COMMITS.len()].0,
        "the log only grows"
    );
    assert_eq!(
        fs::read(&desk.path).unwrap(),
        database,
        "no checkpoint came in between"
    );

    let hollow = vec![0; written.len()];
    let mut disks = Vec::new();
    for pair in lengths.windows(2) {
        let ((before, kept), (after, _)) = (pair[0], pair[1]);
        for at in places(before..after, written.len()) {
            // The log ends there; or the file has its new length, but not yet its content.
            for behind in [&[], &hollow[at..after]] {
                let (log, acknowledged) = ([&written[..at], behind], &acknowledged[..kept]);
                disks.push(Disk {
                    database: &database,
                    log,
                    acknowledged,
                });
            }
        }
    }
    disks.push(Disk {
        database: &database,
        log: [&written, &[]],
        acknowledged: &acknowledged,
    });
    all_survive(&disks);
}

#[test]
fn a_power_cut_while_the_log_is_written_over_from_its_beginning_loses_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(folder.path());
    for deliveries in COMMITS {
        desk.accept(deliveries);
    }
    let checkpoint = "PRAGMA wal_checkpoint(FULL)";
    let left: i64 = Connection::open(&desk.path)
        .unwrap()
        .query_row(checkpoint, [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0, "all of the log is in the database");
    let (database, old, kept) = (
        fs::read(&desk.path).unwrap(),
        fs::read(log(&desk.path)).unwrap(),
        desk.acknowledged(),
    );
    desk.accept(1);
    let (new, acknowledged) = (fs::read(log(&desk.path)).unwrap(), desk.acknowledged());
    assert_eq!(new.len(), old.len(), "it was not begun anew");
    let written = 1 + (0..new.len()).rfind(|at| new[*at] != old[*at]).unwrap();

    let disk = |at: usize| Disk {
        database: &database,
        log: [&new[..at], &old[at..]],
        acknowledged: &kept,
    };
    let mut disks: Vec<_> = places(0..written, written).into_iter().map(disk).collect();
    disks.push(Disk {
        database: &database,
        log: [&new, &[]],
        acknowledged: &acknowledged,
    });
    all_survive(&disks);
}
