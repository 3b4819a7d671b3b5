//! Messages: what people and other programs are told of, to whom, when a try that failed is made again, and how a
//! message is written for each kind of receiver.
//!
//! `kind` names the types and the sets of them, `topic` says which events become one message and which have to stay in
//! order, `retry` when the next try is due. A message is written from a [`Notice`]: `text` is its sentence, `body` the
//! JSON of the webhook and of the event stream; `teams`, `slack`, `pagerduty` and `mail` put it into the form of each.
//! `write_back` makes comments for where an alert came from, and `workspace` says which incidents they may go to.

mod body;
mod credential_name;
mod digest;
mod digest_text;
mod kind;
mod mail;
mod notice;
mod page_url;
mod pagerduty;
mod retry;
mod slack;
mod teams;
mod text;
mod title;
mod topic;
mod workspace;
mod write_back;

pub use body::body;
pub use credential_name::{certificate_key, token_key};
pub use digest::DigestTime;
pub use kind::{EventSet, MessageSet, MessageType};
pub use mail::{MailText, mail};
pub use notice::{
    AlertNote, DecisionNote, DigestCounts, MachineNote, Notice, Particulars, ScanNote,
};
pub use page_url::PublicUrl;
pub use pagerduty::pagerduty;
pub use retry::{
    AFTER_BREAK, BREAKS_AFTER, Heard, LONGEST_ANSWER, PLAIN_ANSWER, heard, heard_by_mail,
    pause_before,
};
pub use slack::slack;
pub use teams::{LARGEST_CARD, teams};
pub use text::sentence;
pub use title::title;
pub use topic::Topic;
pub use workspace::Workspace;
pub use write_back::{
    LONGEST_COMMENT, OWN_COMMENTS, WriteBackMoment, comment_id, comment_mark, comment_text,
    escaped, shared_comment, words_before_mark,
};
