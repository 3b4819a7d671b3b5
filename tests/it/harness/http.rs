//! HTTP as a sender speaks it, and as nobody should.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::timeout;

/// More than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// 0: the connection was closed without an answer.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Answer {
        Answer::whole(response).await.expect("the answer is whole")
    }

    /// Nothing where it breaks off.
    pub async fn whole(response: reqwest::Response) -> Option<Answer> {
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        Some(Answer {
            status,
            headers,
            text: response.text().await.ok()?,
        })
    }

    fn read(bytes: &[u8]) -> Answer {
        let whole = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, text) = whole.split_once("\r\n\r\n").unwrap_or((&whole, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|code| code.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Answer {
            status: status.unwrap_or(0),
            headers,
            text: text.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// Says these bytes on a connection from this address, and hears until it is closed.
pub async fn say(from: [u8; 4], to: SocketAddr, bytes: &[u8]) -> Answer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::from(from), 0)).unwrap();
    let (mut read, mut write) = socket.connect(to).await.unwrap().into_split();
    let mut heard = Vec::new();
    // Writing may fail half way: nobody need take all of a hostile request.
    let both = async { tokio::join!(write.write_all(bytes), read.read_to_end(&mut heard)) };
    let (_, ended) = timeout(PATIENCE, both)
        .await
        .expect("the connection is closed in time");
    assert!(
        ended.is_ok() || !heard.is_empty(),
        "reset before any answer"
    );
    Answer::read(&heard)
}

pub fn hmac_tag(secret: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

pub fn hmac_hex(secret: &str, body: &[u8]) -> String {
    hex::encode(hmac_tag(secret, body))
}

/// The headers of a Standard Webhooks sender, as its specification says it.
pub fn standard_webhook(
    secret: &str,
    id: &str,
    time: &str,
    body: &str,
) -> Vec<(&'static str, Vec<u8>)> {
    let key = BASE64.decode(secret.trim_start_matches("whsec_")).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    let tag = BASE64.encode(mac.finalize().into_bytes());
    vec![
        ("webhook-id", id.into()),
        ("webhook-timestamp", time.into()),
        ("webhook-signature", format!("v1,{tag}").into()),
    ]
}
