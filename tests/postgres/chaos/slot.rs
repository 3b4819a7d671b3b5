//! The place of one replica: its files, its wire to the database, its door to the far side, and the process that runs there
//! now. Whoever supervises it starts it again until it runs.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use scanhook_simulator::serve::SharedSimulator;
use tempfile::TempDir;

use super::door::FarDoor;
use crate::harness::Served;
use crate::replicas::{files, signal};
use crate::server::Server;
use crate::wire::DatabaseWire;

/// Before whoever supervises it starts it again.
const AGAIN: Duration = Duration::from_millis(200);
/// After a stop that it did not see, the program closes what seemed idle within this.
const THAWED: Duration = Duration::from_secs(1);
/// Whoever is asked to stop waits for calls, and for a database that says nothing.
const STOPS: Duration = Duration::from_secs(40);

pub struct Slot {
    pub name: &'static str,
    pub wire: DatabaseWire,
    pub door: FarDoor,
    folder: TempDir,
    at: Mutex<Option<SocketAddr>>,
    /// From when until when nobody need answer there.
    down: Mutex<Vec<(Instant, Option<Instant>)>>,
    /// From when until when it stood still, or had to close connections on which nothing had seemed to come for so long.
    stood_still: Mutex<Vec<(Instant, Instant)>>,
    /// Starts that the program itself refused: its last words.
    refused: Mutex<Vec<String>>,
}

impl Slot {
    pub async fn new(name: &'static str, server: &Server, far: SharedSimulator) -> Slot {
        let wire = DatabaseWire::to(server.port()).await;
        let door = FarDoor::of(far).await;
        let folder = files(door.at, &Server::url_by(wire.port), "4s");
        Slot {
            name,
            wire,
            door,
            folder,
            at: Mutex::new(None),
            down: Mutex::new(vec![(Instant::now(), None)]),
            stood_still: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Starts it, as often as it takes: without its database it ends.
    pub async fn start(&self) -> Served {
        loop {
            match Served::attempt(Served::command(self.folder.path())).await {
                Ok(served) => {
                    *self.at.lock().unwrap() = Some(served.public);
                    let mut down = self.down.lock().unwrap();
                    down.last_mut().unwrap().1 = Some(Instant::now());
                    return served;
                }
                Err(said) => {
                    let why = said.iter().find(|line| line.contains("scanhook.status"));
                    let why = why.cloned().unwrap_or_else(|| format!("{said:?}"));
                    self.refused.lock().unwrap().push(why);
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    pub fn kill(&self, served: Served) {
        self.goes_down();
        served.kill();
    }

    pub async fn stop(&self, mut served: Served) {
        self.goes_down();
        signal(&served, "-TERM");
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = served.ended() {
                break status;
            }
            assert!(begun.elapsed() < STOPS, "{} does not stop", self.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(status.success(), "{}: {status}", self.name);
    }

    pub async fn freeze(&self, served: &Served, span: Duration) {
        let since = Instant::now();
        signal(served, "-STOP");
        tokio::time::sleep(span).await;
        signal(served, "-CONT");
        self.stood_still
            .lock()
            .unwrap()
            .push((since, Instant::now() + THAWED));
    }

    fn goes_down(&self) {
        self.down.lock().unwrap().push((Instant::now(), None));
    }

    /// Where it is reached, if it has been.
    pub fn at(&self) -> Option<SocketAddr> {
        *self.at.lock().unwrap()
    }

    /// Whether a connection may have been reset that was used between these: the process was not there in between.
    pub fn was_down(&self, from: Instant, until: Instant) -> bool {
        let down = self.down.lock().unwrap();
        down.iter()
            .any(|(since, up)| *since <= until && up.is_none_or(|up| up >= from))
    }

    /// The same because it stood still: what waited on a connection that was kept idle goes with it.
    pub fn stood_still(&self, from: Instant, until: Instant) -> bool {
        let still = self.stood_still.lock().unwrap();
        still
            .iter()
            .any(|(since, up)| *since <= until && *up >= from)
    }

    pub fn refused_starts(&self) -> Vec<String> {
        self.refused.lock().unwrap().clone()
    }

    /// Everything that its processes wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap()
    }
}
