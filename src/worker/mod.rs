//! A tenant's worker: the one caller of the far side. Everything here but `run` is synchronous and takes `now`; the
//! worker remembers only what the clock needs and loads it from the journal, so one that is lost is loaded again.
//!
//! `poll` decides, inside a transaction, which calls leave; `answer` takes what came back. One file per task: `load`
//! (from the journal), `scan` (send; `scan_answer` reads what came of it, `meet` takes the open action that was met,
//! `too_old` drops), `dry` (end what is not sent), `follow` (list; `next_list` says which, `listing` is one under way,
//! `list_match` takes a page, `conclude` the whole, `look_on` says when to look again), `give_up` and `final_status`
//! (end), `by_id` (read one action), `unfollowed` (where the app may not read), `blocked` (what occupies a machine),
//! `resolve` (which machine it is; `look_up` asks, `look_answer` listens, `silence` waits), `cancel` (call off),
//! `paused` (what people hold back), `token` (ask for one), `backoff` (what keeps from calling; `stops` pauses, rests and
//! stops), `reach` (who cannot be reached; `outage` tells, `probe` tries). `throttle` brings a tenant back after a 429, `moved` waits while a name was
//! given to another Entra tenant, `loan` lends the token to whoever writes comments on alerts, `twin` gives way to another name of the same app, `wall_clock` keeps spans of time true
//! when the clock is set.
//!
//! **Order of a poll** (`poll_all`): drop what was held for too long; look up the pauses; release what is due; drop
//! what is too old; end dry scans; give up what was followed for too long; drop what was called off and never began;
//! decide what the directory, or its silence, lets be decided; stop here if `backoff` says so; ask for a token; call
//! off; ask for a list or for one action; settle what cannot be followed; ask for look-ups; send scans;
//! try a Defender that cannot be reached.
//!
//! **Places.** Calls under way are limited apart: four for scans and those that call off, of which the last is for an
//! urgent scan, and two for reads, of which lists and single actions share one and take turns
//! (`TenantWorker::has_place`). So slow reads never hold up a scan.
//!
//! **Restart.** The worker travels into each transaction and comes back only if that was committed. If not, it is
//! dropped with its calls and `TenantWorker::load` begins again. Calls that nobody waits for count in the ledger as
//! ended now, and what was *sending* is *unknown*. A restart, a failing disk and every seed of the simulation take this
//! same way, and so does a takeover: where several processes have one journal, `tenure` lets one at a time call as an app.
//!
//! **A power cut between the call and its answer.** On disk are the scan in *sending* and its call without an end.
//! After the start the scan is *unknown* and is looked at after 30 seconds; no other scan of that machine can be sent
//! meanwhile. If the list holds the action, `adopt` makes the scan *running*. If two complete lists, 30 seconds apart,
//! do not, the call is sent again with the same `ExternalId`. Should the first one run after all, Defender answers with
//! the open action or with *busy*, and either is recognised as ours. Had the power gone before the COMMIT of the
//! intent, no byte would have left.

mod account;
mod answer;
mod backoff;
mod backoff_view;
mod blocked;
mod by_id;
mod call;
mod cancel;
mod clocks;
mod conclude;
mod condition;
mod decide_case;
mod dry;
mod event;
mod final_status;
mod follow;
mod gets;
mod give_up;
mod intent;
mod keep;
mod list_match;
mod listing;
mod lists;
mod load;
mod loan;
mod look_answer;
mod look_on;
mod look_up;
mod looks;
mod meet;
mod memory;
mod moved;
mod next_list;
mod not_executed;
mod outage;
mod pace;
mod paused;
mod pending;
mod person;
mod poll;
mod probe;
mod probe_call;
mod reach;
mod resolve;
mod scan;
mod scan_answer;
mod silence;
mod state;
mod stops;
mod tenure;
mod throttle;
mod token;
mod told;
mod too_old;
mod turn;
mod twin;
mod unfollowed;
mod view;
mod wall_clock;
mod withdrawal;

pub mod run;

pub use account::Account;
pub use call::{Call, OutgoingCall, PollResult};
pub use event::{ANSWERS, WorkerEvent};
pub use keep::kept;
pub use loan::{Loan, Loans};
pub use pace::Pace;
pub use state::TenantWorker;
