//! A proxy that opens tunnels: every host leads to one far side. It may want a login, refuse, or say nothing, and keeps a
//! record of what it was asked for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What a proxy does with who asks for a tunnel.
#[derive(Clone, Debug)]
pub enum Mood {
    Opens,
    /// Opens for this name and password, and answers 407 to others.
    Wants(&'static str, &'static str),
    /// Answers with this status line.
    Answers(&'static str),
    /// Takes the connection, and says nothing.
    Silent,
    HangsUp,
}

/// A running proxy.
pub struct TestProxy {
    pub at: SocketAddr,
    gate: Arc<ProxyGate>,
}

struct ProxyGate {
    leads_to: SocketAddr,
    mood: Mutex<Mood>,
    /// Only for hosts that begin so; the others are let through.
    only: Mutex<&'static str>,
    /// The heads of all requests.
    heads: Mutex<Vec<String>>,
}

impl TestProxy {
    pub async fn open(leads_to: SocketAddr, mood: Mood) -> TestProxy {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let gate = Arc::new(ProxyGate {
            leads_to,
            mood: Mutex::new(mood),
            only: Mutex::new(""),
            heads: Mutex::default(),
        });
        let open = gate.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                tokio::spawn(open.clone().serve(stream));
            }
        });
        TestProxy { at, gate }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// From now on, for every host.
    pub fn will(&self, mood: Mood) {
        self.will_for("", mood);
    }

    /// From now on, for hosts that begin so; others are let through.
    pub fn will_for(&self, host: &'static str, mood: Mood) {
        *self.gate.only.lock().unwrap() = host;
        *self.gate.mood.lock().unwrap() = mood;
    }

    /// What it was asked to connect to, in order.
    pub fn hosts(&self) -> Vec<String> {
        let heads = self.gate.heads.lock().unwrap();
        let asked = |head: &String| head.split(' ').nth(1).unwrap_or_default().to_owned();
        heads.iter().map(asked).collect()
    }

    /// The heads of all requests, in order.
    pub fn heads(&self) -> Vec<String> {
        self.gate.heads.lock().unwrap().clone()
    }
}

impl ProxyGate {
    async fn serve(self: Arc<ProxyGate>, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        self.heads.lock().unwrap().push(head.clone());
        let host = head.strip_prefix("CONNECT ").expect("only tunnels");
        let mut mood = self.mood.lock().unwrap().clone();
        if !host.starts_with(*self.only.lock().unwrap()) {
            mood = Mood::Opens;
        }
        let refusal = match mood {
            Mood::Opens => None,
            Mood::Wants(name, password) => {
                let login = STANDARD.encode(format!("{name}:{password}"));
                let shown = head
                    .to_lowercase()
                    .contains(&format!("proxy-authorization: basic {login}").to_lowercase());
                (!shown).then_some("407 Proxy Authentication Required")
            }
            Mood::Answers(status) => Some(status),
            Mood::Silent => {
                // Until the client hangs up.
                let _ = stream.read_u8().await;
                return;
            }
            Mood::HangsUp => return,
        };
        if let Some(status) = refusal {
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            return;
        }
        let mut far = TcpStream::connect(self.leads_to).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await
            .unwrap();
        // An end that goes away ends the tunnel.
        let _ = copy_bidirectional(&mut stream, &mut far).await;
    }
}
