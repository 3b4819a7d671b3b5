//! The wire between one process and the database: it can be cut, fall silent, or be cut around a COMMIT, so that whoever
//! said it is never told what became of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The end of the only statement with which a transaction of the journal is kept.
const COMMIT: &[u8] = b"; COMMIT\0";
/// How long an answer to COMMIT is waited for before the wire is cut.
const ANSWERED: Duration = Duration::from_secs(2);

/// What the wire does with bytes, and with whoever connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireState {
    Through,
    /// Nothing arrives any more; once it is mended, all of it does.
    Silent,
    /// Nobody gets through.
    Closed,
}

/// Where the wire is cut around the next COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCommit {
    /// It does not arrive.
    Lost,
    /// It arrives, and the connection is closed at once.
    Sent,
    /// It arrives and is answered; the answer does not arrive.
    Answered,
}

/// One wire, with an address of its own.
pub struct DatabaseWire {
    pub port: u16,
    ends: Arc<WireEnds>,
}

struct WireEnds {
    leads_to: u16,
    state: watch::Sender<WireState>,
    /// Counts cuts.
    cut: watch::Sender<u64>,
    armed: Mutex<Option<AtCommit>>,
    /// The ports from which it came to the database, and since when.
    ports: Mutex<Vec<(Timestamp, u16)>>,
}

impl DatabaseWire {
    pub async fn to(leads_to: u16) -> DatabaseWire {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let ends = Arc::new(WireEnds {
            leads_to,
            state: watch::Sender::new(WireState::Through),
            cut: watch::Sender::new(0),
            armed: Mutex::default(),
            ports: Mutex::default(),
        });
        let taking = ends.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                tokio::spawn(taking.clone().serve(stream));
            }
        });
        DatabaseWire { port, ends }
    }

    /// From now on, for connections that are open as well.
    pub fn is_from_now_on(&self, state: WireState) {
        self.ends.state.send_replace(state);
    }

    /// Closes all connections.
    pub fn cut(&self) {
        self.ends.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts a connection at the next COMMIT; whether there was one within this time.
    pub async fn cut_at_commit(&self, at: AtCommit, within: Duration) -> bool {
        *self.ends.armed.lock().unwrap() = Some(at);
        let fired = async {
            while self.ends.armed.lock().unwrap().is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(within, fired).await.is_ok()
            || self.ends.armed.lock().unwrap().take().is_none()
    }

    /// Since when it has come from this port, as far as it did before this time.
    pub fn came_from(&self, port: u16, before: Timestamp) -> Option<Timestamp> {
        let ports = self.ends.ports.lock().unwrap();
        let fits = |(at, known): &&(Timestamp, u16)| *known == port && *at <= before;
        ports.iter().rev().find(fits).map(|(at, _)| *at)
    }
}

impl WireEnds {
    async fn serve(self: Arc<WireEnds>, client: TcpStream) {
        let mut cut = self.cut.subscribe();
        if !self.is_open().await {
            return;
        }
        let at = SocketAddr::from(([127, 0, 0, 1], self.leads_to));
        let Ok(server) = TcpStream::connect(at).await else {
            return;
        };
        let from = server.local_addr().unwrap().port();
        self.ports.lock().unwrap().push((Timestamp::now(), from));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let mute = AtomicBool::new(false);
        tokio::select! {
            _ = cut.changed() => {}
            () = self.up(from_client, to_server, &mute) => {}
            () = self.down(from_server, to_client, &mute) => {}
        }
    }

    /// Waits until bytes may pass; whether they may.
    async fn is_open(&self) -> bool {
        let mut state = self.state.subscribe();
        let spoken = state.wait_for(|state| *state != WireState::Silent).await;
        spoken.is_ok_and(|state| *state == WireState::Through)
    }

    async fn up(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mute: &AtomicBool) {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let Ok(read @ 1..) = from.read(&mut bytes).await else {
                return;
            };
            let bytes = &bytes[..read];
            if !self.is_open().await {
                return;
            }
            let armed = if bytes.windows(COMMIT.len()).any(|part| part == COMMIT) {
                self.armed.lock().unwrap().take()
            } else {
                None
            };
            match armed {
                None => {
                    if to.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                Some(AtCommit::Lost) => return,
                Some(AtCommit::Sent) => {
                    // Either way it is cut.
                    let _ = to.write_all(bytes).await;
                    return;
                }
                Some(AtCommit::Answered) => {
                    mute.store(true, Ordering::SeqCst);
                    if to.write_all(bytes).await.is_ok() {
                        tokio::time::sleep(ANSWERED).await;
                    }
                    return;
                }
            }
        }
    }

    async fn down(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mute: &AtomicBool) {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let Ok(read @ 1..) = from.read(&mut bytes).await else {
                return;
            };
            if mute.load(Ordering::SeqCst) || !self.is_open().await {
                return;
            }
            if to.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    }
}
