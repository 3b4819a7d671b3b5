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

/// A far side that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Which.
    pub side: FarSide,
    /// Its address, as it is configured.
    pub address: String,
    /// What came instead of an answer: `dns`, `connect`, `tls`, `timeout`, …
    pub code: String,
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
            since,
            again,
        } = self;
        let (since, name) = (since.shown(), side.name());
        let again = again.map_or_else(
            || "tried again now".to_owned(),
            |at| format!("tried again at {}", at.shown()),
        );
        let (what, helps) = meaning(code);
        format!(
            "{name} at {address} cannot be reached since {since}: {what} (`{code}`); {again}; {helps}"
        )
    }
}

/// What a code says, and what to look at.
fn meaning(code: &str) -> (&'static str, &'static str) {
    const HERE: &str = "check the network of this computer: routing, firewall, proxy";
    match code {
        "dns" => (
            "its name cannot be resolved",
            "check the name resolution (DNS) of this computer",
        ),
        "connect" => ("no connection can be made", HERE),
        "tls" => (
            "the TLS handshake fails",
            "check the clock of this computer, and whether a proxy in between shows a certificate of its own",
        ),
        "timeout" | "connect-timeout" => ("it does not answer in time", HERE),
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
