//! The JSON others see: the server writes it, the verbs read it. No logic.

mod control;
mod device;
pub mod refusals;
mod reload;
mod summary;
mod wait;

use serde::{Deserialize, Serialize};

pub use control::{ItemView, OrderView, PauseView, PausesView};
pub use device::DeviceView;
pub use reload::{FaultView, ReloadView};
pub use summary::{CountView, SummaryView};
pub use wait::{OutageView, WaitView};

/// The body of 202 and 200: what became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The delivery's id.
    pub delivery: String,
    /// True: the same delivery was accepted before, and this is its receipt.
    pub duplicate: bool,
    /// Its alerts, in the order of the body.
    pub alerts: Vec<AlertReceipt>,
    /// What there is beside those that are listed, where it is too much for a receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncated>,
}

/// How much of a delivery its receipt does not list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncated {
    /// Alerts.
    pub alerts: u32,
    /// Decisions, of alerts that are listed as well.
    pub decisions: u32,
    /// The alerts by state and reason, for the metrics; empty for a delivery that came again.
    #[serde(skip)]
    pub alert_counts: Vec<(String, Option<String>, u32)>,
    /// The decisions likewise.
    #[serde(skip)]
    pub decision_counts: Vec<DecisionCount>,
}

/// Decisions that the metrics count as the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionCount {
    /// Which of the delivery's alerts they are about.
    pub alert: usize,
    /// The rule that won.
    pub rule: Option<String>,
    /// Their state.
    pub state: String,
    /// Why.
    pub reason: String,
    /// A scan answers them.
    pub scanned: bool,
    /// How many.
    pub count: u32,
}

impl DecisionCount {
    /// One decision that is listed.
    #[must_use]
    pub fn of(alert: usize, decision: &DecisionReceipt) -> DecisionCount {
        let DecisionReceipt {
            rule,
            state,
            reason,
            scan_id,
            ..
        } = decision.clone();
        DecisionCount {
            alert,
            rule,
            state,
            reason,
            scanned: scan_id.is_some(),
            count: 1,
        }
    }
}

/// One alert of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertReceipt {
    /// The sender's id of it, or one derived from the body.
    pub id: String,
    /// decided, parked, ignored or duplicate.
    pub state: String,
    /// Why it is parked, ignored or a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is worth knowing about how it was read; see docs/reasons.md.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// One per device.
    pub decisions: Vec<DecisionReceipt>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionReceipt {
    /// The decision's id.
    pub id: String,
    /// The device as the alert names it.
    pub device: String,
    /// The rule that won.
    pub rule: Option<String>,
    /// quick, full or none.
    pub scan: String,
    /// none, resolving, held, scan or dropped.
    pub state: String,
    /// Why; see docs/reasons.md.
    pub reason: String,
    /// The scan that answers.
    pub scan_id: Option<String>,
    /// The same in words.
    pub why: String,
    /// What it, or the scan that answers, waits for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitView>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Pass it as `after` for the next page; null at the end.
    pub next: Option<String>,
}

/// An alert in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertView {
    /// The delivery it came in.
    pub delivery: String,
    /// When that was received.
    pub received_at: String,
    /// The source.
    pub source: String,
    /// The headline.
    pub title: Option<String>,
    /// Severity on the common scale.
    pub severity: Option<String>,
    /// The devices it names, whatever became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceView>,
    /// The names of the secrets its delivery was proved by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Where a person reads on; as the sender wrote it, never fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Other ids of the same thing, by what they are called.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub references: std::collections::BTreeMap<String, Vec<String>>,
    /// The sender gave no id, so it is derived from the body.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub id_derived: bool,
    /// Several alerts of the sender may have this id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub id_shared: bool,
    /// What became of it.
    #[serde(flatten)]
    pub receipt: AlertReceipt,
}

