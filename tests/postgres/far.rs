//! A database that is some way off: whatever goes there and comes back takes a time, and trips are counted.

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
    trips: Arc<AtomicU64>,
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
        let trips = Arc::new(AtomicU64::new(0));
        let counted = trips.clone();
        let listener = UnixListener::bind(here).unwrap();
        std::thread::spawn(move || {
            // Ends with the test.
            while let Ok((near, _)) = listener.accept() {
                let far = UnixStream::connect(&there).unwrap();
                lead(near, far, there_and_back / 2, &counted);
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

    /// How often something went there after something had come.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }
}

fn lead(near: UnixStream, far: UnixStream, wait: Duration, trips: &Arc<AtomicU64>) {
    let answered = Arc::new(AtomicBool::new(true));
    let (asks, trips) = (answered.clone(), trips.clone());
    copy(
        near.try_clone().unwrap(),
        far.try_clone().unwrap(),
        wait,
        move || {
            if asks.swap(false, Ordering::SeqCst) {
                trips.fetch_add(1, Ordering::SeqCst);
            }
        },
    );
    copy(far, near, wait, move || {
        answered.store(true, Ordering::SeqCst)
    });
}

fn copy(
    mut from: UnixStream,
    mut to: UnixStream,
    wait: Duration,
    mut came: impl FnMut() + Send + 'static,
) {
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 20];
        while let Ok(many @ 1..) = from.read(&mut bytes) {
            came();
            std::thread::sleep(wait);
            if to.write_all(&bytes[..many]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}
