//! What a user relies on, held against the real thing: one promise a test, one file a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    unreachable_pub
)]

mod backlog;
mod demo;
#[path = "../../benches/desk/mod.rs"]
mod desk;
mod docs;
mod far_side;
mod harness;
mod house;
mod intake;
mod journal;
mod kill;
mod lane;
mod listener;
mod power_cut;
mod refusals;
mod simulation;
mod simulator;
mod verbs;
mod wire;
