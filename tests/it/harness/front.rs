//! A front before the simulator that breaks the rules of HTTP itself. The simulator plays and records every request;
//! the bytes of one answer are the front's own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use jiff::Timestamp;
use scanhook_simulator::serve::SharedSimulator;
use scanhook_simulator::{Fault, How, WireAnswer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How a scan call is answered.
#[derive(Clone, Debug)]
pub enum Foul {
    /// With these bytes; then the connection is closed.
    Says(String),
    /// With a body of ten gigabytes, whose length is announced or not.
    Endless { announced: bool },
    /// With one byte a second.
    Drips,
    /// The connection is reset.
    Resets,
}

impl Foul {
    /// A whole answer.
    pub fn answer(status: &str, head: &str, body: &str) -> Foul {
        let length = body.len();
        Foul::Says(format!(
            "HTTP/1.1 {status}\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }
}

pub struct Front {
    pub at: SocketAddr,
    stage: Arc<Stage>,
}

struct Stage {
    shared: SharedSimulator,
    /// For the next scan call, and whether that is carried out.
    next: Mutex<Option<(Foul, bool)>>,
    written: AtomicUsize,
}

impl Front {
    pub async fn open(shared: SharedSimulator) -> Front {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let stage = Arc::new(Stage {
            shared,
            next: Mutex::default(),
            written: AtomicUsize::new(0),
        });
        let open = stage.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                tokio::spawn(converse(open.clone(), stream));
            }
        });
        Front { at, stage }
    }

    /// The next scan call is answered so, and carried out or not.
    pub fn plays(&self, foul: Foul, executed: bool) {
        *self.stage.next.lock().unwrap() = Some((foul, executed));
    }

    /// Bytes of foul answers that were taken from us.
    pub fn written(&self) -> usize {
        self.stage.written.load(Ordering::SeqCst)
    }
}

async fn converse(stage: Arc<Stage>, mut stream: TcpStream) {
    while let Some(request) = read(&mut stream).await {
        let is_scan = request.uri().path().ends_with("/runAntiVirusScan");
        let foul = if is_scan {
            stage.next.lock().unwrap().take()
        } else {
            None
        };
        let Some((foul, executed)) = foul else {
            let WireAnswer::Response(answer) = stage.shared.answer(Timestamp::now(), &request).what
            else {
                return;
            };
            if stream.write_all(&written_out(&answer)).await.is_err() {
                return;
            }
            continue;
        };
        let silence = Fault {
            route: "scan".to_owned(),
            nth: 1,
            times: 1,
            how: How::Silence { executed },
        };
        stage.shared.with(|far| {
            far.faults(vec![silence]);
            far.handle(Timestamp::now(), &request);
        });
        return perform(&stage, foul, stream).await;
    }
}

async fn perform(stage: &Stage, foul: Foul, mut stream: TcpStream) {
    let (head, block, pause, most) = match foul {
        Foul::Resets => return stream.set_zero_linger().unwrap(),
        Foul::Says(bytes) => (bytes, "", Duration::ZERO, 0),
        Foul::Endless { announced: true } => (
            "HTTP/1.1 201 Created\r\nContent-Length: 10000000000\r\n\r\n".to_owned(),
            "{",
            Duration::ZERO,
            10_000_000_000,
        ),
        Foul::Endless { announced: false } => (
            "HTTP/1.1 201 Created\r\n\r\n".to_owned(),
            "{",
            Duration::ZERO,
            10_000_000_000,
        ),
        Foul::Drips => (
            "HTTP/1.1 201 Created\r\nContent-Length: 600\r\n\r\n".to_owned(),
            "{",
            Duration::from_secs(1),
            600,
        ),
    };
    let block = block.repeat(if pause.is_zero() { 1 << 20 } else { 1 });
    let mut written = 0;
    let mut taken = stream.write_all(head.as_bytes()).await.is_ok();
    while taken && written < most {
        tokio::time::sleep(pause).await;
        taken = stream.write_all(block.as_bytes()).await.is_ok();
        written += block.len();
        stage.written.store(written, Ordering::SeqCst);
    }
}

/// One request with its body; none when the other end is gone.
async fn read(stream: &mut TcpStream) -> Option<Request<Bytes>> {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let mut first = lines.next()?.split(' ');
            let mut request = Request::builder().method(first.next()?).uri(first.next()?);
            let mut length = 0;
            for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
                request = request.header(name, value);
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.parse().ok()?;
                }
            }
            if body.len() >= length {
                return request.body(Bytes::copy_from_slice(body.as_bytes())).ok();
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => seen.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}

fn written_out(answer: &Response<Bytes>) -> Vec<u8> {
    let mut out = format!(
        "HTTP/1.1 {}\r\nContent-Length: {}\r\n",
        answer.status(),
        answer.body().len()
    );
    for (name, value) in answer.headers() {
        out.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    [out.as_bytes(), b"\r\n", answer.body()].concat()
}
