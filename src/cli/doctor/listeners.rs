//! Looks who listens where this configuration would, and asks a running scanhook how it is.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::here::WhoListens;
use crate::api::StatusView;
use crate::cli::probe::{near, probe};
use crate::cli::responder::Responder;

const PATIENCE: Duration = Duration::from_secs(3);

/// What the admin listener of a running scanhook says; none where no scanhook answers, or none that lets us in.
pub(super) async fn running(responder: &Responder, admin: &str) -> Option<StatusView> {
    let body = responder.get_at(admin, "/api/v1/status").await.ok()?;
    serde_json::from_str(&body).ok()
}

/// Who listens at the address of a URL.
pub(super) async fn at_url(url: &str) -> WhoListens {
    let uri: http::Uri = url.parse().unwrap_or_default();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    match (address, uri.port_u16()) {
        (Ok(address), Some(port)) => {
            at(
                SocketAddr::new(address, port),
                uri.scheme_str() == Some("https"),
            )
            .await
        }
        _ => WhoListens::Unknown,
    }
}

/// Who listens at an address of this computer.
pub(super) async fn at(listen: SocketAddr, tls: bool) -> WhoListens {
    if listen.port() == 0 {
        return WhoListens::Unknown;
    }
    let address = SocketAddr::new(near(listen.ip()), listen.port());
    match timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => {}
        _ => return WhoListens::Nobody,
    }
    let scheme = if tls { "https" } else { "http" };
    match probe(&format!("{scheme}://{address}"), "/livez").await {
        Ok(200) => WhoListens::Scanhook,
        _ => WhoListens::Another,
    }
}
