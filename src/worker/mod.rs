//! A tenant's lane: the one caller of the far side. Everything here is synchronous and takes `now`; the lane
//! remembers only what the clock needs and loads it from the journal, so one that is lost is loaded again.
//!
//! `poll` decides, inside a transaction, which calls leave; `answer` takes what came back. The errands are `scan`
//! (send), `follow` (list, reconcile, end; `listing` is a list under way), `by_id` (read one action), `blocked` (what
//! occupies a machine), `resolve` (which machine it is), `cancel` (call off), `paused` (what people hold back) and `gate`
//! (token, pause, stop), `reach` (who cannot be reached). `throttle` brings a tenant back after a 429, `moved` waits while a name was given to another Entra
//! tenant, `twin` gives way to another name of the same app, `anchor` keeps spans of time true when the clock is set.

mod account;
mod anchor;
mod blocked;
mod by_id;
mod call;
mod cancel;
mod clocks;
mod event;
mod follow;
mod gate;
mod gets;
mod intent;
mod listing;
mod lists;
mod looks;
mod moved;
mod outage;
mod pace;
mod paused;
mod poll;
mod reach;
mod resolve;
mod scan;
mod state;
mod throttle;
mod token;
mod twin;
mod unfollowed;
mod view;
mod withdrawal;

pub mod run;

pub use account::Account;
pub use call::{Call, OutgoingCall, PollResult};
pub use event::{ANSWERS, WorkerEvent};
pub use pace::Pace;
pub use state::TenantWorker;
