//! Messages: from what the journal wrote down (`Tx::tell`) to receivers that took it. At least once, with an id that is
//! the same on every try; in order for each receiver and subject.
//!
//! Everything here but `run` and `smtp` is synchronous and takes `now`. A [`Notifier`] remembers only which messages are under way:
//! it travels into each transaction and comes back if that was committed, otherwise it is made anew and what was under
//! way leaves again.
//!
//! 1. `poll` tells what has become worth telling by the passing of time, and goes through what happened since the last
//!    poll for each receiver (`fan_out`): whatever it asked for becomes a message, or another thing that a waiting
//!    message tells. Then it takes what is due, at most two messages a receiver, writes each in the receiver's form
//!    (`render`), counts the try, and returns them. They leave after COMMIT.
//! 2. `answer` reads what came back: taken, later, or never (`scanhook_core::message::heard`). After five failures in a
//!    row a receiver is only probed, once a minute, until it takes a message; then everything that waited is due.
//!
//! What goes back to where alerts came from (`[sources.x.write_back]`) is a receiver for each tenant of a source, and takes the
//! same way: `targets` says which incidents and alerts hear of an event, `comment` what leaves, `comment_answer` what its
//! answer means. Comments on alerts leave with the token that the tenant's worker lends while it may call itself, and are
//! counted by themselves; for those on incidents `azure` gets a token of its own.
//!
//! Where several processes have one journal, `desk` says which of them sends what.
//!
//! A failing receiver is told of through the others. Nothing here delays a scan or a sender: loop and connections are its
//! own, and of 10,000 messages that wait for one receiver the oldest go that nobody has to hear of.

mod answer;
mod azure;
mod azure_access;
mod comment;
mod comment_answer;
mod desk;
mod fan_out;
mod letter;
mod poll;
mod render;
pub mod run;
mod smtp;
mod state;
mod targets;

pub use desk::MessagePart;
pub use state::{
    AzureTokenCall, DueMessages, MessageContent, MessageEvent, Notifier, OutgoingMail,
    OutgoingMessage, ReceiverAnswer,
};
