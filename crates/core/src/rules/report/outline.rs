//! The policy as it is in force: every default in its place, every rule with its terms, lists with their sizes, windows
//! with their next opening. For those who ask what is in force; nothing decides by it.

use serde::Serialize;

use crate::rules::list::ListType;
use crate::rules::protect::IfUnknown;
use crate::scan::{Mode, Priority};
use crate::verdict::AtMost;

/// A policy as it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// What rules have where they say nothing.
    pub defaults: DefaultsOutline,
    /// The lists, by name.
    pub lists: Vec<ListOutline>,
    /// The windows, in file order.
    pub windows: Vec<WindowOutline>,
    /// The protections, in file order.
    pub protections: Vec<ProtectionOutline>,
    /// The rules, in file order.
    pub rules: Vec<RuleOutline>,
    /// How many tests the file holds.
    pub tests: usize,
}

/// `[defaults]`, complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DefaultsOutline {
    /// The mode of a rule that names none.
    pub mode: Mode,
    /// The cool-down before a Quick.
    pub cooldown_quick: String,
    /// The cool-down before a Full.
    pub cooldown_full: String,
    /// The limit of a rule that names none; null: none.
    pub limit: Option<LimitOutline>,
    /// How old what is sent may be.
    pub max_age: String,
    /// How long a decision may be held.
    pub hold_for: String,
    /// How long the directory may take.
    pub resolve_within: String,
    /// The template of comments.
    pub comment: String,
}

/// At most so many scans in such a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitOutline {
    /// How many.
    pub scans: u32,
    /// The sliding window.
    pub per: String,
}

/// A list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListOutline {
    /// Its name.
    pub name: String,
    /// How its entries are compared.
    #[serde(rename = "type")]
    pub kind: ListType,
    /// The file of further entries, as the rules name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The entries in force.
    pub entries: usize,
    /// Entries whose day is over.
    pub ended: usize,
    /// When the next entry ends, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_end: Option<String>,
}

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowOutline {
    /// Its name.
    pub name: String,
    /// Whose clock it goes by, as an IANA name.
    pub timezone: String,
    /// The days on which it opens.
    pub days: Vec<&'static str>,
    /// Its hours, `22:00-05:00`.
    pub hours: Vec<String>,
    /// Whether it is open.
    pub open: bool,
    /// When it opens next, where it is closed and ever opens, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<String>,
}

/// The windows of a rule or a protection, by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimesOutline {
    /// No scan before one of these opens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<String>,
    /// It applies in these only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub during: Vec<String>,
    /// It does not apply in these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<String>,
}

/// A protection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProtectionOutline {
    /// Its name.
    pub name: String,
    /// Where it stands in the file.
    pub line: usize,
    /// Its condition, in words of the file.
    pub when: String,
    /// Its exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
    /// How far a scan may go; null: as far as the rule says.
    pub at_most: Option<AtMost>,
    /// How many people have to approve what it holds.
    pub people: u8,
    /// Its windows.
    #[serde(flatten)]
    pub times: TimesOutline,
    /// What becomes of a scan when it cannot be judged.
    pub if_unknown: IfUnknown,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleOutline {
    /// Its name.
    pub name: String,
    /// Where it stands in the file.
    pub line: usize,
    /// quick, full or none.
    pub scan: &'static str,
    /// Its condition, in words of the file.
    pub when: String,
    /// Its exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
    /// Its windows.
    #[serde(flatten)]
    pub times: TimesOutline,
    /// Its mode, its own or the default.
    pub mode: Mode,
    /// Its place in the queue; null: by severity.
    pub priority: Option<Priority>,
    /// Its cool-down; null where it asks for no scan.
    pub cooldown: Option<String>,
    /// Its limit; null: none.
    pub limit: Option<LimitOutline>,
    /// How old what is sent may be.
    pub max_age: String,
}
