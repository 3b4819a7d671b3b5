//! The memory of bodies that are being read and stored: one budget for the whole listener. Its last quarter is kept for
//! addresses that hold little, so that a few addresses with large bodies do not turn away the many with small ones.

use core::net::IpAddr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as _;

use super::address::share;
use super::refusal::HttpError;

/// The first piece of memory for a body that says nothing of its length.
const FIRST: usize = 1024;
/// An address that holds no more than this part of the budget holds little.
const LITTLE: usize = 256;

pub(super) struct BodyBudget {
    total: usize,
    held: Mutex<HeldBytes>,
}

#[derive(Default)]
struct HeldBytes {
    all: usize,
    /// By those who have proved nothing yet.
    by_address: HashMap<IpAddr, usize>,
}

/// What one request holds of it; given back when dropped.
pub(super) struct BodyRoom {
    bodies: Arc<BodyBudget>,
    /// Whose it counts as, unless the sender has proved itself.
    address: Option<IpAddr>,
    bytes: usize,
}

impl BodyBudget {
    pub(super) fn new(total: usize) -> Arc<BodyBudget> {
        Arc::new(BodyBudget {
            total,
            held: Mutex::default(),
        })
    }

    /// Room for the body of one request, none taken yet. `unproven` is the address of a sender that has proved nothing.
    pub(super) fn room(self: &Arc<BodyBudget>, unproven: Option<IpAddr>) -> BodyRoom {
        BodyRoom {
            bodies: Arc::clone(self),
            address: unproven.map(share),
            bytes: 0,
        }
    }

    fn take(&self, address: Option<IpAddr>, bytes: usize) -> Result<(), HttpError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let all = held.all.saturating_add(bytes);
        let own = address
            .map(|address| held.by_address.get(&address).copied().unwrap_or_default() + bytes);
        let little = own.is_none_or(|own| own <= self.total / LITTLE);
        if all > self.total || (all > self.total - self.total / 4 && !little) {
            return Err(HttpError::Overloaded);
        }
        held.all = all;
        if let (Some(address), Some(own)) = (address, own) {
            held.by_address.insert(address, own);
        }
        Ok(())
    }

    fn give_back(&self, address: Option<IpAddr>, bytes: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all -= bytes;
        if let Some(address) = address
            && let Some(own) = held.by_address.get_mut(&address)
        {
            *own -= bytes;
            if *own == 0 {
                held.by_address.remove(&address);
            }
        }
    }
}

impl BodyRoom {
    /// So many bytes more.
    ///
    /// # Errors
    /// [`HttpError::Overloaded`]; then it holds what it held.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), HttpError> {
        self.bodies.take(self.address, bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for BodyRoom {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.bodies.give_back(self.address, self.bytes);
        }
    }
}

/// The whole body, in memory that grows with what has arrived and not with what was announced; `grow` grants each piece.
pub(super) async fn whole(
    mut body: Body,
    cap: usize,
    mut grow: impl FnMut(usize) -> Result<(), HttpError>,
) -> Result<Bytes, HttpError> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > cap {
        return Err(HttpError::BodyTooLarge(cap));
    }
    let (mut bytes, mut room) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| HttpError::BodyUnreadable)?.into_data() else {
            continue;
        };
        let needed = bytes.len() + data.len();
        if needed > cap {
            return Err(HttpError::BodyTooLarge(cap));
        }
        if needed > room {
            // Chunked bodies declare nothing: their lower bound is zero.
            let most = if declared >= needed { declared } else { cap };
            let next = needed.max(room * 2).max(FIRST).min(most);
            grow(next - room)?;
            room = next;
            // `reserve` may take more than was granted.
            bytes.reserve_exact(room - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use core::net::Ipv4Addr;

    fn address(n: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn few_addresses_with_large_bodies_leave_room_for_many_with_small_ones() {
        let bodies = BodyBudget::new(256 * 100);
        let mut large: Vec<_> = (0..20).map(|n| bodies.room(address(n))).collect();
        let granted = (0..10_000)
            .filter(|n| large[n % 20].grow(100).is_ok())
            .count();
        assert_eq!(granted, 192, "three quarters");
        let mut small: Vec<_> = (100..200).map(|n| bodies.room(address(n))).collect();
        assert_eq!(
            small
                .iter_mut()
                .filter_map(|room| room.grow(100).ok())
                .count(),
            64
        );
        assert_eq!(
            bodies.room(None).grow(1),
            Err(HttpError::Overloaded),
            "there is no more than all of it"
        );
        drop(small);
        assert_eq!(
            bodies.room(None).grow(6_400),
            Ok(()),
            "who has proved itself may use all of it"
        );
        drop(large);
        let held = bodies.held.lock().unwrap();
        assert_eq!((held.all, held.by_address.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_body_takes_what_has_arrived_and_what_it_declares_at_most() {
        let mut taken = 0;
        let body = whole(Body::from(vec![1; 5_000]), 10_000, |bytes| {
            taken += bytes;
            Ok(())
        });
        assert_eq!(body.await.unwrap().len(), 5_000);
        assert_eq!(taken, 5_000);
        let refused = whole(Body::from(vec![1; 5_000]), 4_999, |_| Ok(())).await;
        assert_eq!(refused, Err(HttpError::BodyTooLarge(4_999)));
    }
}
