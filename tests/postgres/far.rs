//! A database that is some way off: whatever goes there and comes back takes a time, trips are counted, and the way may break.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use scanhook::settings::PostgresSettings;
use tempfile::TempDir;

/// The way there.
pub struct FarDatabase {
    folder: TempDir,
    to: Arc<PostgresSettings>,
    trips: Arc<Trips>,
}

/// How often something went there after something had come, and how often it may.
struct Trips {
    made: AtomicU64,
    most: AtomicU64,
}

impl FarDatabase {
    /// So far that there and back takes this time.
    pub fn off(to: Arc<PostgresSettings>, there_and_back: Duration) -> FarDatabase {
        let folder = tempfile::tempdir().unwrap();
        let socket = format!(".s.PGSQL.{}", to.port);
        let (here, there) = (
            folder.path().join(&socket),
            PathBuf::from(&to.host).join(&socket),
        );
        let trips = Arc::new(Trips {
            made: AtomicU64::new(0),
            most: AtomicU64::new(u64::MAX),
        });
        let counted = trips.clone();
        let listener = UnixListener::bind(here).unwrap();
        std::thread::spawn(move || {
            // Ends with the test.
            while let Ok((near, _)) = listener.accept() {
                let far = UnixStream::connect(&there).unwrap();
                lead(&near, &far, there_and_back / 2, &counted);
            }
        });
        FarDatabase { folder, to, trips }
    }

    pub fn at(&self) -> Arc<PostgresSettings> {
        Arc::new(PostgresSettings {
            host: self.folder.path().display().to_string(),
            ..(*self.to).clone()
        })
    }

    pub fn trips(&self) -> u64 {
        self.trips.made.load(Ordering::SeqCst)
    }

    /// Connections break once so many trips are made.
    pub fn breaks_after(&self, trips: u64) {
        self.trips.most.store(trips, Ordering::SeqCst);
    }
}

fn lead(near: &UnixStream, far: &UnixStream, wait: Duration, trips: &Arc<Trips>) {
    let answered = Arc::new(AtomicBool::new(true));
    let (asks, trips) = (answered.clone(), trips.clone());
    copy(near, far, wait, move || {
        if asks.swap(false, Ordering::SeqCst) {
            trips.made.fetch_add(1, Ordering::SeqCst);
        }
        trips.made.load(Ordering::SeqCst) <= trips.most.load(Ordering::SeqCst)
    });
    copy(far, near, wait, move || {
        answered.store(true, Ordering::SeqCst);
        true
    });
}

/// Passes on what comes, for as long as `goes_on`.
fn copy(
    from: &UnixStream,
    to: &UnixStream,
    wait: Duration,
    mut goes_on: impl FnMut() -> bool + Send + 'static,
) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 20];
        while let Ok(many @ 1..) = from.read(&mut bytes) {
            let goes_on = goes_on();
            std::thread::sleep(wait);
            if !goes_on || to.write_all(&bytes[..many]).is_err() {
                break;
            }
        }
        for end in [from, to] {
            let _ = end.shutdown(std::net::Shutdown::Both);
        }
    });
}
