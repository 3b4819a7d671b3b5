//! A tenant's lane: the one caller of the far side. Everything here is synchronous and takes `now`; the lane
//! remembers only what the clock needs and loads it from the journal, so one that is lost is loaded again.
//!
//! `poll` decides, inside a transaction, which calls leave; `answer` takes what came back. The errands are `scan`
//! (send), `follow` (list, reconcile, end; `listing` is a list under way), `by_id` (read one action), `blocked` (what
//! occupies a machine), `resolve` (which machine it is), `cancel` (call off), `paused` (what people hold back) and `gate`
//! (token, pause, stop), `reach` (who cannot be reached). `throttle` brings a tenant back after a 429, `moved` waits while a name was given to another Entra
//! tenant, `twin` gives way to another name of the same app, `anchor` keeps spans of time true when the clock is set.

mod anchor;
mod blocked;
mod by_id;
mod cancel;
mod follow;
mod gate;
mod listing;
mod moved;
mod paused;
mod reach;
mod resolve;
mod scan;
mod throttle;
mod twin;
mod unfollowed;

pub mod run;

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use crate::api::{LaneView, OutageView, QuotaView};
use crate::defender::{Answer, Endpoints, request};
use crate::domain::about::About;
use crate::domain::obstacles::{FarSide, Obstacles, Spent};
use crate::domain::quota::{Budget, Share};
use crate::domain::scan::{DecisionState, Kind, OnUnknown, Outcome, Reason};
use crate::domain::time::{Now, Timestamp};
use crate::in_force::Desks;
use crate::journal::{Api, Blocked, CallId, InForce, JournalError, OpenScan, PolicyId, TenantId, Tx};
use crate::policy::Policy;

use anchor::{Anchor, FarClock};
use by_id::Gets;
use cancel::Withdrawal;
use follow::{ListCall, Lists};
use gate::Gate;
use listing::MOST_ROWS;
use reach::Reach;
use resolve::{Look, Looks};
use scan::{Intent, urgent_since};

/// What can come of a scan call, as [`Happened::Answered`] tells it.
pub const ANSWERS: &[&str] = &[
    "running",
    "foreign",
    "blocked",
    "busy",
    "refused",
    "throttled",
    "unauthorized",
    "forbidden",
    "unknown",
    "not_sent",
    "external_id_refused",
    "called_off",
];

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
    /// Other tenants' names for the same app, should their Entra tenant be the same one: they call, and this one does not.
    pub gives_way_to: Vec<String>,
    /// Our share of each API's own budget.
    pub share: Share,
    /// What becomes of a call whose answer was lost, where the app may not read machine actions.
    pub on_unknown: OnUnknown,
    /// Scan calls carry `ExternalId`, unless the far side refuses it.
    pub external_id: bool,
    /// Not followed any longer than this: the outcome is *lost*.
    pub follow_for: Duration,
    /// False while process or tenant is in dry run: what was decided before stays waiting, and is not sent.
    pub sends: bool,
}

impl Account {
    /// Whether it makes no difference which of the two calls.
    #[must_use]
    pub fn is_same(&self, other: &Account) -> bool {
        let who = |account: &Account| (account.tenant_id.clone(), account.client_id.clone(), account.endpoints.clone());
        let how = |account: &Account| {
            (account.share, account.on_unknown, account.external_id, account.follow_for, account.sends)
        };
        self.name == other.name
            && self.gives_way_to == other.gives_way_to
            && who(self) == who(other)
            && how(self) == how(other)
            && self.secret.expose_secret() == other.secret.expose_secret()
    }
}