/// A decision in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionView {
    /// When it was made.
    pub at: String,
    /// Who acts.
    pub tenant: String,
    /// The source of the alert.
    pub source: String,
    /// The alert.
    pub alert: String,
    /// Its headline.
    #[serde(default)]
    pub title: Option<String>,
    /// Its severity on the common scale.
    #[serde(default)]
    pub severity: Option<String>,
    /// Where a person reads on; as the sender wrote it, never fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The machine, once known.
    pub machine: Option<String>,
    /// The device's name, as the directory or else the alert says it.
    #[serde(default)]
    pub name: Option<String>,
    /// When it is dropped, if nobody answers; only of one that is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ends: Option<String>,
    /// Who could change what becomes of it.
    #[serde(default)]
    pub whose_move: String,
    /// Fingerprint of the policy that decided.
    pub policy: String,
    /// What was decided.
    #[serde(flatten)]
    pub decision: DecisionReceipt,
    /// What happened to it since, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventView>,
}

/// A scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanView {
    /// Its id, which Defender sees as `ExternalId`.
    pub id: String,
    /// Who acts.
    pub tenant: String,
    /// The machine.
    pub machine: String,
    /// Its name, as the directory or else an alert says it.
    #[serde(default)]
    pub name: Option<String>,
    /// quick or full.
    pub kind: String,
    /// 0 to 100.
    pub priority: u8,
    /// The rule that began it.
    pub rule: Option<String>,
    /// Decided and shown, never sent.
    pub dry_run: bool,
    /// waiting, sending, unknown, running, finished or dropped.
    pub state: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// More about that.
    pub detail: Option<String>,
    /// When it was decided.
    pub created_at: String,
    /// The opening of the window it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<String>,
    /// When it was last sent.
    pub sent_at: Option<String>,
    /// When it was over.
    pub ended_at: Option<String>,
    /// How often it was sent.
    pub tries: u32,
    /// Defender's id of the machine action.
    pub action: Option<String>,
    /// False: somebody else's machine action covers it.
    pub ours: bool,
    /// Why it is not sent yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitView>,
    /// The pause that keeps a waiting one from being sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseView>,
    /// Defender has refused to call it off for the last time, so it runs on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancel_refused: bool,
    /// Who asked for it to be called off, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_off: Option<String>,
    /// The alerts it answers.
    pub alerts: Vec<String>,
    /// What happened to it since, oldest first; only in the view of a single scan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventView>,
}

/// Something that happened after acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// When.
    pub at: String,
    /// What.
    pub what: String,
    /// More about it.
    pub detail: Option<String>,
    /// The person behind it, as they call themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

/// How the responder is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The program's version.
    pub version: String,
    /// When it started.
    pub started_at: String,
    /// Accepting deliveries.
    pub ready: bool,
    /// Nothing is sent, whatever the rules say.
    pub dry_run: bool,
    /// enforce, approve, dry_run or simulated: how far what is decided goes.
    #[serde(default)]
    pub mode: String,
    /// The same in words.
    #[serde(default)]
    pub armed: String,
    /// Parked alerts; more than 10,000 are not counted.
    #[serde(default)]
    pub parked: u32,
    /// When the last of them came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_at: Option<String>,
    /// Fingerprint of the policy in force.
    pub policy: String,
    /// How the last reading of the files went.
    #[serde(default)]
    pub reload: Option<ReloadView>,
    /// What the configuration makes worth saying.
    pub warnings: Vec<String>,
    /// The pauses in force.
    pub pauses: Vec<PauseView>,
    /// Per tenant.
    pub tenants: Vec<TenantView>,
    /// Per source.
    pub sources: Vec<SourceView>,
    /// What was refused at the door since the start and belongs to no source, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub door: Vec<DoorView>,
}

