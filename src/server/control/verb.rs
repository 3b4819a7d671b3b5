//! The verbs that are about single things: what each asks for, and the keys that its order may hold.

use crate::journal::Wants;

/// The verbs that are about single things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum OrderVerb {
    Approve,
    Deny,
    Cancel,
    Retry,
}

impl OrderVerb {
    pub(in crate::server) const fn name(self) -> &'static str {
        match self {
            OrderVerb::Approve => "approve",
            OrderVerb::Deny => "deny",
            OrderVerb::Cancel => "cancel",
            OrderVerb::Retry => "retry",
        }
    }

    pub(in crate::server) const fn wants(self) -> Wants {
        match self {
            OrderVerb::Approve | OrderVerb::Deny => Wants::Held,
            OrderVerb::Cancel => Wants::Open,
            OrderVerb::Retry => Wants::Failed,
        }
    }

    /// The keys of an order about one thing.
    pub(in crate::server) const fn keys(self) -> &'static [&'static str] {
        match self {
            OrderVerb::Approve => &["machine", "now", "reason", "by"],
            OrderVerb::Retry => &["now", "reason", "by"],
            OrderVerb::Deny | OrderVerb::Cancel => &["reason", "by"],
        }
    }

    /// The keys of an order about several, beside these.
    pub(in crate::server) const fn selecting(self) -> &'static [&'static str] {
        match self {
            OrderVerb::Approve | OrderVerb::Deny => &[
                "ids", "group", "expect", "preview", "rule", "tenant", "device", "since", "held",
            ],
            OrderVerb::Cancel | OrderVerb::Retry => &[
                "ids", "expect", "preview", "rule", "tenant", "device", "since", "state",
            ],
        }
    }
}
