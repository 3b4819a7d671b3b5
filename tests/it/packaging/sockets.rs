//! Listeners that systemd holds: scanhook serves on them, asks of them what it asks of its own, and leaves them open for the
//! next start, so that nobody is refused while it restarts.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::started::{SECRET, Started, folder, listener};
use crate::verbs::until;

/// How often it is restarted where nothing else is said.
const RESTARTS: usize = 5;

/// What came back for a request.
#[derive(Debug)]
enum Came {
    Answer(String),
    /// Nobody listened.
    Refused(std::io::Error),
    /// The connection was taken, and ended without an answer.
    Cut,
}

fn ask(address: SocketAddr, request: &str) -> Came {
    let mut stream = match TcpStream::connect(address) {
        Ok(stream) => stream,
        Err(error) => return Came::Refused(error),
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut answer = Vec::new();
    let sent = stream.write_all(request.as_bytes());
    // A connection that is cut may have been answered before.
    let read = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    match (sent, read) {
        _ if text.starts_with("HTTP/1.1 ") => Came::Answer(text),
        _ => Came::Cut,
    }
}

fn get(address: SocketAddr, path: &str) -> Came {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    ask(address, &head)
}

fn post(address: SocketAddr, id: &str) -> Came {
    let body =
        format!(r#"{{"alert_id":"{id}","title":"t","severity":"low","device_name":"lt-042"}}"#);
    let head = format!(
        "POST /webhooks/soar HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer {SECRET}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(address, &head)
}

#[track_caller]
fn status(came: &Came, status: u16) {
    let start = format!("HTTP/1.1 {status} ");
    assert!(
        matches!(came, Came::Answer(text) if text.starts_with(&start)),
        "{came:?}"
    );
}

#[test]
fn a_process_serves_on_the_listeners_that_it_is_handed_by_their_names() {
    let folder = folder();
    let (public, public_copy) = listener("127.0.0.1:0");
    let (admin, admin_copy) = listener("127.0.0.1:0");
    let served = Started::handed(
        folder.path(),
        vec![admin_copy, public_copy],
        "admin:scanhook.socket",
    );
    let (public, admin) = (public.local_addr().unwrap(), admin.local_addr().unwrap());
    status(&post(public, "a-1"), 202);
    status(&get(admin, "/api/v1/status"), 200);
    // Only the admin listener has that.
    status(&get(public, "/api/v1/status"), 404);
    assert_eq!(served.stop().code(), Some(0));
}

#[test]
fn one_listener_without_a_name_takes_webhooks() {
    let folder = folder();
    let (public, copy) = listener("127.0.0.1:0");
    let served = Started::handed(folder.path(), vec![copy], "");
    status(&post(public.local_addr().unwrap(), "a-1"), 202);
    assert_eq!(served.stop().code(), Some(0));
}

/// How it ends with what cannot be used, and what it says of it.
fn refuses(handed: Vec<std::os::fd::OwnedFd>, names: &str, said: &str) {
    let folder = folder();
    let ended = Started::handed(folder.path(), handed, names).ended();
    let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap();
    assert_eq!(ended.code(), Some(78), "{log}");
    assert!(log.contains(said), "{log}");
}

#[test]
fn what_cannot_be_used_or_would_let_everybody_in_is_refused() {
    let (_kept, everywhere) = listener("0.0.0.0:0");
    refuses(vec![everywhere], "admin", "must be a loopback address");
    let ((_one, first), (_two, second)) = (listener("127.0.0.1:0"), listener("127.0.0.1:0"));
    refuses(vec![first, second], "listen:other", "two sockets");
    let file = File::open(env!("CARGO_BIN_EXE_scanhook")).unwrap();
    refuses(vec![file.into()], "listen", "cannot be used");
}

/// What a sender has seen.
#[derive(Default)]
struct Seen {
    /// Alerts that were acknowledged.
    taken: Mutex<Vec<String>>,
    refused: Mutex<Vec<String>>,
    cut: Mutex<usize>,
    enough: AtomicBool,
}

impl Seen {
    /// Posts one alert after another; one that is cut is posted again, as senders do.
    fn send(&self, address: SocketAddr) {
        let mut n = 0;
        while !self.enough.load(Ordering::SeqCst) {
            let id = format!("a-{n}");
            match post(address, &id) {
                // 200: it was taken before it was cut.
                Came::Answer(text)
                    if ["HTTP/1.1 202 ", "HTTP/1.1 200 "]
                        .iter()
                        .any(|start| text.starts_with(start)) =>
                {
                    self.taken.lock().unwrap().push(id);
                    n += 1;
                }
                Came::Cut => *self.cut.lock().unwrap() += 1,
                Came::Answer(text) => self.refused.lock().unwrap().push(text),
                Came::Refused(error) => self.refused.lock().unwrap().push(error.to_string()),
            }
        }
    }

    fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

#[test]
fn nobody_is_refused_while_it_restarts() {
    let restarts = std::env::var("RESTARTS").map_or(RESTARTS, |count| count.parse().unwrap());
    let folder = folder();
    let (public, _) = listener("127.0.0.1:0");
    let address = public.local_addr().unwrap();
    let start = || {
        let copy = public.try_clone().unwrap().into();
        Started::handed(folder.path(), vec![copy], "listen")
    };
    let seen = Arc::new(Seen::default());
    let mut served = start();
    let sender = std::thread::spawn({
        let seen = seen.clone();
        move || seen.send(address)
    });
    for _ in 0..restarts {
        let before = seen.count();
        until("the next alerts are taken", || seen.count() >= before + 3);
        assert_eq!(served.stop().code(), Some(0));
        served = start();
    }
    let before = seen.count();
    until("the last alerts are taken", || seen.count() >= before + 3);
    seen.enough.store(true, Ordering::SeqCst);
    sender.join().unwrap();
    assert_eq!(*seen.refused.lock().unwrap(), Vec::<String>::new());
    // What was acknowledged before a restart is known after it.
    for id in seen.taken.lock().unwrap().iter().rev().take(50) {
        let again = post(address, id);
        status(&again, 200);
        assert!(
            matches!(&again, Came::Answer(text) if text.contains("\"duplicate\":true")),
            "{again:?}"
        );
    }
    let (taken, cut) = (seen.count(), seen.cut.lock().unwrap());
    println!("{restarts} restarts, {taken} alerts taken, 0 refused, {cut} cut and posted again");
}
