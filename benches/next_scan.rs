//! What a lane pays to find the scan whose turn it is: 100,000 wait, of which 99,000 are not due.

#![allow(missing_docs, clippy::unwrap_used)]

mod desk;

use core::time::Duration;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use desk::{Counter, NOW, write};
use scanhook::journal::{Ids, PauseScope, RequeueWait, Store};
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::person::By;

const WAITING: usize = 100_000;
const DUE: usize = 1_000;

fn bench(c: &mut Criterion) {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let mut counter = Counter::new(&mut store);
    let tenant = counter.tenant;
    for _ in 0..WAITING / 1_000 {
        let acceptances: Vec<_> = (0..1_000).map(|_| counter.delivery()).collect();
        write(&mut store, move |tx| {
            acceptances
                .iter()
                .try_for_each(|a| tx.accept(a, NOW).map(drop))
        });
    }
    // All but a thousand were refused for a while and wait for a later time.
    let later = NOW.plus(Duration::from_secs(3600));
    write(&mut store, move |tx| {
        for _ in DUE..WAITING {
            let scan = tx.next_scan(tenant, false)?.unwrap();
            tx.begin_sending(scan.id, NOW, NOW)?;
            tx.to_waiting(scan.id, RequeueWait::Until(later, "machine busy"), NOW)?;
        }
        Ok(())
    });
    c.bench_function(
        "next scan, 100,000 waiting of which 99,000 are not due",
        |b| {
            b.iter(|| {
                black_box(
                    write(&mut store, move |tx| tx.next_scan(tenant, false))
                        .unwrap()
                        .id,
                )
            });
        },
    );
    c.bench_function("release the due ones and find when the next is", |b| {
        b.iter(|| black_box(write(&mut store, move |tx| tx.release_due(tenant, NOW))));
    });
    paused(c);
}

/// The same with 99,000 that a person holds back by the machine's id, and what it costs to hold one back.
fn paused(c: &mut Criterion) {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let mut counter = Counter::new(&mut store);
    let tenant = counter.tenant;
    for _ in 0..WAITING / 1_000 {
        let acceptances: Vec<_> = (0..1_000).map(|_| counter.delivery()).collect();
        write(&mut store, move |tx| {
            acceptances
                .iter()
                .try_for_each(|a| tx.accept(a, NOW).map(drop))
        });
    }
    // Ids count from one: those from 1,000 on have a digit before the last three.
    let scope = PauseScope {
        device: DeviceGlob::parse("*[1-9a-f]???").ok(),
        ..PauseScope::default()
    };
    let by = By::new("bench", None);
    write(&mut store, move |tx| {
        tx.pause(&scope, &by, None, NOW).map(drop)
    });
    let mut known = Vec::new();
    c.bench_function(
        "what is in force, and whether the next scan is held back",
        |b| {
            b.iter(|| {
                let last = std::mem::take(&mut known);
                let (held, in_force) = write(&mut store, move |tx| {
                    let in_force = tx.pauses_in_force(tenant, last, NOW)?;
                    let scan = tx.next_scan(tenant, false)?.unwrap();
                    Ok((tx.held_back_by(&in_force.narrow, &scan)?, in_force))
                });
                known = in_force.narrow;
                black_box(held)
            });
        },
    );
    write(&mut store, move |tx| {
        let in_force = tx.pauses_in_force(tenant, Vec::new(), NOW)?;
        let mut free = Vec::new();
        while let Some(scan) = tx.next_scan(tenant, false)? {
            match tx.held_back_by(&in_force.narrow, &scan)? {
                Some(pause) => tx.hold_back(scan.id, pause)?,
                None => {
                    tx.begin_sending(scan.id, NOW, NOW)?;
                    free.push(scan.id);
                }
            }
        }
        free.iter()
            .try_for_each(|scan| tx.to_waiting(*scan, RequeueWait::Turn, NOW))
    });
    c.bench_function("next scan, 100,000 waiting of which most are paused", |b| {
        b.iter(|| {
            black_box(
                write(&mut store, move |tx| tx.next_scan(tenant, false))
                    .unwrap()
                    .id,
            )
        });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
