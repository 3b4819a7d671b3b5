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

mod demo;
mod docs;
mod harness;
mod house;
mod init;
mod intake;
mod journal;
mod kill;
mod lane;
mod listener;
mod presets;
mod refusals;
mod shapes;
mod simulation;
mod simulator;
mod sources;
mod verbs;
mod wire;
