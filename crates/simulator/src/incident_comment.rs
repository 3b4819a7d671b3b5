//! A comment on an incident, as it is kept.

use serde::Serialize;

/// A comment on an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncidentComment {
    /// The incident's whole id, in lower case.
    pub incident: String,
    /// Its own id.
    pub id: String,
    pub message: String,
    /// How often it was written.
    pub writes: u32,
}