/// How patient the lane is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first look at a running scan; later ones grow with its age.
    pub follow_first: Duration,
    /// The longest time between two looks.
    pub follow_most: Duration,
    /// Scans older than this are looked for by themselves, so that they stretch nobody else's list.
    pub old: Duration,
    /// Rows of the list that are asked for at once.
    pub rows: usize,
    /// How long a sent scan may take to appear in the list (defender-api, settle time).
    pub settle: Duration,
    /// How long scans are followed, where it is not for the tenant's settings to say: tests have no days.
    pub follow_for: Option<Duration>,
    /// How far the far side's clock may be behind ours.
    pub skew: Duration,
    /// When to try again on a machine that somebody else's weaker scan occupies.
    pub busy: Duration,
    /// No token call sooner than this after another (defender-api, refresh).
    pub token_retry: Duration,
    /// How long a stopped tenant waits before it asks for a token again.
    pub stopped: Duration,
    /// Scan calls and calls that call scans off that may be under way at once; the last place is for an urgent scan.
    /// Reads have two places of their own.
    pub in_flight: usize,
    /// A scan that is not urgent and follows another within this may be part of a rush, whose first seconds are watched;
    /// zero: nothing is.
    pub lull: Duration,
    /// How long it is believed which machine a device is, and what its record says.
    pub known_for: Duration,
    /// How long it is believed that the directory knows none, or several: somebody may be mending that.
    pub unknown_for: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            follow_first: Duration::from_secs(15),
            follow_most: Duration::from_secs(600),
            old: Duration::from_secs(86_400),
            rows: MOST_ROWS,
            follow_for: None,
            settle: Duration::from_secs(30),
            skew: Duration::from_secs(300),
            busy: Duration::from_secs(60),
            token_retry: Duration::from_secs(30),
            stopped: Duration::from_secs(60),
            in_flight: 4,
            lull: Duration::from_secs(3),
            known_for: Duration::from_secs(600),
            unknown_for: Duration::from_secs(120),
        }
    }
}

/// Calls under way at once that only read.
const READS: usize = 2;

/// A call that leaves, and what its answer is read against.
#[derive(Clone, Debug)]
pub enum Call {
    /// A token is asked for.
    Token,
    /// A scan is sent.
    Scan(Intent),
    /// The machine actions are listed.
    List(Box<ListCall>),
    /// One machine action is read by its id, because lists do not hold it.
    Get(Box<OpenScan>, u64),
    /// The action is read that occupies a machine for which a scan waits.
    Blocked(Box<Blocked>, u64),
    /// A running scan of ours is called off.
    Cancel(Withdrawal),
    /// The directory is asked.
    Look(Look),
}

impl Call {
    /// Reads of an answer what needs no journal, before the transaction that takes it: a list may hold ten thousand rows.
    pub fn hear(&mut self, answer: &Answer) {
        if let Call::List(call) = self {
            call.hear(answer);
        }
    }
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

/// What happened in a lane. No token; of alerts only what identifies them.
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
        /// The scan and its decisions.
        about: Box<About>,
        /// Quick or Full.
        kind: Kind,
        /// How long its oldest alert waited.
        waited: Duration,
    },
    /// What came of sending a scan, as a code.
    Answered {
        /// The scan and its decisions.
        about: Box<About>,
        /// Quick or Full.
        kind: Kind,
        /// running, foreign, busy, refused, throttled, …
        what: &'static str,
    },
    /// A scan is over.
    Ended {
        /// The scan and its decisions.
        about: Box<About>,
        /// Quick or Full.
        kind: Kind,
        /// How.
        outcome: Outcome,
        /// From sending to the end.
        took: Duration,
    },
    /// Decisions were held for too long, and are dropped.
    Expired {
        /// How many.
        count: usize,
        /// The first of them.
        decisions: Vec<About>,
    },
    /// A person's wish to call a scan off came so far, as a code.
    CalledOff {
        /// The scan and its decisions.
        about: Box<About>,
        /// taken, refused, unknown, not_sent, throttled, unauthorized, over.
        what: &'static str,
    },
    /// A decision that had waited for the directory was made.
    Decided {
        /// The decision, its alert and its device.
        about: Box<About>,
        /// What became of it.
        state: DecisionState,
        /// Why.
        reason: Reason,
        /// The same in words.
        why: String,
        /// The directory has answered; otherwise it is decided without.
        answered: bool,
    },
    /// A far side cannot be reached.
    Unreachable {
        /// Which.
        side: FarSide,
        /// Its address.
        address: String,
        /// What came instead of an answer.
        code: String,
    },
    /// It can be reached again.
    Reached {
        /// Which.
        side: FarSide,
        /// Its address.
        address: String,
        /// How long it could not.
        after: Duration,
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
    /// The far side refuses below our own count: others use the same quota, and our share is this for a while.
    Lowered {
        /// Which budget.
        api: Api,
        /// Calls in a minute.
        per_minute: u32,
        /// Calls in an hour.
        per_hour: u32,
    },
    /// The computer's clock was set: what waits for a span of time was moved along.
    ClockSet {
        /// By so many milliseconds.
        by: i64,
        /// Or the computer was restarted, and this is what has passed by its clock.
        restarted: bool,
    },
    /// The far side's clock and ours have come too far apart.
    ClocksDiffer {
        /// Milliseconds by which the far side's is ahead of ours.
        ahead: i64,
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
        /// The scan it is about, if it is about one.
        about: Option<Box<About>>,
    },
}

