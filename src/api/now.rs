//! What is to be known now: who has to do something, what flows, what will be held, and what is wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to be known now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NowView {
    /// Grows with each commit that changed something; `/api/v1/live` answers it as well.
    pub seq: u64,
    /// When this was put together.
    pub at: String,
    /// What waits for people.
    pub person: PersonView,
    /// What comes in and goes out.
    pub flow: FlowView,
    /// What waits for the directory, and what will become of it.
    pub directory: ForecastView,
    /// What is wrong, the worst first.
    pub banners: Vec<BannerView>,
    /// The last hour by the minute, oldest first.
    pub minutes: Vec<MinuteView>,
}

/// What waits for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// Held decisions by reason.
    pub held: BTreeMap<String, u64>,
    /// Those that are dropped within an hour, if nobody answers.
    pub ending_1h: u64,
    /// When the oldest of them was made.
    pub oldest: Option<String>,
    /// Parked alerts.
    pub parked: u64,
    /// Scans of the last 24 hours that came to nothing, by outcome.
    pub failed_24h: BTreeMap<String, u64>,
}

/// What comes in and goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowView {
    /// Alerts of the last five minutes.
    pub alerts_5m: u64,
    /// Machines, or devices whose machine is not known, that decisions of the last five minutes are about: counted to
    /// 20,000.
    pub machines_5m: u64,
    /// Scans that wait to be sent.
    pub waiting: u64,
    /// Scans that are with Defender, or may be.
    pub running: u64,
    /// When the last of the waiting scans will have left; null: none waits, or nobody knows.
    pub last_leaves_at: Option<String>,
}

/// What waits for the directory, and what will become of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForecastView {
    /// Decisions that wait for it.
    pub resolving: u64,
    /// Questions that they wait for.
    pub questions: u64,
    /// Questions that can be asked in a minute.
    pub per_minute: u64,
    /// When the first of them is decided without an answer.
    pub first_ends_at: Option<String>,
    /// Decisions that will be answered in time.
    pub will_be_answered: u64,
    /// Those that will not, so that they will be held.
    pub will_be_held: u64,
}

/// Something that is wrong, or is as somebody ordered it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BannerView {
    /// journal, paused, stopped, storm, reload-refused, silent, receiver-failing or credential-ending.
    pub code: String,
    /// The tenant it is about; null: all of it.
    pub tenant: Option<String>,
    /// Since when, where that is known.
    pub since: Option<String>,
    /// The same in words.
    pub text: String,
    /// Where more of it is shown.
    pub link: String,
}

/// What happened in a minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MinuteView {
    /// Its beginning.
    pub at: String,
    /// Alerts received.
    pub alerts: u64,
    /// Scan calls that may have left.
    pub scan_calls: u64,
    /// Decisions that were held.
    pub held: u64,
}

/// The number that grows with each commit that changed something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveView {
    /// The number.
    pub seq: u64,
}
