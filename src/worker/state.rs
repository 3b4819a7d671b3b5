//! What a worker remembers, and what it may send now.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::account::Account;
use super::backoff::Backoff;
use super::call::{Call, OutgoingCall};
use super::condition::TenantCondition;
use super::event::WorkerEvent;
use super::gets::Gets;
use super::intent::urgent_since;
use super::lists::ListState;
use super::looks::Lookups;
use super::pace::Pace;
use super::reach::Reach;
use super::turn::Turn;
use super::wall_clock::{FarClock, WallClock};
use crate::defender::token_file::FileInsert;
use crate::in_force::SourceBindings;
use crate::journal::{ActivePauses, Api, CallId, JournalError, Lease, TenantId};
use scanhook_core::obstacles::{Obstacles, Spent};
use scanhook_core::quota::Budget;
use scanhook_core::time::Timestamp;

/// The worker of one tenant.
pub struct TenantWorker {
    pub(super) id: TenantId,
    /// Under which it calls, where other processes could.
    pub(super) lease: Option<Lease>,
    /// Milliseconds by which this computer's clock was ahead of the database's when the lease was last held.
    pub(super) ahead_of_database: i64,
    pub(super) account: Arc<Account>,
    /// The sources, for alerts that are decided anew.
    pub(super) bindings: Arc<SourceBindings>,
    pub(super) pace: Pace,
    pub(super) backoff: Backoff,
    pub(super) wall_clock: WallClock,
    pub(super) far_clock: FarClock,
    pub(super) budgets: BTreeMap<Api, Budget>,
    /// Calls under way: their budget, and when they left.
    pub(super) leaving: BTreeMap<CallId, (Api, Timestamp)>,
    pub(super) lists: ListState,
    pub(super) gets: Gets,
    /// Who cannot be reached.
    pub(super) reach: Reach,
    /// The quota leaves no room, as the last poll found it.
    pub(super) spent: Option<Spent>,
    /// What keeps it from sending, as the journal has it.
    pub(super) written: Option<Obstacles>,
    /// What people last heard of it, since it was loaded.
    pub(super) condition: Option<TenantCondition>,
    /// What happened while it was loaded, to be told with the next poll.
    pub(super) untold: Vec<WorkerEvent>,
    /// What people hold back, as the last poll found it.
    pub(super) pauses: ActivePauses,
    pub(super) looks: Lookups,
    /// The Entra tenant that the name was given to, while work of the one before is open.
    pub(super) moved_to: Option<Uuid>,
}

/// Calls under way at once that only read.
const READS: usize = 2;

impl TenantWorker {
    /// When a call of this API may leave that may use all of the share: the quota, the calls under way, and the way
    /// back from a 429.
    pub(super) fn free_at(&self, api: Api, now: Timestamp) -> Timestamp {
        if api == Api::Token {
            return now;
        }
        if !self.has_place(api) {
            return Timestamp::NEVER;
        }
        let under_way = self
            .leaving
            .values()
            .filter(|(api, _)| *api != Api::Token)
            .count();
        let quota = self
            .budgets
            .get(&api)
            .map_or(now, |budget| budget.free_at(self.account.share, now));
        quota.max(self.backoff.throttle.free_at(under_way, now))
    }

    /// Reads and what changes something have places of their own, so that slow answers to the one never hold up the
    /// other. Of the reads, lists and single actions share one place: a look-up finds a place beside them.
    pub(super) fn has_place(&self, api: Api) -> bool {
        let under_way =
            |kind: fn(Api) -> bool| self.leaving.values().filter(|(api, _)| kind(*api)).count();
        let read_of_actions = |api| matches!(api, Api::List | Api::Get);
        let look_up = |api| matches!(api, Api::Machine | Api::Machines | Api::FindByIp);
        let reads = under_way(read_of_actions) + under_way(look_up);
        let orders = under_way(|api| matches!(api, Api::Scan | Api::Cancel));
        match api {
            Api::Token | Api::Alert => true,
            Api::Scan => orders < self.pace.in_flight,
            // The last place is for an urgent scan.
            Api::Cancel => orders + 1 < self.pace.in_flight.max(2),
            Api::List | Api::Get => reads < READS && under_way(read_of_actions) == 0,
            Api::Machine | Api::Machines | Api::FindByIp => reads < READS,
        }
    }

    /// The same for a scan that leaves room for urgent ones.
    pub(super) fn ordinary_at(&mut self, now: Timestamp) -> Timestamp {
        let budget = self.budgets.entry(Api::Scan).or_default();
        let quota = budget.ordinary_at(self.account.share, self.pace.lull, now);
        // Those that call off leave the last place free as well.
        if !self.has_place(Api::Cancel) {
            return Timestamp::NEVER;
        }
        quota.max(self.free_at(Api::Scan, now))
    }

    /// No call of this API waits that would have to leave room.
    pub(super) fn calm(&mut self, api: Api) {
        self.budgets.entry(api).or_default().calm();
    }

    pub(super) fn is_under_way(&self, api: Api) -> bool {
        self.leaving
            .values()
            .any(|(under_way, _)| *under_way == api)
    }

    /// Enters a call into the ledger; its bytes leave after COMMIT.
    pub(super) fn enter(
        &mut self,
        turn: &mut Turn<'_, '_>,
        call: Call,
        request: http::Request<Bytes>,
    ) -> Result<(), JournalError> {
        self.enter_with(turn, call, request, None)
    }

    /// The same for one that a file completes.
    pub(super) fn enter_with(
        &mut self,
        turn: &mut Turn<'_, '_>,
        call: Call,
        mut request: http::Request<Bytes>,
        file: Option<FileInsert>,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        if let Some(lease) = &self.lease {
            request.extensions_mut().insert(lease.trust());
        }
        let (api, scan, urgent) = match &call {
            Call::Token(_) => (Api::Token, None, None),
            Call::List(_) | Call::Probe(_) => (Api::List, None, None),
            Call::Get(scan, _) => (Api::Get, Some(scan.scan.id), None),
            Call::Blocked(blocked, _) => (Api::Get, Some(blocked.scan.id), None),
            Call::Cancel(withdrawal) => (Api::Cancel, Some(withdrawal.scan()), None),
            Call::Look(look) => (look.api(), None, look.urgent.then_some(now)),
            Call::Scan(intent) => (
                Api::Scan,
                Some(intent.scan.id),
                urgent_since(&intent.scan, now),
            ),
        };
        let id = turn.tx.enter_call(self.id, api, urgent, scan, now)?;
        self.budgets.entry(api).or_default().sent(id.0, urgent, now);
        if api != Api::Token {
            self.backoff.throttle.sent(now);
        }
        self.leaving.insert(id, (api, now));
        turn.calls.push(OutgoingCall {
            id,
            call,
            request,
            file,
        });
        Ok(())
    }
}
