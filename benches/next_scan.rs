//! What a lane pays to find the scan whose turn it is: 100,000 wait, of which 99,000 are not due.

#![allow(missing_docs, clippy::unwrap_used)]

mod desk;

use core::time::Duration;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use desk::{Counter, NOW, write};
use scanhook::journal::{Ids, Store};

const WAITING: usize = 100_000;
const DUE: usize = 1_000;

fn bench(c: &mut Criterion) {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let mut counter = Counter::new(&mut store);
    let tenant = counter.desk.tenants["default"].tenant;
    for _ in 0..WAITING / 1_000 {
        let acceptances: Vec<_> = (0..1_000).map(|_| counter.delivery()).collect();
        write(&mut store, move |tx| acceptances.iter().try_for_each(|a| tx.accept(a, NOW).map(drop)));
    }
    // All but a thousand were refused for a while and wait for a later time.
    let later = NOW.plus(Duration::from_secs(3600));
    write(&mut store, move |tx| {
        for _ in DUE..WAITING {
            let scan = tx.next_scan(tenant, false)?.unwrap();
            tx.begin_sending(scan.id, NOW)?;
            tx.to_waiting(scan.id, Some(later), None, NOW)?;
        }
        Ok(())
    });
    c.bench_function("next scan, 100,000 waiting of which 99,000 are not due", |b| {
        b.iter(|| black_box(write(&mut store, move |tx| tx.next_scan(tenant, false)).unwrap().id));
    });
    c.bench_function("release the due ones and find when the next is", |b| {
        b.iter(|| black_box(write(&mut store, move |tx| tx.release_due(tenant, NOW))));
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
