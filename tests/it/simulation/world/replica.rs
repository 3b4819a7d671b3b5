//! Several processes on one journal: each has its worker, its life and its computer, and what goes wrong with one of them
//! leaves the others alone. It falls asleep, with all that is under way; it is cut off from the database; the clock of the
//! database jumps. At most one of them is out at a time.

use core::time::Duration;

use scanhook::journal::{ReplicaAbout, ReplicaId, Seat};
use scanhook::worker::TenantWorker;
use scanhook_core::lease::{LeaseTerms, LeaseWatch};
use scanhook_core::time::Timestamp;

use super::super::faults::Disturbance;
use super::{Event, JUMP, START, World};

/// One process.
pub(super) struct Replica {
    pub(super) number: usize,
    pub(super) lane: Option<TenantWorker>,
    /// Counts lives of the lane: what belongs to an earlier one is gone.
    pub(super) life: u32,
    pub(super) next_poll: Timestamp,
    pub(super) down: bool,
    /// How far its wall clock is ahead of the true time.
    pub(super) ahead: i64,
    /// When its computer was started, and for the how-manieth time.
    pub(super) booted: (Timestamp, u64),
    /// Its row, while it has one.
    id: Option<ReplicaId>,
    watch: LeaseWatch,
    /// When this life of it began.
    pub(super) begun: Timestamp,
    asleep_until: Timestamp,
    cut_until: Timestamp,
    /// What it is cut off in the middle of takes effect all the same.
    takes_effect: bool,
}

impl Replica {
    pub(super) fn new(number: usize, of: usize) -> Replica {
        let boot = 1 + if of > 1 { 1000 * number as u64 } else { 0 };
        Replica {
            number,
            lane: None,
            life: 0,
            next_poll: Timestamp::NEVER,
            down: false,
            ahead: 0,
            booted: (Timestamp::from_millis(START - JUMP), boot),
            id: None,
            watch: LeaseWatch::default(),
            begun: Timestamp::from_millis(START),
            asleep_until: Timestamp::default(),
            cut_until: Timestamp::default(),
            takes_effect: false,
        }
    }

    /// The process that begins after a crash is another one.
    pub(super) fn reborn(&mut self) {
        (self.id, self.watch) = (None, LeaseWatch::default());
        self.is_well();
    }

    pub(super) fn is_well(&mut self) {
        (self.asleep_until, self.cut_until) = Default::default();
    }

    /// Since when nothing is wrong with it, if nothing is.
    fn well_since(&self, now: Timestamp) -> Option<Timestamp> {
        let since = self.begun.max(self.asleep_until).max(self.cut_until);
        (!self.is_out(now)).then_some(since)
    }

    fn is_out(&self, now: Timestamp) -> bool {
        self.down || self.asleep_until > now || self.cut_until > now
    }
}

impl World {
    /// What comes now happens to this process.
    pub(super) fn turn_to(&mut self, replica: usize) {
        let other = self.others.iter().position(|one| one.number == replica);
        if let Some(other) = other {
            core::mem::swap(&mut self.me, &mut self.others[other]);
        }
    }

    /// The process that a load balancer tries next.
    pub(super) fn another(&self) -> usize {
        (self.me.number + 1) % (1 + self.others.len())
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.me.asleep_until > self.now
    }

    /// What happens to a process that stands still waits until it goes on; whoever waits for it does not.
    pub(super) fn unless_asleep(&mut self, event: Event) -> Option<Event> {
        let waits = matches!(
            event,
            Event::Poll | Event::Reach(..) | Event::Return(..) | Event::Load(_) | Event::Look(_)
        );
        if !waits || !self.is_asleep() {
            return Some(event);
        }
        self.after(self.me.asleep_until.since(self.now), event);
        None
    }

    pub(super) fn falls_asleep(&mut self, span: Duration) {
        self.trace(|| format!("replica {} falls asleep for {span:?}", self.me.number));
        self.me.asleep_until = self.now.plus(span);
    }

    fn others_are_well(&self) -> bool {
        !self.others.is_empty() && self.others.iter().all(|other| !other.is_out(self.now))
    }

    /// Whether the process may die now.
    pub(super) fn may_die(&self) -> bool {
        self.others.is_empty() || self.others_are_well()
    }

