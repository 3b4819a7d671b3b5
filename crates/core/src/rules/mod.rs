//! The policy: rules in file order, the first that is true wins, within what the protections allow. Read from
//! `rules.toml`, checked whole, and then only asked: what becomes of this alert about this device?
//!
//! `parse` reads a file in one walk that collects every fault, and compiles it to [`Rules`]: rules, protections,
//! windows, tests, index. `decide` is the whole decision. List files are read by the caller and passed in as text.
//!
//! * A condition has a *set* of truth values (`truth`); for what is known well enough it has one element. While the
//!   directory has not been asked, a condition on a fact that it can still tell is {false, true}. If two outcomes are
//!   possible the verdict is `Asks::Resolve`, unless nothing happens in either.
//! * A `FactView` (`fact_view`) says whose word counts for the device's name and address. Rules look once; a protection
//!   looks with what the directory says and with what the alert says, and is hit by either. Where nobody has answered
//!   yet it cannot be *not hit*.
//! * Protections become `ScanBounds`: kind, hold, start, windows. What is certain (`least`) and what is possible
//!   (`most`) are joined separately.
//! * `index` finds the rules that may match by their rarest equality or text (a hash, one Aho-Corasick automaton per
//!   field). A rule without either is always looked at. It may name too many and never too few.
//! * `expression` compiles regular expressions and bounds their memory; `parse::hint` knows how other languages say it.
//!
//! `tests/it/naive` holds all of it against an interpreter without index and sets.

mod body_value;
mod census;
mod comparison;
mod compiled;
mod condition;
mod course;
mod decide;
pub mod duration;
mod event;
mod expect;
mod expression;
mod fact_view;
mod field;
mod field_value;
mod finding;
mod given;
pub(crate) mod glob;
mod guards;
mod index;
mod index_place;
mod leaf;
mod list;
mod members;
mod memo;
mod named;
mod named_value;
mod networks;
mod open_fields;
mod opening;
mod operand;
mod parse;
mod protect;
mod reading;
mod report;
mod rule;
mod run;
mod test_decision;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod truth;
mod unmet;
mod window;

pub use crate::verdict::AtMost;
pub use compiled::{Loaded, Rules};
pub use event::{Event, Facts, MachineFacts, OwnedEvent, owned};
pub use expect::{Begins, Expect, Given, Payload, Protected, RuleTest, TestStep};
pub use finding::{Finding, Level, render, render_within};
pub use given::GivenFact;
pub use list::ListType;
pub use memo::Memo;
pub use named::Named;
pub use opening::EXTENDED_FOR;
pub use parse::list_file::ReadList;
pub use protect::IfUnknown;
pub use reading::Reading;
pub use report::explain::{Explained, Explanation, Failing, Glance, Judged};
pub use report::outline::{
    DefaultsOutline, LimitOutline, ListOutline, Outline, ProtectionOutline, RuleOutline,
    TimesOutline, WindowOutline,
};
pub use run::{TestRun, run};
