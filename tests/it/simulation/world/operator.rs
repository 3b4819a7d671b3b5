//! What people do while all this goes on: they pause, resume, approve, deny, call off and try again, at any moment,
//! and say it once more when nobody answered.

use core::time::Duration;

use scanhook::api::ItemView;
use scanhook::journal::{
    Filter, HeldIds, JournalError, PauseScope, Selector, TenantId, Tx, Wants, Word,
};
use scanhook::worker::{Call, OutgoingCall};
use scanhook_core::access::Approver;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::person::By;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::AskedFor;
use uuid::Uuid;

use super::super::faults::Dice;
use super::failover::Said;
use super::{Event, World, machine};

/// What somebody does. Numbers choose among what is there at that moment.
#[derive(Clone, Debug)]
pub enum Order {
    Pause(What, Option<Duration>),
    Resume,
    Approve(u64),
    Deny(u64),
    Cancel(u64),
    Retry(u64),
}

/// What a pause is for.
#[derive(Clone, Debug)]
pub enum What {
    Everything,
    Rule(&'static str),
    Machine(String),
}

/// A pause that was answered, until somebody says resume or its time is over.
pub struct Paused {
    what: What,
    until: Option<Timestamp>,
}

/// None in every other run, and up to eight; at the end everything is resumed.
pub fn orders(seed: u64, machines: u64) -> Vec<(Duration, Order)> {
    let mut dice = Dice::new(seed ^ 0x0e);
    let mut orders = Vec::new();
    if dice.roll(2) == 0 {
        return orders;
    }
    for _ in 0..1 + dice.roll(8) {
        let range = dice.pick(&[30_000, 300_000, 4_000_000]);
        let at = Duration::from_millis(dice.roll(range));
        let n = dice.roll(1000);
        let order = match dice.roll(7) {
            0 | 1 => {
                let what = match dice.roll(3) {
                    0 => What::Everything,
                    1 => What::Rule(dice.pick(&["high", "medium"])),
                    _ => What::Machine(machine(dice.roll(machines))),
                };
                Order::Pause(
                    what,
                    (dice.roll(2) == 0).then(|| Duration::from_secs(1 + dice.roll(2_000))),
                )
            }
            2 => Order::Resume,
            3 => Order::Approve(n),
            4 => Order::Deny(n),
            5 => Order::Cancel(n),
            _ => Order::Retry(n),
        };
        orders.push((at, order));
    }
    orders.push((Duration::from_secs(5_000 + dice.roll(5_000)), Order::Resume));
    orders
}

/// Where people say anything: now and then both say yes to the same thing, one after the other.
pub fn agree(seed: u64, orders: &mut Vec<(Duration, Order)>) {
    /// From the number of one person to one of the other that chooses the same of an odd number of things.
    const OTHER: u64 = 3 * 3 * 5 * 7 * 11 * 13;
    if orders.is_empty() {
        return;
    }
    let mut dice = Dice::new(seed ^ 0x2b);
    for _ in 0..3 {
        let at = Duration::from_millis(5_000 + dice.roll(300_000));
        let n = dice.roll(1000);
        orders.push((at, Order::Approve(n)));
        orders.push((
            at + Duration::from_secs(dice.roll(60)),
            Order::Approve(n + OTHER),
        ));
    }
}

/// Yes, and it is the second machine. Two people take turns.
fn named(n: u64) -> Word {
    let who = if n.is_multiple_of(2) { "anna" } else { "bob" };
    Word::Approve {
        machine: scanhook_core::alert::MachineId::parse(&machine(1)),
        at_once: false,
        approver: Approver {
            subject: format!("token:{who}"),
            name: who.to_owned(),
            on_behalf_of: None,
            for_others: false,
        },
    }
}

fn somebody() -> By {
    By::new("anna", Some("as she says"))
}

impl World {
    pub(super) fn operate(&mut self, n: usize) {
        let order = self.orders[n].clone();
        let told = match self.me.down || self.is_asleep() {
            true => None,
            false => self.order(&order),
        };
        self.trace(|| format!("{order:?}: {}", told.as_deref().unwrap_or("no answer")));
        match told {
            Some(_) => {
                self.ordered += 1;
                self.standby.said(Said::Order(n));
            }
            None => self.after_of(self.another(), Duration::from_secs(15), Event::Operator(n)),
        }
    }

    fn order(&mut self, order: &Order) -> Option<String> {
        match order {
            Order::Pause(what, span) => self.pause(what, *span),
            Order::Resume => {
                // Whether or not the answer comes, it may be over from here on.
                self.paused.clear();
                let now = self.clock().wall;
                self.commit(move |tx| tx.resume(&PauseScope::default(), &somebody(), now))
                    .map(|ended| format!("{ended:?}"))
            }
            Order::Approve(n) => self.word(named(*n), *n),
            Order::Deny(n) => self.word(Word::Deny, *n),
            Order::Cancel(n) => {
                // Any that is not over, those that somebody else's action covers among them.
                let open = self
                    .scans()
                    .into_iter()
                    .filter(|scan| scan.outcome.is_none())
                    .collect::<Vec<_>>();
                if open.is_empty() {
                    return Some("nothing is open".to_owned());
                }
                let id: Uuid = open[usize::try_from(*n).unwrap() % open.len()]
                    .id
                    .parse()
                    .unwrap();
                let now = self.clock().wall;
                self.told(move |tx| tx.call_off(&[id], &somebody(), &|_| true, now))
            }
            Order::Retry(n) => {
                let Some(id) = self.chosen(Wants::Failed, *n) else {
                    return Some("nothing has failed".to_owned());
                };
                let now = self.clock().wall;
                let terms = self.terms();
                self.told(move |tx| tx.retry(&[id], &somebody(), false, &terms, now))
            }
        }
    }

