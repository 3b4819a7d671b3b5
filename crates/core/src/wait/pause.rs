//! A pause that a person has set, and how it is told. It is known before anybody asks what a scan waits for.

use crate::time::Timestamp;

/// A pause that a person has set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// What it is for, in words.
    pub scope: String,
    /// The command that ends it.
    pub resume: String,
    /// Who.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when, if it ends by itself.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

impl Pause {
    /// Who, what, since when, until when, why, and how it ends.
    pub(super) fn sentence(&self) -> String {
        let Pause {
            scope,
            resume,
            by,
            since,
            until,
            reason,
        } = self;
        let since = since.shown();
        let reason = reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(" ({reason})"));
        let until = until.map_or_else(String::new, |until| format!(" until {}", until.shown()));
        format!("{scope} paused by {by} since {since}{until}{reason}: `{resume}` ends it")
    }
}
