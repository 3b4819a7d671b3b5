//! What goes wrong, in five strands at once: the processes, the wires and the database. Each strand is a sequence that its
//! seed names.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::slot::Slot;
use crate::harness::Served;
use crate::server::Server;
use crate::simulation::Dice;
use crate::wire::{AtCommit, WireState};

/// The faults so far, by kind.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<&'static str, u32>>);

impl Tally {
    pub fn all(&self) -> BTreeMap<&'static str, u32> {
        self.0.lock().unwrap().clone()
    }
}

/// What the strands share.
pub struct Chaos {
    pub begun: Instant,
    pub lasts: Duration,
    pub tally: Tally,
}

fn millis(dice: &mut Dice, from: u64, to: u64) -> Duration {
    Duration::from_millis(from + dice.roll(to - from + 1))
}

impl Chaos {
    fn note(&self, what: &str, to: &str) {
        let (now, since) = (Timestamp::now(), self.begun.elapsed().as_secs_f64());
        println!("{now:.3} {since:9.3} {what} {to}");
    }

    fn happens(&self, kind: &'static str, to: &str) {
        *self.tally.0.lock().unwrap().entry(kind).or_default() += 1;
        self.note(kind, to);
    }

    /// Waits for the next fault of a strand, for long enough on the average that a process can start in between; false:
    /// there is none any more.
    async fn next(&self, dice: &mut Dice) -> bool {
        tokio::time::sleep(millis(dice, 500, 12_000)).await;
        self.begun.elapsed() < self.lasts
    }

    async fn start(&self, slot: &Slot) -> Served {
        let served = slot.start().await;
        self.note("runs", slot.name);
        served
    }

    /// What happens to the processes of one place. The last one runs.
    pub async fn of_process(self: Arc<Chaos>, slot: Arc<Slot>, mut dice: Dice) -> Served {
        let mut served = self.start(&slot).await;
        while self.next(&mut dice).await {
            let status = served.ended();
            assert_eq!(status, None, "{} has ended by itself", slot.name);
            let away = millis(&mut dice, 0, 3_000);
            match dice.roll(5) {
                0 | 1 => {
                    self.happens("kill -9", slot.name);
                    slot.kill(served);
                    tokio::time::sleep(away).await;
                    served = self.start(&slot).await;
                }
                2 => {
                    self.happens("SIGTERM", slot.name);
                    slot.stop(served).await;
                    tokio::time::sleep(away).await;
                    served = self.start(&slot).await;
                }
                _ => {
                    self.happens("SIGSTOP", slot.name);
                    slot.freeze(&served, millis(&mut dice, 200, 6_000)).await;
                    self.note("SIGCONT", slot.name);
                }
            }
        }
        served
    }

    /// What happens between one place and the database.
    pub async fn of_wire(self: Arc<Chaos>, slot: Arc<Slot>, mut dice: Dice) {
        while self.next(&mut dice).await {
            match dice.roll(6) {
                0 => {
                    self.happens("wire cut", slot.name);
                    slot.wire.cut();
                }
                1 => {
                    self.happens("wire closed", slot.name);
                    slot.wire.is_from_now_on(WireState::Closed);
                    slot.wire.cut();
                    tokio::time::sleep(millis(&mut dice, 200, 5_000)).await;
                }
                2 => {
                    self.happens("wire silent", slot.name);
                    slot.wire.is_from_now_on(WireState::Silent);
                    tokio::time::sleep(millis(&mut dice, 500, 12_000)).await;
                    if dice.roll(2) == 0 {
                        slot.wire.cut();
                    }
                }
                _ => {
                    let at = dice.pick(&[AtCommit::Lost, AtCommit::Sent, AtCommit::Answered]);
                    let kind = match at {
                        AtCommit::Lost => "cut before COMMIT",
                        AtCommit::Sent => "cut at COMMIT",
                        AtCommit::Answered => "cut after COMMIT",
                    };
                    if slot.wire.cut_at_commit(at, Duration::from_secs(5)).await {
                        self.happens(kind, slot.name);
                    }
                }
            }
            slot.wire.is_from_now_on(WireState::Through);
        }
    }

    /// What happens to the database.
    pub async fn of_database(self: Arc<Chaos>, server: Arc<Server>, mut dice: Dice) {
        while self.next(&mut dice).await {
            let hard = dice.roll(3) == 0;
            let kind = if hard {
                "restart -m immediate"
            } else {
                "pg_terminate_backend"
            };
            self.happens(kind, "");
            let server = server.clone();
            let done = tokio::task::spawn_blocking(move || {
                if hard {
                    server.restart();
                } else {
                    server.look("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'scanhook'");
                }
            });
            done.await.unwrap();
        }
    }
}
