//! Who gives an order, why, and which things it is about if not by their ids.

use serde_json::{Map, Value};

use crate::cli::surroundings::surroundings;

/// A member, if there is something to say.
pub(crate) fn put(order: &mut Map<String, Value>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        order.insert(key.to_owned(), value.into());
    }
}

/// Who, and why.
#[derive(clap::Args)]
pub(crate) struct Words {
    /// Why; it is kept with what it did.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who says so; without it, the name you are logged in with.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Words {
    /// Puts them into an order. A name is shown and never trusted.
    pub(crate) fn put_into(&self, order: &mut Map<String, Value>) {
        let surroundings = surroundings();
        let by = self.by.as_deref().or_else(|| surroundings.user());
        put(order, "reason", self.reason.as_deref());
        put(order, "by", by);
    }
}

/// Which things, if not by their ids.
#[derive(clap::Args)]
pub(crate) struct Selection {
    /// Those of this rule.
    #[arg(long, value_name = "RULE", conflicts_with = "ids")]
    pub(super) rule: Option<String>,
    /// Those of this tenant.
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    pub(super) tenant: Option<String>,
    /// Those of these devices: any name, address or id, or a pattern such as dc-*.
    #[arg(long, value_name = "PATTERN", conflicts_with = "ids")]
    pub(super) device: Option<String>,
    /// Those since: 1h, or 2026-11-02T08:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "ids")]
    pub(super) since: Option<String>,
    /// Do not ask before it is done.
    #[arg(long, conflicts_with = "ids")]
    pub(super) yes: bool,
}