    fn pause(&mut self, what: &What, span: Option<Duration>) -> Option<String> {
        let (now, until) = (
            self.clock().wall,
            span.map(|span| self.clock().wall.plus(span)),
        );
        let scope = match what {
            What::Everything => PauseScope::default(),
            What::Rule(rule) => PauseScope {
                rule: Some((*rule).to_owned()),
                ..PauseScope::default()
            },
            What::Machine(id) => PauseScope {
                device: DeviceGlob::parse(id).ok(),
                ..PauseScope::default()
            },
        };
        let set = self.commit(move |tx| tx.pause(&scope, &somebody(), until, now))?;
        // The same pause again is changed, not doubled.
        let same = |other: &What| match (what, other) {
            (What::Everything, What::Everything) => true,
            (What::Rule(one), What::Rule(other)) => one == other,
            (What::Machine(one), What::Machine(other)) => one == other,
            _ => false,
        };
        self.paused.retain(|paused| !same(&paused.what));
        self.paused.push(Paused {
            what: what.clone(),
            until,
        });
        Some(format!("{set:?}"))
    }

    /// Approves or denies one of the held decisions; a machine is named only where the alert names none.
    fn word(&mut self, word: Word, n: u64) -> Option<String> {
        let Some(id) = self.chosen(Wants::Held, n) else {
            return Some("nothing is held".to_owned());
        };
        let items = self
            .store
            .read(|reader| reader.items(Wants::Held, &[id]).unwrap());
        // What is shown is who it was.
        let by = match &word {
            Word::Approve { approver, .. } => By::new(&approver.name, Some("as they say")),
            Word::Deny => somebody(),
        };
        let named = matches!(
            items[0].reason.as_deref(),
            Some("unresolved_device" | "ambiguous_device" | "source_removed")
        );
        let word = match word {
            Word::Approve { approver, .. } if !named => Word::Approve {
                machine: None,
                at_once: false,
                approver,
            },
            word => word,
        };
        let (now, terms) = (self.clock().wall, self.terms());
        self.told(move |tx| {
            tx.answer_held(
                HeldIds {
                    ids: &[id],
                    only: None,
                },
                &word,
                &by,
                &terms,
                now,
            )
        })
    }

    fn terms(
        &self,
    ) -> impl Fn(TenantId, AskedFor<'_>) -> Option<scanhook_core::verdict::Wanted> + Send + 'static
    {
        let (policy, terms) = (
            self.policy.clone(),
            self.desks["siem"].tenants["default"].terms,
        );
        move |_: TenantId, asked: AskedFor<'_>| Some(policy.wanted(terms, asked))
    }

    fn chosen(&self, wants: Wants, n: u64) -> Option<Uuid> {
        let found = self.store.read(|reader| {
            reader
                .select(wants, &Selector::default(), 1000, None)
                .unwrap()
        });
        let place = usize::try_from(n).unwrap() % found.count.max(1);
        found.ids.get(place).copied()
    }

    /// Gives an order, and keeps what was answered.
    fn told(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Vec<ItemView>, JournalError> + Send + 'static,
    ) -> Option<String> {
        let items = self.commit(work)?;
        let told = format!(
            "{:?}",
            items
                .iter()
                .map(|item| (&item.id, &item.result))
                .collect::<Vec<_>>()
        );
        self.steered.extend(items);
        Some(told)
    }

    /// Nothing leaves that a pause is for, by what was answered to the operator and what the call itself says.
    pub(super) fn nothing_paused_leaves(&mut self, calls: &[OutgoingCall]) {
        let now = self.clock().wall;
        self.paused
            .retain(|paused| paused.until.is_none_or(|until| until > now));
        for outgoing in calls
            .iter()
            .filter(|outgoing| matches!(outgoing.call, Call::Scan(_)))
        {
            let path = outgoing.request.uri().path();
            for paused in &self.paused {
                let is_for = match &paused.what {
                    What::Everything => true,
                    What::Machine(id) => path.contains(id.as_str()),
                    What::Rule(rule) => self
                        .asked_for_by(outgoing)
                        .iter()
                        .all(|asked| asked == rule),
                };
                assert!(!is_for, "{path} leaves while {:?} is paused", paused.what);
            }
        }
    }

    /// The rules of the decisions that point to the scan of a call.
    pub(super) fn asked_for_by(&self, outgoing: &OutgoingCall) -> Vec<String> {
        let body: serde_json::Value = serde_json::from_slice(outgoing.request.body()).unwrap();
        let comment = body["Comment"].as_str().unwrap();
        let tail = comment.rsplit("[sh-").next().unwrap().trim_end_matches(']');
        let all = self
            .store
            .read(|reader| reader.decisions(&Filter::default()).unwrap());
        let of = all
            .items
            .into_iter()
            .filter(|item| item.scan_id.as_ref().is_some_and(|id| id.ends_with(tail)));
        of.filter_map(|item| item.rule).collect()
    }
}
