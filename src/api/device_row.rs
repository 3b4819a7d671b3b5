//! A device as rows show it: what an alert calls it, which machine it is, and what the directory says of that.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A device in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceRow {
    /// As the alert refers to it; null where no alert says it.
    pub said: Option<String>,
    /// Its name, as the directory or else the alert says it.
    pub name: Option<String>,
    /// The machine's id at Defender, once known.
    pub machine: Option<String>,
    /// Operating system, as far as the directory was asked lately.
    pub os: Option<String>,
    /// Tags, likewise.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its health, likewise.
    #[serde(default)]
    pub health: Option<String>,
    /// When it reported last, by the directory.
    pub seen_at: Option<String>,
}

impl DeviceRow {
    /// What people call it.
    #[must_use]
    pub fn called(&self) -> &str {
        [&self.name, &self.said, &self.machine]
            .into_iter()
            .find_map(|name| name.as_deref())
            .unwrap_or_default()
    }
}
