//! Deliveries accepted per commit, on a real file with full sync: alone, and 16 and 64 sharing one commit.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod desk;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use desk::{Counter, NOW};
use scanhook::journal::{Ids, Job, Store};

fn bench(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("bench.db"), Ids::random().unwrap()).unwrap();
    let mut counter = Counter::new(&mut store);
    let mut group = c.benchmark_group("accept");
    group.sample_size(20);
    for batch in [1_u64, 16, 64] {
        group.throughput(Throughput::Elements(batch));
        group.bench_function(format!("{batch} deliveries a commit"), |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    let jobs = (0..batch).map(|_| {
                        let acceptance = counter.delivery();
                        Job::new(
                            2_000,
                            move |tx| tx.accept(&acceptance, NOW),
                            |receipt| assert!(receipt.is_ok()),
                        )
                    });
                    let jobs = jobs.collect();
                    let begun = Instant::now();
                    store.commit(jobs);
                    spent += begun.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
