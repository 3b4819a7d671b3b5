//! What is waited for, and who cannot be reached.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use scanhook_core::obstacles::Outage;
use scanhook_core::wait::Wait;

/// One thing that is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitView {
    /// The code; see docs/reasons.md.
    pub cause: String,
    /// The same in words, with what to do.
    pub why: String,
    /// When it is over or looked at again, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl WaitView {
    /// As others see it.
    #[must_use]
    pub fn of(wait: &Wait) -> WaitView {
        WaitView {
            cause: wait.cause().code().to_owned(),
            why: wait.sentence(),
            until: wait.until().map(|until| until.to_string()),
        }
    }
}

/// A far side that cannot be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutageView {
    /// entra or defender.
    pub side: String,
    /// What came instead of an answer.
    pub code: String,
    /// What is known of a TLS handshake that failed: unknown_issuer, expired, not_yet_valid, wrong_name, not_tls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// The proxy that the call was to go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Since when.
    pub since: String,
    /// When it is tried again; null: that is under way.
    pub again: Option<String>,
    /// The same in words, with what to do.
    pub why: String,
}

impl OutageView {
    /// As others see it.
    #[must_use]
    pub fn of(outage: &Outage) -> OutageView {
        OutageView {
            side: outage.side.code().to_owned(),
            code: outage.code.clone(),
            tls: outage.tls.map(|tls| tls.code().to_owned()),
            proxy: outage.proxy.clone(),
            since: outage.since.to_string(),
            again: outage.again.map(|again| again.to_string()),
            why: outage.sentence(),
        }
    }
}
