//! Leases in the journal, by the clock of the database alone.

use core::time::Duration;

use scanhook::journal::{
    Ids, Job, JournalError, MESSAGES, MESSAGES_APP, ReplicaId, Seat, Store, Tx,
};
use scanhook_core::lease::{LeaseTerms, TurnTime};
use scanhook_core::time::Timestamp;

/// Carries out one job, at this time of the database.
fn at<T: Send + 'static>(
    store: &mut Store,
    seconds: u64,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
) -> T {
    let (tell, told) = std::sync::mpsc::channel();
    let job = Job::new(0, work, move |result| tell.send(result).unwrap());
    let now = Timestamp::default().plus(Duration::from_secs(1_000 + seconds));
    let time = TurnTime {
        database: now,
        wall: now,
        begun: Duration::from_secs(seconds),
    };
    store.commit_at(vec![job], time);
    told.recv().unwrap().unwrap()
}

#[test]
fn one_of_two_keeps_house_and_it_is_whoever_sends_messages() {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let [one, other] = [1, 2].map(|replica| Seat {
        replica: ReplicaId(replica),
        terms: LeaseTerms::default(),
    });
    let taken = at(&mut store, 0, move |tx| {
        tx.take_lease(MESSAGES_APP, MESSAGES, one)
    });
    assert!(taken.is_some());
    let keeps = |store: &mut Store, seconds| {
        at(store, seconds, move |tx| {
            Ok([Some(one), Some(other), None].map(|seat| tx.keeps_house(seat).unwrap()))
        })
    };
    assert_eq!(keeps(&mut store, 1), [true, false, true]);
    assert_eq!(
        keeps(&mut store, 60),
        [false, false, true],
        "its lease is over"
    );
    let taken = at(&mut store, 61, move |tx| {
        tx.take_lease(MESSAGES_APP, MESSAGES, other)
    });
    assert!(taken.is_some());
    assert_eq!(keeps(&mut store, 62), [false, true, true]);
}

#[test]
fn what_leaves_under_the_lease_of_a_worker_is_trusted_no_longer_than_its_last_renewal_allows() {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let [one, other] = [1, 2].map(|replica| Seat {
        replica: ReplicaId(replica),
        terms: LeaseTerms::default(),
    });
    let lease = at(&mut store, 0, move |tx| tx.take_lease("app", MESSAGES, one)).unwrap();
    let trust = |store: &mut Store, seconds| {
        let lease = lease.clone();
        at(store, seconds, move |tx| tx.trust_in(&lease))
    };
    // Whoever looks later trusts it no longer: 28 seconds after it was taken.
    for seconds in [0, 20] {
        let trust = trust(&mut store, seconds).unwrap();
        assert!(trust.holds(Duration::from_secs(27)) && !trust.holds(Duration::from_secs(28)));
    }
    assert_eq!(trust(&mut store, 60), None, "it is over");
    at(&mut store, 61, move |tx| {
        tx.take_lease("app", MESSAGES, other)
    })
    .unwrap();
    assert_eq!(trust(&mut store, 62), None, "it is another's");
}
