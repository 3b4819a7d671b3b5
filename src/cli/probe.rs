//! Asks a probe of a scanhook that runs on this computer, as its supervisor would.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::responder::root;

const PATIENCE: Duration = Duration::from_secs(3);

/// The status of what is at a path of this address, or why there is none.
pub(super) async fn probe(url: &str, path: &str) -> Result<u16, String> {
    let mut url: reqwest::Url = url.parse().map_err(|_| "it is not a URL".to_owned())?;
    url.set_path(path);
    let host = url.host_str().unwrap_or_default();
    if let Ok(ip) = host.trim_matches(['[', ']']).parse() {
        let _ = url.set_ip_host(near(ip));
    }
    // Nothing is sent that anybody could misuse, so it does not matter who signed the certificate.
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .tls_danger_accept_invalid_certs(true)
        .build();
    let answer = client.map_err(|error| root(&error))?.get(url).send().await;
    answer
        .map(|answer| answer.status().as_u16())
        .map_err(|error| root(&error))
}

/// Who listens on all addresses answers at that of this computer.
pub(super) fn near(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}
