//! Looks how far the way to a host goes, without a credential.

use core::time::Duration;
use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::origin::{ClockReading, OriginFacts};
use super::signer::{Onlooker, Signer};
use crate::clock;
use crate::defender::client::Client;
use crate::defender::{Answer, first_row, header};
use scanhook_core::time::Timestamp;

/// For each attempt of its own: a name, a connection, a handshake.
const PATIENCE: Duration = Duration::from_secs(5);

/// Scheme, host and port of a checked address, without its path.
pub(super) fn origin_of(base: &str) -> String {
    let uri: http::Uri = base.parse().unwrap_or_default();
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
        _ => base.to_owned(),
    }
}

/// Host and port that a URL is connected at.
fn contact_of(url: &str) -> (String, u16) {
    let uri: http::Uri = url.parse().unwrap_or_default();
    let usual = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    let host = uri.host().unwrap_or_default();
    (
        host.trim_matches(['[', ']']).to_owned(),
        uri.port_u16().unwrap_or(usual),
    )
}

/// Looks step by step, and stops where the way ends.
pub(super) async fn look(
    client: &Client,
    origin: &str,
    tenant: Option<String>,
) -> (OriginFacts, Option<ClockReading>) {
    let (host, _) = contact_of(origin);
    let proxy = client.proxy_to(&host).map(str::to_owned);
    let (contact, port) = contact_of(proxy.as_deref().unwrap_or(origin));
    let mut facts = OriginFacts {
        origin: origin.to_owned(),
        contact: format!("{contact}:{port}"),
        tenant,
        proxy,
        addresses: Ok(Vec::new()),
        connected: None,
        answered: None,
        signer: None,
    };
    let addresses = match resolved(&contact, port).await {
        Ok(addresses) => addresses,
        Err(why) => {
            facts.addresses = Err(why);
            return (facts, None);
        }
    };
    facts.addresses = Ok(addresses.iter().map(|at| at.ip().to_string()).collect());
    let connected = connected(&addresses).await;
    let is_connected = connected.is_ok();
    facts.connected = Some(connected);
    if !is_connected {
        return (facts, None);
    }
    let (answered, reading) = greeted(client, origin).await;
    facts.answered = Some(answered);
    if origin.starts_with("https://") {
        facts.signer = signer(client, origin, &host).await;
    }
    (facts, reading)
}

async fn resolved(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = match timeout(PATIENCE, lookup_host((host, port))).await {
        Ok(found) => found.map_err(|error| error.to_string())?,
        Err(_) => return Err("no answer in time".to_owned()),
    };
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() {
        return Err("the name has none".to_owned());
    }
    Ok(found)
}

async fn connected(addresses: &[SocketAddr]) -> Result<String, String> {
    match timeout(PATIENCE, TcpStream::connect(addresses)).await {
        Ok(Ok(stream)) => Ok(stream
            .peer_addr()
            .map_or_else(|_| "an address".to_owned(), |at| at.to_string())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

async fn greeted(client: &Client, origin: &str) -> (Result<u16, String>, Option<ClockReading>) {
    match client.send(first_row::greet(origin)).await {
        Answer::Http(answer) => {
            let reading = reading(origin, answer.headers());
            (Ok(answer.status().as_u16()), reading)
        }
        Answer::NotSent(unsent) => (Err(unsent.code.to_owned()), None),
        Answer::Unknown(code) => (Err(code), None),
    }
}

/// What an answer says of the clocks.
pub(super) fn reading(who: &str, headers: &http::HeaderMap) -> Option<ClockReading> {
    let date: Timestamp = header::date(headers)?;
    Some(ClockReading {
        who: who.to_owned(),
        ahead: (clock::now().millis() - date.millis()) / 1000,
    })
}

/// Who signed the certificate that is shown, whether it is trusted or not: the handshake is broken off once it was seen.
async fn signer(client: &Client, origin: &str, host: &str) -> Option<Signer> {
    let (onlooker, config) = Onlooker::new()?;
    let looking = client.onlooker(host, config).ok()?;
    // It always fails: what counts is what was shown.
    let _ = looking.head(origin).send().await;
    Signer::of(&onlooker.shown()?, host, clock::now())
}
