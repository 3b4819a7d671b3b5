//! Who holds which connection. One address cannot take those of the others, a few addresses cannot take all, and where
//! many take all, whoever has sent no whole head yet makes room.

use core::net::IpAddr;
use core::sync::atomic::{AtomicU8, Ordering};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::{AbortHandle, Id};

use super::limits::Limits;

/// An address with fewer connections than this holds few.
const FEW: usize = 8;

/// Whether the first head of a connection has arrived; shared by the connection and its seat.
#[derive(Clone, Default)]
pub(super) struct FirstHead(Arc<AtomicU8>);

const AWAITED: u8 = 0;
const ARRIVED: u8 = 1;
const GIVEN_UP: u8 = 2;

impl FirstHead {
    /// A whole head is there; false if the connection is being closed for want of one.
    pub(super) fn arrive(&self) -> bool {
        let before =
            self.0
                .compare_exchange(AWAITED, ARRIVED, Ordering::Relaxed, Ordering::Relaxed);
        before != Err(GIVEN_UP)
    }

    pub(super) fn has_arrived(&self) -> bool {
        self.0.load(Ordering::Relaxed) == ARRIVED
    }

    fn is_awaited(&self) -> bool {
        self.0.load(Ordering::Relaxed) == AWAITED
    }

    /// Nobody waits for it any more; false if it has arrived.
    fn give_up(&self) -> bool {
        self.0
            .compare_exchange(AWAITED, GIVEN_UP, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

/// All connections of a listener.
#[derive(Default)]
pub(super) struct Seats {
    held: HashMap<Id, ConnectionSlot>,
    by_address: HashMap<IpAddr, usize>,
    /// Those whose first head was awaited when they came, the oldest first. It may name seats that are gone.
    awaited: VecDeque<(Id, FirstHead)>,
}

struct ConnectionSlot {
    /// What it is counted by; a trusted proxy stands for many and is not counted.
    address: Option<IpAddr>,
    abort: AbortHandle,
}

impl Seats {
    /// Whether a connection of this address gets a seat. The cap per address comes first, so that one address over it
    /// takes nothing from the others; the last quarter is for addresses that hold few.
    pub(super) fn admit(&mut self, address: Option<IpAddr>, limits: &Limits) -> bool {
        let own = address.map_or(0, |address| {
            self.by_address.get(&address).copied().unwrap_or_default()
        });
        if own >= limits.per_address && address.is_some() {
            return false;
        }
        let open = if own < FEW {
            limits.total
        } else {
            limits.total - limits.total / 4
        };
        self.held.len() < open || (own < FEW && self.make_room())
    }

    /// Closes the oldest connection that has sent no whole head.
    fn make_room(&mut self) -> bool {
        while let Some((task, head)) = self.awaited.pop_front() {
            if self.held.contains_key(&task) && head.give_up() {
                if let Some(seat) = self.vacate(task) {
                    seat.abort.abort();
                }
                return true;
            }
        }
        false
    }

    /// This task serves an admitted connection.
    pub(super) fn take(&mut self, abort: AbortHandle, address: Option<IpAddr>, head: FirstHead) {
        if self.awaited.len() > 2 * self.held.len() + 64 {
            let held = &self.held;
            self.awaited
                .retain(|(task, head)| held.contains_key(task) && head.is_awaited());
        }
        let task = abort.id();
        self.awaited.push_back((task, head));
        self.held.insert(task, ConnectionSlot { address, abort });
        if let Some(address) = address {
            *self.by_address.entry(address).or_default() += 1;
        }
    }

    /// The task has ended.
    pub(super) fn leave(&mut self, task: Id) {
        self.vacate(task);
    }

    fn vacate(&mut self, task: Id) -> Option<ConnectionSlot> {
        let seat = self.held.remove(&task)?;
        if let Some(address) = seat.address
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(seat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;
    use tokio::task::JoinSet;

    struct Hall {
        seats: Seats,
        tasks: JoinSet<()>,
        limits: Limits,
    }

    impl Hall {
        fn new(per_address: usize, total: usize) -> Hall {
            let limits = Limits {
                per_address,
                total,
                ..Limits::default()
            };
            Hall {
                seats: Seats::default(),
                tasks: JoinSet::new(),
                limits,
            }
        }

        fn come(&mut self, n: u32) -> Option<FirstHead> {
            let address = Some(IpAddr::V4(Ipv4Addr::from_bits(n)));
            self.seats.admit(address, &self.limits).then(|| {
                let head = FirstHead::default();
                self.seats.take(
                    self.tasks.spawn(core::future::pending()),
                    address,
                    head.clone(),
                );
                head
            })
        }
    }

    #[tokio::test]
    async fn twenty_addresses_leave_a_quarter_to_the_others() {
        let mut hall = Hall::new(512, 4096);
        for _ in 0..500 {
            for address in 0..20 {
                if let Some(head) = hall.come(address) {
                    head.arrive();
                }
            }
        }
        assert_eq!(hall.seats.held.len(), 3072);
        let others = (100..228)
            .flat_map(|address| [address; 8])
            .filter(|address| hall.come(*address).is_some());
        assert_eq!(others.count(), 1024);
    }

    #[tokio::test]
    async fn when_all_is_taken_the_oldest_without_a_whole_head_makes_room_and_no_other() {
        let mut hall = Hall::new(4, 8);
        let heads: Vec<_> = (0..8).filter_map(|address| hall.come(address)).collect();
        assert_eq!(heads.len(), 8);
        assert!(heads[0].arrive() && heads[2].arrive());
        assert!(hall.come(100).is_some());
        assert!(
            !heads[1].arrive() && heads[3].arrive(),
            "the second has made room, the fourth has not"
        );
        for address in 101..105 {
            assert_eq!(hall.come(address).map(|head| head.arrive()), Some(true));
        }
        assert_eq!(hall.seats.held.len(), 8);
        let last = hall.come(105).map(|head| head.arrive());
        assert_eq!(
            (last, hall.come(106).is_some()),
            (Some(true), false),
            "every head has arrived"
        );
    }

    #[tokio::test]
    async fn what_is_remembered_of_seats_does_not_grow_with_those_that_came_and_went() {
        let mut hall = Hall::new(4, 8);
        for _ in 0..1000 {
            let before: Vec<_> = hall.seats.held.keys().copied().collect();
            assert!(hall.come(1).is_some());
            before.into_iter().for_each(|task| hall.seats.leave(task));
        }
        assert!(
            hall.seats.awaited.len() < 100
                && hall.seats.held.len() == 1
                && hall.seats.by_address.len() == 1
        );
    }
}
