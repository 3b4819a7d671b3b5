//! What keeps a tenant's lane from sending, whatever the scan: its lane writes it down, and whoever is asked why a scan
//! waits reads it.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

codes! {
    /// Whom a lane calls.
    pub enum FarSide {
        /// Entra ID, for tokens.
        Entra = "entra",
        /// Defender.
        Defender = "defender",
    }
}

impl FarSide {
    /// Its name as people know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FarSide::Entra => "Entra ID",
            FarSide::Defender => "Defender",
        }
    }
}

codes! {
    /// Why a TLS handshake failed, as far as it shows.
    pub enum TlsFault {
        /// Nobody who is trusted has signed the certificate.
        UnknownIssuer = "unknown_issuer",
        /// The certificate's time is over, or the clock is wrong.
        Expired = "expired",
        /// The certificate's time has not begun, or the clock is wrong.
        NotYetValid = "not_yet_valid",
        /// The certificate is for another name.
        WrongName = "wrong_name",
        /// What answers does not speak TLS.
        NotTls = "not_tls",
    }
}

impl TlsFault {
    /// What it says, and what to look at.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            TlsFault::UnknownIssuer => (
                "nobody who is trusted has signed the certificate that was shown",
                "if TLS is inspected on the way, or the cloud is a private one, name its authority's certificate with `ca_file` of [network]",
            ),
            TlsFault::Expired => (
                "the certificate that was shown has expired",
                "check the clock of this computer, else whoever shows that certificate has to renew it",
            ),
            TlsFault::NotYetValid => (
                "the certificate that was shown is not valid yet",
                "check the clock of this computer",
            ),
            TlsFault::WrongName => (
                "the certificate that was shown is for another name",
                "check the address, and who answers for it: DNS, a proxy, a captive portal",
            ),
            TlsFault::NotTls => (
                "what answers there does not speak TLS",
                "check the address and its port, and whether a proxy or a captive portal answers in its place",
            ),
        }
    }
}

/// A far side that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Which.
    pub side: FarSide,
    /// Its address, as it is configured.
    pub address: String,
    /// What came instead of an answer: `dns`, `refused`, `tls`, `timeout`, `proxy-auth`, …
    pub code: String,
    /// What is known of a handshake that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFault>,
    /// The proxy that the call was to go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again; `None`: that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Timestamp>,
}

impl Outage {
    /// Who, since when, why, and what helps.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Outage {
            side,
            address,
            code,
            tls,
            proxy,
            since,
            again,
        } = self;
        let (since, name) = (since.shown(), side.name());
        let again = again.map_or_else(
            || "tried again now".to_owned(),
            |at| format!("tried again at {}", at.shown()),
        );
        let through = proxy
            .as_ref()
            .map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"));
        let (what, helps) = tls.map_or_else(|| meaning(code), TlsFault::words);
        format!(
            "{name} at {address} cannot be reached{through} since {since}: {what} (`{code}`); {again}; {helps}"
        )
    }
}

/// What a code says, and what to look at.
fn meaning(code: &str) -> (&'static str, &'static str) {
    const HERE: &str = "check the network of this computer: routing, firewall, proxy";
    match code {
        "dns" => (
            "its name cannot be resolved",
            "check the name resolution (DNS) of this computer; where only a proxy gets out, name it in [network]",
        ),
        "refused" => ("no connection can be made", HERE),
        "tls" => (
            "the TLS handshake fails",
            "check the clock of this computer, and whether a proxy in between shows a certificate of its own",
        ),
        "timeout" => ("it does not answer in time", HERE),
        "proxy-auth" => (
            "the proxy wants other credentials (407)",
            "check `username` and `password_file` of the proxy in [network]",
        ),
        "proxy-refused" => (
            "the proxy makes no connection",
            "check that it runs at that address, and that it lets this computer reach that host",
        ),
        "proxy-dns" => (
            "the proxy's name cannot be resolved",
            "check `url` of the proxy in [network], and the name resolution (DNS) of this computer",
        ),
        "proxy-silent" => (
            "no connection came about through the proxy in time",
            "check that it runs at that address, and that it reaches that host",
        ),
        "proxy-tls" => (
            "the TLS handshake with the proxy fails",
            "check `url` of the proxy in [network], and name its authority's certificate with `ca_file`",
        ),
        _ if code.starts_with("http-") => (
            "it answers that it cannot serve",
            "nothing to do here: see Microsoft's service health",
        ),
        _ => ("the connection breaks off", HERE),
    }
}

/// The quota of scan calls leaves no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Calls of the last minute and hour that count.
    pub used: (u32, u32),
    /// What we may use of a minute and an hour.
    pub of: (u32, u32),
    /// When the next call may leave.
    pub until: Timestamp,
    /// What is left is kept for urgent scans.
    pub kept: bool,
}

/// What keeps a lane from sending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Obstacles {
    /// The process or the tenant is in dry run.
    pub dry_run: bool,
    /// Why nothing is sent until an operator mends something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Who cannot be reached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// There is no token that is good.
    pub no_token: bool,
    /// When one is asked for; `None`: that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_at: Option<Timestamp>,
    /// Why none can be had yet: a file or the platform has not what it is made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_lacks: Option<String>,
    /// Defender asked to wait until then (429).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_until: Option<Timestamp>,
    /// No call before this, because the last ones failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resting_until: Option<Timestamp>,
    /// The disk is full: nothing new leaves.
    pub disk_full: bool,
    /// The quota leaves no room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
}
