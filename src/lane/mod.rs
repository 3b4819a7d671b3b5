//! A tenant's lane: the one caller of the far side. Everything here is synchronous and takes `now`; the lane
//! remembers only what the clock needs and loads it from the journal, so one that is lost is loaded again.
//!
//! `poll` decides, inside a transaction, which calls leave; `answer` takes what came back. The errands are `scan`
//! (send), `follow` (list, reconcile, end) and `gate` (token, pause, stop).

mod follow;
mod gate;
mod scan;

pub mod run;

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::SecretString;

use crate::api::{LaneView, QuotaView};
use crate::defender::{Answer, Endpoints, request};
use crate::domain::quota::{Ledger, Share};
use crate::domain::scan::{Kind, Outcome, Priority};
use crate::domain::time::Timestamp;
use crate::journal::{Api, CallId, JournalError, TenantId, Tx};
use crate::policy::Policy;

use follow::Listing;
use gate::Gate;
use scan::Intent;

/// Who the lane calls as, and how much it may.
pub struct Account {
    /// The tenant's configured name.
    pub name: String,
    /// Hosts and scope.
    pub endpoints: Endpoints,
    /// Entra's id or domain of the tenant.
    pub tenant_id: String,
    /// The app registration.
    pub client_id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Our share of each API's own budget.
    pub share: Share,
    /// False while process or tenant is in dry run: what was decided before stays waiting, and is not sent.
    pub sends: bool,
}

/// How patient the lane is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first look at a running scan; later ones grow with its age.
    pub follow_first: Duration,
    /// The longest time between two looks.
    pub follow_most: Duration,
    /// How long a sent scan may take to appear in the list (defender-api, settle time).
    pub settle: Duration,
    /// Not followed any longer than this: the outcome is *lost*.
    pub give_up: Duration,
    /// How far the far side's clock may be behind ours.
    pub skew: Duration,
    /// When to try again on a machine that somebody else's weaker scan occupies.
    pub busy: Duration,
    /// How long a stopped tenant waits before it asks for a token again.
    pub stopped: Duration,
    /// Calls that may be under way at once.
    pub in_flight: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            follow_first: Duration::from_secs(15),
            follow_most: Duration::from_secs(600),
            settle: Duration::from_secs(30),
            give_up: Duration::from_secs(7 * 86_400),
            skew: Duration::from_secs(300),
            busy: Duration::from_secs(60),
            stopped: Duration::from_secs(60),
            in_flight: 4,
        }
    }
}

/// Complete lists without an unknown scan before it is believed that its call was not executed.
const MISSES: u32 = 2;

/// A call that leaves, and what its answer is read against.
#[derive(Clone, Debug)]
pub enum Call {
    /// A token is asked for.
    Token,
    /// A scan is sent.
    Scan(Intent),
    /// The machine actions are listed; the token's generation.
    List(u64),
}

/// A call with the bytes that leave. No `Debug`: a token request holds the secret.
pub struct Outgoing {
    /// Its ledger entry.
    pub id: CallId,
    /// What it is.
    pub call: Call,
    /// What is sent.
    pub request: http::Request<Bytes>,
}

/// What a poll asks for.
pub struct Todo {
    /// Calls to send; each is in the ledger.
    pub calls: Vec<Outgoing>,
    /// When to poll again if nothing else happens.
    pub wake_at: Timestamp,
    /// What happened, for logs and metrics.
    pub happened: Vec<Happened>,
}

impl Todo {
    fn wake(&mut self, at: Timestamp) {
        self.wake_at = self.wake_at.min(at);
    }
}

/// What happened in a lane. No alert text, no token.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// A call ended with this status or word.
    Called {
        /// Which budget.
        api: Api,
        /// HTTP status, or what came instead.
        answer: String,
        /// From leaving to the answer.
        took: Duration,
    },
    /// A scan was sent.
    Sent {
        /// Its id.
        scan: uuid::Uuid,
        /// Quick or Full.
        kind: Kind,
        /// How long its oldest alert waited.
        waited: Duration,
    },
    /// What came of sending a scan, as a code.
    Answered {
        /// Its id.
        scan: uuid::Uuid,
        /// Quick or Full.
        kind: Kind,
        /// running, foreign, busy, refused, throttled, …
        what: &'static str,
    },
    /// A scan is over.
    Ended {
        /// Its id.
        scan: uuid::Uuid,
        /// Quick or Full.
        kind: Kind,
        /// How.
        outcome: Outcome,
        /// From sending to the end.
        took: Duration,
    },
    /// A token was granted.
    Token {
        /// Its audience.
        audience: String,
        /// Its tenant.
        tenant_id: String,
        /// Its roles.
        roles: Vec<String>,
        /// Its end.
        expires: Timestamp,
    },
    /// No call before this.
    Paused {
        /// The end of the pause.
        until: Timestamp,
    },
    /// Nothing is sent until an operator mends this.
    Stopped {
        /// A stable code.
        code: String,
        /// What to do.
        why: String,
    },
    /// The far side did what it should not.
    Alarm {
        /// A stable code.
        code: &'static str,
    },
}

/// The lane of one tenant.
pub struct Lane {
    id: TenantId,
    account: Arc<Account>,
    pace: Pace,
    gate: Gate,
    ledgers: BTreeMap<Api, Ledger>,
    /// Calls under way: their budget, and when they left.
    leaving: BTreeMap<CallId, (Api, Timestamp)>,
    listing: Option<Listing>,
    /// When the last list was begun.
    listed_at: Timestamp,
}