    /// The span that the process sleeps before the first byte of a call, if it does.
    pub(super) fn nap(&mut self) -> Option<Duration> {
        let well = self.others_are_well();
        self.faults.nap(well)
    }

    /// What is planned to go wrong with the process at this commit; how long it sleeps once that is over.
    pub(super) fn disturbance(&mut self) -> Option<Duration> {
        let well = self.others_are_well();
        match self.faults.disturbance(well)? {
            Disturbance::Asleep(span) => return Some(span),
            Disturbance::Cut(span, takes_effect) => {
                self.trace(|| format!("replica {} is cut off for {span:?}", self.me.number));
                // Should it take effect, the lease runs from here on.
                self.held();
                self.me.cut_until = self.now.plus(span);
                self.me.takes_effect = takes_effect;
            }
            Disturbance::Failover(lost, noticed) => {
                self.fails_over(lost);
                if noticed {
                    self.me.cut_until = self.now.plus(Duration::from_millis(1));
                }
            }
            Disturbance::DbClock(by) => {
                self.trace(|| format!("the database's clock is set by {by} ms"));
                self.database_ahead = by;
            }
        }
        None
    }

    /// Cut off before what it says reaches the database.
    pub(super) fn is_cut_before(&mut self) -> bool {
        self.is_cut() && !core::mem::take(&mut self.me.takes_effect)
    }

    pub(super) fn is_cut(&self) -> bool {
        self.me.cut_until > self.now
    }

    /// The database tells the others of a change, and now and then that is lost.
    pub(super) fn notify_others(&mut self) {
        let wait = Duration::from_millis(50);
        let at = self.now.plus(wait);
        for other in 0..self.others.len() {
            let lost = self.dice.roll(4) == 0;
            let other = &mut self.others[other];
            if !lost && at < other.next_poll {
                other.next_poll = at;
                let number = other.number;
                self.after_of(number, wait, Event::Poll);
            }
        }
    }

    /// In whose name this process asks for the lease, where others have the journal; nothing where it got no row.
    pub(super) fn seat(&mut self) -> Option<Option<Seat>> {
        if self.others.is_empty() {
            return Some(None);
        }
        if self.me.id.is_none() {
            self.me.id = Some(self.commit(|tx| tx.new_replica(&ReplicaAbout::default()))?);
        }
        let terms = LeaseTerms::default();
        let seat = self.me.id.map(|replica| Seat { replica, terms });
        Some(seat)
    }

    /// Another has the lease.
    pub(super) fn look_later(&mut self) {
        let chance = u8::try_from(self.dice.roll(256)).unwrap();
        let wait = LeaseTerms::default().look_after(chance);
        self.after(wait, Event::Look(self.me.life));
    }

    /// When the lease ends, as it is written.
    pub(super) fn leased_until(&mut self) -> i64 {
        let app = self.account.app();
        let lease = self.store.read(|reader| reader.lease(&app).unwrap());
        lease.map_or(0, |lease| lease.until)
    }

    pub(super) fn look(&mut self) {
        let until = self.leased_until();
        let now = self.clock().up;
        match self.me.watch.look(until, LeaseTerms::default(), now) {
            true => self.load(),
            false => self.look_later(),
        }
    }

    /// Calls of the one before are over by now.
    pub(super) fn takes_over(&mut self) {
        self.me.watch = LeaseWatch::default();
        if !self.others.is_empty() {
            self.trace(|| format!("replica {} has the lease", self.me.number));
            self.watch.forgets();
        }
        self.held();
    }

    /// Somebody has the lease, and works.
    pub(super) fn held(&mut self) {
        // Whoever begins or goes on knows only from then on how old the lease is.
        let all = self.others.iter().chain([&self.me]);
        let well = all.filter_map(|one| one.well_since(self.now)).min();
        let since = well.map_or(self.held_at, |well| well.max(self.held_at));
        let gap = self.now.since(since);
        self.longest_gap = self.longest_gap.max(gap);
        self.held_at = self.now;
    }

    /// No call arrives under a fence after the next was taken.
    pub(super) fn leaves_under(&self, fence: Option<i64>) {
        let Some(fence) = fence else { return };
        let app = self.account.app();
        let lease = self.store.read(|reader| reader.lease(&app).unwrap());
        assert_eq!(
            lease.map(|lease| lease.fence),
            Some(fence),
            "a call comes late at {}",
            self.now
        );
    }
}
