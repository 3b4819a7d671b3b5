//! Messages: what people and other programs are told of, to whom, when a try that failed is made again, and how a
//! message is written for each kind of receiver.
//!
//! `kind` names the types and the sets of them, `topic` says which events become one message and which have to stay in
//! order, `retry` when the next try is due. A message is written from a [`Notice`]: `text` is its sentence, `body` the
//! JSON of the webhook and of the event stream; `teams`, `slack` and `pagerduty` put it into the form of each.

mod body;
mod digest;
mod kind;
mod notice;
mod page_url;
mod pagerduty;
mod retry;
mod slack;
mod teams;
mod text;
mod title;
mod topic;

pub use body::body;
pub use digest::DigestTime;
pub use kind::{EventSet, MessageSet, MessageType};
pub use notice::{
    AlertNote, DecisionNote, DigestCounts, MachineNote, Notice, Particulars, ScanNote,
};
pub use page_url::PublicUrl;
pub use pagerduty::pagerduty;
pub use retry::{
    AFTER_BREAK, BREAKS_AFTER, Heard, LONGEST_ANSWER, PLAIN_ANSWER, heard, pause_before,
};
pub use slack::slack;
pub use teams::{LARGEST_CARD, teams};
pub use text::sentence;
pub use title::title;
pub use topic::Topic;
