//! The place of one replica: its files, its wire to the database, its door to the far side, and the process that runs there
//! now. Whoever supervises it starts it again until it runs.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use scanhook_simulator::serve::SharedSimulator;
use tempfile::TempDir;

use super::door::FarDoor;
use super::wire::DatabaseWire;
use crate::harness::Served;
use crate::replicas::{files, signal};
use crate::server::Server;

/// However long the database is away, and its wire, it runs after this.
const STARTS: Duration = Duration::from_secs(90);
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
    /// Starts that the program itself refused, by code.
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
            refused: Mutex::default(),
        }
    }

    /// Starts it, as often as it takes: without its database it ends.
    pub async fn start(&self) -> Served {
        let begun = Instant::now();
        loop {
            match Served::attempt(Served::command(self.folder.path())).await {
                Ok(served) => {
                    *self.at.lock().unwrap() = Some(served.public);
                    let mut down = self.down.lock().unwrap();
                    down.last_mut().unwrap().1 = Some(Instant::now());
                    return served;
                }
                Err(said) => {
                    assert!(
                        begun.elapsed() < STARTS,
                        "{} does not start: {said:#?}",
                        self.name
                    );
                    self.refused.lock().unwrap().extend(said.last().cloned());
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
        signal(served, "-STOP");
        tokio::time::sleep(span).await;
        signal(served, "-CONT");
    }

    fn goes_down(&self) {
        self.down.lock().unwrap().push((Instant::now(), None));
    }

    /// Where it is reached, if it has been.
    pub fn at(&self) -> Option<SocketAddr> {
        *self.at.lock().unwrap()
    }

    /// Whether it need not have answered all the time between these.
    pub fn was_down(&self, from: Instant, until: Instant) -> bool {
        let down = self.down.lock().unwrap();
        down.iter()
            .any(|(since, up)| *since <= until && up.is_none_or(|up| up >= from))
    }

    pub fn refused_starts(&self) -> Vec<String> {
        self.refused.lock().unwrap().clone()
    }

    /// Everything that its processes wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap()
    }
}
