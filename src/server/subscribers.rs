//! How many programs follow the events at once: each has a seat while it does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Programs in all.
const ALL: usize = 32;
/// Programs with the same grant.
const OF_ONE: usize = 4;

/// Who follows, by what tells them apart.
#[derive(Clone, Default)]
pub struct Subscribers(Arc<Mutex<BTreeMap<String, usize>>>);

/// The seat of one who follows; free again when dropped.
pub(super) struct SubscriberSeat {
    of: Subscribers,
    subject: String,
}

impl Subscribers {
    /// A seat, if there is one left.
    pub(super) fn take(&self, subject: &str) -> Option<SubscriberSeat> {
        let mut seated = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = seated.get(subject).copied().unwrap_or_default();
        if own >= OF_ONE || seated.values().sum::<usize>() >= ALL {
            return None;
        }
        seated.insert(subject.to_owned(), own + 1);
        Some(SubscriberSeat {
            of: self.clone(),
            subject: subject.to_owned(),
        })
    }

    /// How many follow.
    #[must_use]
    pub fn count(&self) -> usize {
        let seated = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seated.values().sum()
    }
}

impl Drop for SubscriberSeat {
    fn drop(&mut self) {
        let mut seated = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = seated.get_mut(&self.subject) {
            *own -= 1;
            if *own == 0 {
                seated.remove(&self.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_grant_has_four_seats_all_have_thirty_two_and_a_seat_that_is_left_is_free() {
        let all = Subscribers::default();
        let mut seats: Vec<_> = (0..4).filter_map(|_| all.take("token:a")).collect();
        assert_eq!((seats.len(), all.take("token:a").is_none()), (4, true));
        for n in 0..28 {
            seats.extend(all.take(&format!("token:{n}")));
        }
        assert_eq!((all.count(), all.take("token:b").is_none()), (32, true));
        seats.remove(0);
        assert!(all.take("token:a").is_some());
        drop(seats);
        assert_eq!(all.count(), 0);
    }
}
