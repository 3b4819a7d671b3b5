//! A mail relay that is played: it keeps what it is given, and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{Authority, Certificate, DEADLINE, until_or};

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    Never,
    /// By STARTTLS.
    OnDemand,
    AtOnce,
}

/// A mail that was taken, or turned away at its end.
#[derive(Clone, Debug, Default)]
pub struct Posted {
    pub from: String,
    pub to: Vec<String>,
    /// What the client called itself.
    pub hello: String,
    /// The login, decoded.
    pub login: Option<String>,
    pub secured: bool,
    pub text: String,
}

impl Posted {
    /// The headers, unfolded, and the body.
    pub fn parts(&self) -> (Vec<(String, String)>, String) {
        let (head, body) = self.text.split_once("\r\n\r\n").expect("a head");
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers = head.split("\r\n").map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            (name.to_owned(), value.to_owned())
        });
        (headers.collect(), body.to_owned())
    }

    pub fn header(&self, name: &str) -> String {
        let (headers, _) = self.parts();
        let mut found = headers.into_iter().filter(|(known, _)| known == name);
        let (_, value) = found
            .next()
            .unwrap_or_else(|| panic!("no {name}: {}", self.text));
        assert!(found.next().is_none(), "one {name}");
        value
    }
}

#[derive(Default)]
struct Kept {
    posted: Vec<Posted>,
    /// Everything that clients said, with whether TLS kept it.
    said: Vec<(bool, String)>,
    plan: VecDeque<(&'static str, &'static str)>,
}

/// A relay at a port of its own, until it is dropped.
pub struct Relay {
    pub at: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    pub async fn open(begins: Begins, authority: &Authority, certificate: Certificate) -> Relay {
        let kept = Arc::<Mutex<Kept>>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (mine, acceptor) = (kept.clone(), authority.acceptor(certificate));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, begins, acceptor.clone(), mine.clone()));
            }
        });
        Relay { at, kept, task }
    }

    /// The next time that this is said, the answer is this.
    pub fn plan(&self, verb: &'static str, reply: &'static str) {
        self.kept.lock().unwrap().plan.push_back((verb, reply));
    }

    pub fn all(&self) -> Vec<Posted> {
        self.kept.lock().unwrap().posted.clone()
    }

    /// Everything that clients said, with whether TLS kept it.
    pub fn said(&self) -> Vec<(bool, String)> {
        self.kept.lock().unwrap().said.clone()
    }

    /// Waits until so many mails came.
    pub async fn posted(&self, count: usize) -> Vec<Posted> {
        until_or(
            DEADLINE,
            async || Some(self.all()).filter(|all| all.len() >= count),
            || format!("{count} mails: {:#?} {:#?}", self.all(), self.said()),
        )
        .await
    }
}

async fn converse(
    mut stream: TcpStream,
    begins: Begins,
    acceptor: TlsAcceptor,
    kept: Arc<Mutex<Kept>>,
) {
    if begins != Begins::AtOnce {
        let offers = begins == Begins::OnDemand;
        let mut plain = BufReader::new(&mut stream);
        if !talk(&mut plain, &kept, (offers, false, true)).await {
            return;
        }
    }
    let Ok(secured) = acceptor.accept(stream).await else {
        return;
    };
    let greets = begins == Begins::AtOnce;
    talk(&mut BufReader::new(secured), &kept, (false, true, greets)).await;
}

/// One conversation; whether it goes on in TLS.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    kept: &Mutex<Kept>,
    (offers, secured, greets): (bool, bool, bool),
) -> bool {
    let mut mail = Posted {
        secured,
        ..Posted::default()
    };
    if greets && stream.write_all(b"220 relay.test\r\n").await.is_err() {
        return false;
    }
    loop {
        let Some(line) = line(stream).await else {
            return false;
        };
        kept.lock().unwrap().said.push((secured, line.clone()));
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let reply = match verb {
            "EHLO" => {
                mail.hello = rest.to_owned();
                let starttls = if offers { "250-STARTTLS\r\n" } else { "" };
                let login = if offers {
                    ""
                } else {
                    "250-AUTH PLAIN LOGIN\r\n"
                };
                format!("250-relay.test\r\n{starttls}{login}250 8BITMIME")
            }
            "AUTH" => {
                mail.login = rest.split_once(' ').map(|(_, login)| decoded(login));
                "235 ok".to_owned()
            }
            "MAIL" => {
                mail.from = rest.to_owned();
                "250 ok".to_owned()
            }
            "RCPT" => {
                mail.to.push(rest.to_owned());
                "250 ok".to_owned()
            }
            "DATA" => "354 go on".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            _ => "220 ok".to_owned(),
        };
        let planned = planned(kept, verb);
        let refused = planned.is_some();
        if say(stream, planned.unwrap_or(&reply)).await.is_none() || verb == "QUIT" {
            return false;
        }
        if verb == "STARTTLS" && !refused {
            return true;
        }
        if verb == "DATA" && !refused {
            let Some(text) = text(stream).await else {
                return false;
            };
            mail.text = text;
            kept.lock().unwrap().posted.push(mail.clone());
            let reply = planned_or(kept, ".", "250 queued");
            if say(stream, reply).await.is_none() {
                return false;
            }
        }
    }
}

fn planned(kept: &Mutex<Kept>, verb: &str) -> Option<&'static str> {
    let mut kept = kept.lock().unwrap();
    let next = kept.plan.front().filter(|(planned, _)| *planned == verb);
    next.is_some()
        .then(|| kept.plan.pop_front().map(|(_, reply)| reply))
        .flatten()
}

fn planned_or(kept: &Mutex<Kept>, verb: &str, usual: &'static str) -> &'static str {
    planned(kept, verb).unwrap_or(usual)
}

async fn line<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

/// The mail up to the dot that ends it.
async fn text<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    reply: &str,
) -> Option<()> {
    let reply = format!("{reply}\r\n");
    stream.write_all(reply.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

fn decoded(text: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    String::from_utf8_lossy(&bytes.unwrap()).replace('\0', " ")
}