impl Lane {
    /// Loads what the journal knows. Calls nobody waits for any more have ended, and what was being sent is unknown.
    /// `None`: another process has this lane (never, while one process holds a journal).
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn load(
        tx: &mut Tx<'_>,
        id: TenantId,
        account: Arc<Account>,
        pace: Pace,
        now: Timestamp,
    ) -> Result<Option<Lane>, JournalError> {
        tx.abandon_calls(id, now)?;
        tx.sending_is_unknown(id, now.plus(pace.settle))?;
        let mut ledgers = BTreeMap::new();
        for api in Api::ALL {
            ledgers.insert(*api, tx.ledger(id, *api, now)?);
        }
        let gate = Gate::load(&tx.memory(id)?);
        Ok(Some(Lane {
            id,
            account,
            pace,
            gate,
            ledgers,
            leaving: BTreeMap::new(),
            listing: None,
            listed_at: Timestamp::default(),
        }))
    }

    /// Decides what leaves now. The calls may be sent once the transaction is committed.
    ///
    /// # Errors
    /// When the journal cannot be written; then the lane must be loaded again.
    pub fn poll(&mut self, tx: &mut Tx<'_>, policy: &Policy, now: Timestamp) -> Result<Todo, JournalError> {
        let mut todo = Todo { calls: Vec::new(), wake_at: Timestamp::NEVER, happened: Vec::new() };
        todo.wake(tx.expire_held(self.id, now)?);
        todo.wake(tx.release_due(self.id, now)?);
        self.end_dry(tx, &mut todo, now)?;
        self.give_up(tx, &mut todo, now)?;
        if self.gate.closed_until(now) > now {
            todo.wake(self.gate.closed_until(now));
            return Ok(todo);
        }
        self.poll_token(tx, &mut todo, now)?;
        self.poll_list(tx, &mut todo, now)?;
        self.poll_scans(tx, policy, &mut todo, now)?;
        Ok(todo)
    }

    /// Takes the answer of a call.
    ///
    /// # Errors
    /// When the journal cannot be written; then the lane must be loaded again.
    pub fn answer(
        &mut self,
        tx: &mut Tx<'_>,
        id: CallId,
        call: Call,
        answer: Answer,
        now: Timestamp,
    ) -> Result<Vec<Happened>, JournalError> {
        let Some((api, sent_at)) = self.leaving.remove(&id) else {
            return Err(JournalError::Conflict("an answer to a call that is not under way"));
        };
        let word = match &answer {
            Answer::Http(response) => response.status().as_str().to_owned(),
            Answer::NotSent(code) | Answer::Unknown(code) => code.clone(),
        };
        tx.end_call(id, &word, now)?;
        if let Some(ledger) = self.ledgers.get_mut(&api) {
            ledger.ended(id.0, now);
        }
        let mut happened = vec![Happened::Called { api, answer: word, took: now.since(sent_at) }];
        if matches!(&answer, Answer::NotSent(code) if code == "tls") {
            // Somebody else may stand where the far side should: nothing was told to them.
            happened.push(Happened::Alarm { code: "tls" });
        }
        match call {
            Call::Token => self.token_answer(tx, answer, now, &mut happened)?,
            Call::Scan(intent) => self.scan_answer(tx, &intent, answer, now, &mut happened)?,
            Call::List(generation) => self.list_answer(tx, generation, answer, now, &mut happened)?,
        }
        Ok(happened)
    }

    /// The account's configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.account.name
    }

    /// What the lane says of itself, for status.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> (LaneView, BTreeMap<String, QuotaView>) {
        let share = self.account.share;
        let quota = self.ledgers.iter().filter(|(api, _)| **api != Api::Token).map(|(api, ledger)| {
            let (minute, hour) = ledger.used(now);
            (api.code().to_owned(), QuotaView { minute, per_minute: share.per_minute, hour, per_hour: share.per_hour })
        });
        (self.gate.view(now), quota.collect())
    }

    /// When a call of this API may leave: the share, and the calls under way.
    fn free_at(&self, api: Api, now: Timestamp) -> Timestamp {
        if self.leaving.len() >= self.pace.in_flight {
            return Timestamp::NEVER;
        }
        match api {
            Api::Token => now,
            _ => self.ledgers.get(&api).map_or(now, |ledger| ledger.free_at(self.account.share, now)),
        }
    }

    fn is_under_way(&self, api: Api) -> bool {
        self.leaving.values().any(|(under_way, _)| *under_way == api)
    }

    /// Enters a call into the ledger; its bytes leave after COMMIT.
    fn enter(
        &mut self,
        tx: &mut Tx<'_>,
        todo: &mut Todo,
        call: Call,
        request: http::Request<Bytes>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let (api, scan, urgent) = match &call {
            Call::Token => (Api::Token, None, false),
            Call::List(_) => (Api::List, None, false),
            Call::Scan(intent) => (Api::Scan, Some(intent.scan.id), intent.scan.priority >= Priority::URGENT),
        };
        let id = tx.enter_call(self.id, api, urgent, scan, now)?;
        self.ledgers.entry(api).or_default().sent(id.0);
        self.leaving.insert(id, (api, now));
        todo.calls.push(Outgoing { id, call, request });
        Ok(())
    }

    fn poll_token(&mut self, tx: &mut Tx<'_>, todo: &mut Todo, now: Timestamp) -> Result<(), JournalError> {
        if self.is_under_way(Api::Token) {
            return Ok(());
        }
        let due = self.gate.token_due();
        if due > now {
            todo.wake(due);
            return Ok(());
        }
        let account = self.account.clone();
        let request = request::token(&account.endpoints, &account.tenant_id, &account.client_id, &account.secret);
        self.enter(tx, todo, Call::Token, request, now)
    }
}
