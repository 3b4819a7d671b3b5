//! Deliveries accepted by a journal in PostgreSQL, held against those that SQLite accepts in the same run: alone, and 16 and
//! 64 sharing one commit. Both sync to the same disk. Prints alerts a second and the ratio, medians of rounds in turn.
//!
//! `ROUNDS` in the environment makes it longer; `NETWORK=500` puts PostgreSQL so many microseconds off, there and back. Needs
//! PostgreSQL.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss
)]

mod desk;
#[allow(dead_code, unreachable_pub)]
#[path = "../tests/postgres/far.rs"]
mod far;
#[allow(dead_code, unreachable_pub)]
#[path = "../tests/postgres/server.rs"]
mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use desk::{Counter, NOW};
use far::FarDatabase;
use scanhook::journal::{Ids, Job, Store};
use server::Server;

/// Deliveries of one round.
const EACH: usize = 512;

/// A journal and whoever makes deliveries for it.
struct Desk {
    store: Store,
    counter: Counter,
}

impl Desk {
    fn new(mut store: Store) -> Desk {
        let counter = Counter::new(&mut store);
        Desk { store, counter }
    }

    /// Alerts a second where so many share a commit.
    fn round(&mut self, batch: usize) -> f64 {
        let mut spent = 0.0;
        for _ in 0..EACH.div_ceil(batch) {
            let jobs = (0..batch)
                .map(|_| {
                    let acceptance = Arc::new(self.counter.delivery());
                    let taken = acceptance.clone();
                    Job::new(
                        2_000,
                        move |tx| tx.accept(&taken, NOW),
                        |receipt| assert!(receipt.is_ok()),
                    )
                    .taking_in(&acceptance, NOW)
                })
                .collect();
            let begun = Instant::now();
            self.store.commit(jobs);
            spent += begun.elapsed().as_secs_f64();
        }
        EACH as f64 / spent
    }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn main() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().unwrap());
    let rounds = number("ROUNDS").unwrap_or(5);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.db");
    let server = Server::start_in(tempfile::tempdir().unwrap()).with_tables();
    let network = number("NETWORK").map(Duration::from_micros);
    let far = network.map(|network| FarDatabase::off(server.at(), network));
    let at = far.as_ref().map_or_else(|| server.at(), FarDatabase::at);
    let mut desks = [
        Desk::new(Store::open(&file, Ids::random().unwrap()).unwrap()),
        Desk::new(Store::connect(&at, Ids::random().unwrap()).unwrap()),
    ];
    println!(
        "{:>8} {:>10} {:>12} {:>6}",
        "a commit", "SQLite/s", "PostgreSQL/s", "ratio"
    );
    for batch in [1, 16, 64] {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..=rounds {
            for (desk, rates) in desks.iter_mut().zip(&mut rates) {
                rates.push(desk.round(batch));
            }
        }
        // The first round prepares statements.
        let [sqlite, postgres] = rates.map(|rates| median(rates[1..].to_vec()));
        println!(
            "{batch:>8} {sqlite:>10.0} {postgres:>12.0} {:>6.2}",
            postgres / sqlite
        );
    }
}