/// The lane of one tenant.
pub struct Lane {
    id: TenantId,
    account: Arc<Account>,
    /// The sources, for alerts that are decided anew.
    desks: Arc<Desks>,
    pace: Pace,
    gate: Gate,
    anchor: Anchor,
    far_clock: FarClock,
    budgets: BTreeMap<Api, Budget>,
    /// Calls under way: their budget, and when they left.
    leaving: BTreeMap<CallId, (Api, Timestamp)>,
    lists: Lists,
    gets: Gets,
    /// Who cannot be reached.
    reach: Reach,
    /// The quota leaves no room, as the last poll found it.
    spent: Option<Spent>,
    /// What keeps it from sending, as the journal has it.
    written: Option<Obstacles>,
    /// What happened while it was loaded, to be told with the next poll.
    untold: Vec<Happened>,
    /// What people hold back, as the last poll found it.
    pauses: InForce,
    looks: Looks,
    /// The Entra tenant that the name was given to, while work of the one before is open.
    moved_to: Option<Uuid>,
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
        desks: Arc<Desks>,
        pace: Pace,
        now: Now,
    ) -> Result<Option<Lane>, JournalError> {
        let entra = account.tenant_id.parse().ok();
        let moved_to = if moved::is_elsewhere(tx, id, entra)? { entra } else { None };
        if moved_to.is_none() {
            if let Some(entra) = entra {
                tx.now_belongs_to(id, entra)?;
            }
            tx.calls_as(id, &account.tenant_id, &account.client_id)?;
        }
        let gate = Gate::load(&tx.memory(id)?);
        let learnt = |api: &Api| (*api, Budget::load([], gate.learnt(*api)));
        let looks = Looks::recalled(gate.asked_for());
        let mut lane = Lane {
            id,
            account,
            desks,
            pace,
            anchor: gate.anchor().unwrap_or_else(|| Anchor::new(now)),
            far_clock: FarClock::default(),
            budgets: Api::ALL.iter().map(learnt).collect(),
            gate,
            leaving: BTreeMap::new(),
            lists: Lists::new(pace.rows),
            gets: Gets::default(),
            reach: Reach::default(),
            spent: None,
            written: None,
            untold: Vec::new(),
            pauses: InForce::default(),
            looks,
            moved_to,
        };
        let mut happened = Vec::new();
        lane.keep_time(tx, now, &mut happened)?;
        lane.untold = happened;
        tx.abandon_calls(id, now.wall)?;
        tx.sending_is_unknown(id, now.wall.plus(pace.settle))?;
        for (api, budget) in &mut lane.budgets {
            *budget = Budget::load(tx.past_calls(id, *api, now.wall)?, budget.learnt());
            if !pace.lull.is_zero() {
                budget.watch(now.wall);
            }
        }
        Ok(Some(lane))
    }

    /// Takes the sources that are in force from now on.
    pub fn hear_from(&mut self, desks: Arc<Desks>) {
        self.desks = desks;
    }

    /// Decides what leaves now, and by the policy of row `id` what has waited for the directory. The calls may be sent once
    /// the transaction is committed.
    ///
    /// # Errors
    /// When the journal cannot be written; then the lane must be loaded again.
    pub fn poll(&mut self, tx: &mut Tx<'_>, policy: &Policy, id: PolicyId, now: Now) -> Result<Todo, JournalError> {
        let happened = std::mem::take(&mut self.untold);
        let mut todo = Todo { calls: Vec::new(), wake_at: Timestamp::NEVER, happened };
        self.keep_time(tx, now, &mut todo.happened)?;
        let now = now.wall;
        self.poll_all(tx, policy, id, &mut todo, now)?;
        self.write_obstacles(tx, now)?;
        if !todo.calls.is_empty() {
            self.save_memory(tx)?;
        }
        Ok(todo)
    }

    /// The errands, one after the other.
    fn poll_all(
        &mut self,
        tx: &mut Tx<'_>,
        policy: &Policy,
        id: PolicyId,
        todo: &mut Todo,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.spent = None;
        self.expire_held(tx, todo, now)?;
        self.poll_pauses(tx, todo, now)?;
        todo.wake(tx.release_due(self.id, now)?);
        self.drop_overdue(tx, todo, now)?;
        self.end_dry(tx, todo, now)?;
        self.give_up(tx, todo, now)?;
        self.drop_called_off(tx, todo, now)?;
        let elsewhere =
            self.waits_for_the_old(tx, now, &mut todo.happened)? || self.gives_way(tx, now, &mut todo.happened)?;
        self.decide_resolving(tx, policy, id, todo, now)?;
        if elsewhere {
            self.drop_too_old(tx, todo, now)?;
        }
        if self.gate.closed_until(now) > now {
            todo.wake(self.gate.closed_until(now));
            return Ok(());
        }
        self.poll_token(tx, todo, now)?;
        self.poll_cancel(tx, todo, now)?;
        self.poll_actions(tx, todo, now)?;
        self.settle_unfollowed(tx, todo, now)?;
        self.poll_looks(tx, todo, now)?;
        // On a full disk what is under way is followed to its end, and nothing new leaves.
        if !tx.is_tight() {
            self.poll_scans(tx, policy, todo, now)?;
        }
        Ok(())
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
        now: Now,
    ) -> Result<Vec<Happened>, JournalError> {
        let mut happened = Vec::new();
        self.keep_time(tx, now, &mut happened)?;
        let now = now.wall;
        let Some((api, sent_at)) = self.leaving.remove(&id) else {
            return Err(JournalError::Conflict("an answer to a call that is not under way"));
        };
        let word = match &answer {
            Answer::Http(response) => response.status().as_str().to_owned(),
            Answer::NotSent(code) | Answer::Unknown(code) => code.clone(),
        };
        tx.end_call(id, &word, now)?;
        if matches!(&answer, Answer::NotSent(code) if code == "tls") {
            // Somebody else may stand where the far side should: nothing was told to them.
            happened.push(Happened::Alarm { code: "tls", about: None });
        }
        happened.push(Happened::Called { api, answer: word, took: now.since(sent_at) });
        self.note_far_clock(&answer, now, &mut happened);
        self.note_reach(api, &answer, now, &mut happened);
        self.settle_account(id, api, &answer, sent_at, now, &mut happened);
        match call {
            Call::Token => self.token_answer(tx, answer, now, &mut happened)?,
            Call::Scan(intent) => self.scan_answer(tx, &intent, answer, now, &mut happened)?,
            Call::List(call) => self.list_answer(tx, *call, &answer, now, &mut happened)?,
            Call::Get(scan, generation) => self.get_answer(tx, &scan, generation, answer, now, &mut happened)?,
            Call::Blocked(blocked, generation) => {
                self.blocked_answer(tx, &blocked, generation, answer, now, &mut happened)?;
            }
            Call::Cancel(withdrawal) => self.cancel_answer(tx, &withdrawal, answer, now, &mut happened)?,
            Call::Look(look) => self.look_answer(tx, look, answer, now, &mut happened)?,
        }
        self.save_memory(tx)?;
        self.write_obstacles(tx, now)?;
        Ok(happened)
    }

    /// What an answer says of the quota.
    fn settle_account(
        &mut self,
        id: CallId,
        api: Api,
        answer: &Answer,
        sent_at: Timestamp,
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) {
        let share = self.account.share;
        let budget = self.budgets.entry(api).or_default();
        let status = if let Answer::Http(response) = answer { Some(response.status()) } else { None };
        if status != Some(http::StatusCode::TOO_MANY_REQUESTS) || api == Api::Token {
            budget.ended(id.0, now);
            if api != Api::Token && status.is_some_and(|status| !status.is_server_error()) {
                self.gate.let_through(sent_at, now);
            }
        } else if budget.refused(id.0, share, sent_at, now) {
            let Share { per_minute, per_hour } = budget.left(share, now);
            happened.push(Happened::Lowered { api, per_minute, per_hour });
        }
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
        let quota = self.budgets.iter().filter(|(api, _)| **api != Api::Token).map(|(api, budget)| {
            let (minute, hour) = budget.used(now);
            let Share { per_minute, per_hour } = share;
            let left = budget.left(share, now);
            let view = QuotaView {
                minute,
                per_minute,
                hour,
                per_hour,
                effective_per_minute: left.per_minute,
                effective_per_hour: left.per_hour,
                used_by_others_per_minute: per_minute - left.per_minute,
                used_by_others_per_hour: per_hour - left.per_hour,
            };
            (api.code().to_owned(), view)
        });
        let mut view = self.gate.view(now);
        view.notes.extend(self.lists.note.clone());
        view.notes.extend(self.note_of_clocks());
        view.unreachable = self.obstacles(now, false).outages.iter().map(OutageView::of).collect();
        (view, quota.collect())
    }

    /// When a call of this API may leave that may use all of the share: the quota, the calls under way, and the way
    /// back from a 429.
    fn free_at(&self, api: Api, now: Timestamp) -> Timestamp {
        if api == Api::Token {
            return now;
        }
        if !self.has_place(api) {
            return Timestamp::NEVER;
        }
        let under_way = self.leaving.values().filter(|(api, _)| *api != Api::Token).count();
        let quota = self.budgets.get(&api).map_or(now, |budget| budget.free_at(self.account.share, now));
        quota.max(self.gate.throttle.free_at(under_way, now))
    }

    /// Reads and what changes something have places of their own, so that slow answers to the one never hold up the
    /// other. Of the reads, lists and single actions share one place: a look-up finds a place beside them.
    fn has_place(&self, api: Api) -> bool {
        let under_way = |kind: fn(Api) -> bool| self.leaving.values().filter(|(api, _)| kind(*api)).count();
        let read_of_actions = |api| matches!(api, Api::List | Api::Get);
        let look_up = |api| matches!(api, Api::Machine | Api::Machines | Api::FindByIp);
        let reads = under_way(read_of_actions) + under_way(look_up);
        let orders = under_way(|api| matches!(api, Api::Scan | Api::Cancel));
        match api {
            Api::Token => true,
            Api::Scan => orders < self.pace.in_flight,
            // The last place is for an urgent scan.
            Api::Cancel => orders + 1 < self.pace.in_flight.max(2),
            Api::List | Api::Get => reads < READS && under_way(read_of_actions) == 0,
            Api::Machine | Api::Machines | Api::FindByIp => reads < READS,
        }
    }

    /// The same for a scan that leaves room for urgent ones.
    fn ordinary_at(&mut self, now: Timestamp) -> Timestamp {
        let budget = self.budgets.entry(Api::Scan).or_default();
        let quota = budget.ordinary_at(self.account.share, self.pace.lull, now);
        // Those that call off leave the last place free as well.
        if !self.has_place(Api::Cancel) {
            return Timestamp::NEVER;
        }
        quota.max(self.free_at(Api::Scan, now))
    }

    /// No call of this API waits that would have to leave room.
    fn calm(&mut self, api: Api) {
        self.budgets.entry(api).or_default().calm();
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
            Call::Token => (Api::Token, None, None),
            Call::List(_) => (Api::List, None, None),
            Call::Get(scan, _) => (Api::Get, Some(scan.scan.id), None),
            Call::Blocked(blocked, _) => (Api::Get, Some(blocked.scan.id), None),
            Call::Cancel(withdrawal) => (Api::Cancel, Some(withdrawal.scan()), None),
            Call::Look(look) => (look.api(), None, look.urgent.then_some(now)),
            Call::Scan(intent) => (Api::Scan, Some(intent.scan.id), urgent_since(&intent.scan, now)),
        };
        let id = tx.enter_call(self.id, api, urgent, scan, now)?;
        self.budgets.entry(api).or_default().sent(id.0, urgent, now);
        if api != Api::Token {
            self.gate.throttle.sent(now);
        }
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