/// How one tenant's lane is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantView {
    /// The configured name.
    pub name: String,
    /// enforce, approve, dry_run or simulated: how far what is decided for it goes.
    #[serde(default)]
    pub mode: String,
    /// Scans by state.
    pub scans: std::collections::BTreeMap<String, u32>,
    /// Held decisions.
    pub held: u32,
    /// Decisions that wait for the directory.
    #[serde(default)]
    pub resolving: u32,
    /// When the oldest waiting scan was decided.
    pub waiting_since: Option<String>,
    /// When the oldest held decision was made.
    pub held_since: Option<String>,
    /// Calls of the last minute and hour that count against the share, by API.
    pub quota: std::collections::BTreeMap<String, QuotaView>,
    /// What the lane says of its token and of what stops it.
    pub lane: LaneView,
}

/// Use of one API's budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaView {
    /// Calls in the last minute.
    pub minute: u32,
    /// Our share of a minute.
    pub per_minute: u32,
    /// Calls in the last hour.
    pub hour: u32,
    /// Our share of an hour.
    pub per_hour: u32,
    /// What is left of it in a minute while others use the same quota.
    #[serde(default)]
    pub effective_per_minute: u32,
    /// What is left of it in an hour.
    #[serde(default)]
    pub effective_per_hour: u32,
    /// What others seem to use of it in a minute: our share without what is left.
    #[serde(default)]
    pub used_by_others_per_minute: u32,
    /// What others seem to use of it in an hour.
    #[serde(default)]
    pub used_by_others_per_hour: u32,
}

/// What a lane says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneView {
    /// The token's audience.
    pub audience: Option<String>,
    /// The token's tenant id.
    pub tenant_id: Option<String>,
    /// The token's roles.
    pub roles: Vec<String>,
    /// When the token expires.
    pub token_expires_at: Option<String>,
    /// Whom it cannot reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<OutageView>,
    /// No call before this (after a 429).
    pub paused_until: Option<String>,
    /// Why nothing is sent, in words.
    pub stopped: Option<String>,
    /// What is wrong with the token but does not stop it.
    pub notes: Vec<String>,
}

/// How one source is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceView {
    /// The configured name.
    pub name: String,
    /// Deliveries accepted in all.
    pub deliveries: u32,
    /// When the last one was received.
    pub last_delivery_at: Option<String>,
    /// How long it may stay silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_every: Option<String>,
    /// It is silent for longer than that: since its last delivery, or since the start where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<String>,
    /// The last refusals, newest first; only where one source was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<RefusalView>,
    /// The last bodies that were authenticated and could not be read, newest first; only where one source was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadView>,
    /// What was refused at the door since the start, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub door: Vec<DoorView>,
}

/// A body that was authenticated and could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadView {
    /// When it came.
    pub at: String,
    /// The names of the secrets it was proved by.
    pub credential: String,
    /// What is wrong with it: the code of the answer.
    pub code: String,
    /// The line, from 1; 0 where the whole body is meant.
    pub line: u32,
    /// The column in bytes, from 1; 0 where the whole body is meant.
    pub column: u32,
    /// How long it was.
    pub bytes: u32,
    /// SHA-256 of it.
    pub sha256: String,
    /// How it begins, a kilobyte at most: what nobody sees, and bytes that are no characters, as `\u{1b}` and `\xff`.
    /// Empty where a secret may stand in it.
    pub head: String,
}

/// Requests that were refused at the door, before anybody asked who sent them; those of one kind are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorView {
    /// The code of the answer.
    pub code: String,
    /// Its status.
    pub status: u16,
    /// The name in the path, where no source has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the sender was told: what came, and what is taken.
    pub detail: String,
    /// From which address the last one came.
    pub address: String,
    /// How many.
    pub count: u64,
    /// When the first one came.
    pub first_at: String,
    /// When the last one came.
    pub last_at: String,
}

/// A request that was not authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalView {
    /// When.
    pub at: String,
    /// From which address.
    pub address: String,
    /// Which check failed; never told to the sender.
    pub check: String,
    /// By how many seconds a signed time was ahead of our clock (negative: behind), where that is what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<i64>,
}
