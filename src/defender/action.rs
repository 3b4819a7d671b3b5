//! A machine action as Defender shows it: read from an answer to a call, from one row of a list, or by its id.

use serde_json::Value;

use scanhook_core::alert::MachineId;
use scanhook_core::scan::{Kind, Outcome};
use scanhook_core::time::Timestamp;

/// Where a machine action stands. An open set: a word nobody knows is not final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The device has not taken it yet; an offline device may leave it so for days.
    Pending,
    InProgress,
    /// The device carried out the command; says neither "clean" nor "the scan has ended".
    Succeeded,
    Failed,
    /// The device did not take the command in time.
    TimeOut,
    /// Somebody called it off; also written `Canceled`.
    Cancelled,
    Other(String),
}

impl Status {
    /// Reads the word in any letter case and either spelling.
    #[must_use]
    pub fn read(word: &str) -> Status {
        match word.to_ascii_lowercase().as_str() {
            "pending" => Status::Pending,
            "inprogress" => Status::InProgress,
            "succeeded" => Status::Succeeded,
            "failed" => Status::Failed,
            "timeout" => Status::TimeOut,
            "cancelled" | "canceled" => Status::Cancelled,
            _ => Status::Other(word.to_owned()),
        }
    }

    /// How the scan ended; `None` while it has not, or nobody knows the word.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Status::Succeeded => Some(Outcome::Succeeded),
            Status::Failed => Some(Outcome::Failed),
            Status::TimeOut => Some(Outcome::Timeout),
            Status::Cancelled => Some(Outcome::Cancelled),
            Status::Pending | Status::InProgress | Status::Other(_) => None,
        }
    }

    /// The word, in the API's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Status::Pending => "Pending",
            Status::InProgress => "InProgress",
            Status::Succeeded => "Succeeded",
            Status::Failed => "Failed",
            Status::TimeOut => "TimeOut",
            Status::Cancelled => "Cancelled",
            Status::Other(word) => word,
        }
    }
}

/// A machine action, as far as it could be read. All texts are the far side's, as data: they may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionView {
    /// The handle; letters, digits, `-` and `_` only, so that it can stand in a path.
    pub id: String,
    /// From `scope`; `None`: unknown, which must never be taken for Full.
    pub kind: Option<Kind>,
    pub status: Status,
    /// The machine; `null` occurs.
    pub machine: Option<MachineId>,
    /// The machine's name; `null` occurs.
    pub machine_name: Option<String>,
    /// What its requestor sent for correlation: ours is a uuid.
    pub external_id: Option<String>,
    pub comment: Option<String>,
    /// App id, app name or user name: no stable key.
    pub requestor: Option<String>,
    /// `PublicApi`, `Portal` and others; an open set.
    pub request_source: Option<String>,
    /// When it was created, by the far side's clock.
    pub created: Option<Timestamp>,
    /// When it last changed, under either of the two names the documentation prints.
    pub updated: Option<Timestamp>,
    /// Signed; 0 for none. Meanings are not documented: shown, not interpreted.
    pub hresult: i64,
    pub cancellation_requestor: Option<String>,
    pub cancellation_comment: Option<String>,
    /// `RunAntiVirusScan` for scans; an open set.
    pub action_type: Option<String>,
}

impl ActionView {
    /// Whether it is a scan; an action that does not say is taken for one, as only scans are asked for.
    #[must_use]
    pub fn is_scan(&self) -> bool {
        self.action_type
            .as_deref()
            .is_none_or(|t| t.eq_ignore_ascii_case("RunAntiVirusScan"))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<ActionView, &'static str> {
        let value: Value = serde_json::from_slice(bytes).map_err(|_| "unreadable-answer")?;
        if !value.is_object() {
            return Err("unreadable-answer");
        }
        let text = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        let time = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .and_then(Timestamp::parse)
        };
        let id = text("id")
            .filter(|id| is_handle(id))
            .ok_or("no-action-id")?;
        let status = text("status").ok_or("no-action-status")?;
        let machine = match text("machineId") {
            None => None,
            Some(id) => Some(MachineId::parse(&id).ok_or("another-machine")?),
        };
        Ok(ActionView {
            id,
            kind: text("scope").and_then(|s| Kind::of_code(&s.to_ascii_lowercase())),
            status: Status::read(&status),
            machine,
            machine_name: text("computerDnsName"),
            external_id: text("externalId"),
            comment: text("requestorComment"),
            requestor: text("requestor"),
            request_source: text("requestSource"),
            created: time("creationDateTimeUtc"),
            updated: time("lastUpdateDateTimeUtc").or_else(|| time("lastUpdateTimeUtc")),
            hresult: value
                .get("errorHResult")
                .and_then(Value::as_i64)
                .unwrap_or(0),
            cancellation_requestor: text("cancellationRequestor"),
            cancellation_comment: text("cancellationComment"),
            action_type: text("type"),
        })
    }
}

/// An action id is documented as a GUID; anything that is safe in a path will do.
fn is_handle(id: &str) -> bool {
    id.len() <= 128
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
