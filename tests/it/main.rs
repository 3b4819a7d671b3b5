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

mod access;
mod admin;
mod authentication;
mod backlog;
mod backup;
mod bytes;
mod canaries;
mod control;
mod credentials;
mod demo;
#[path = "../../benches/desk/mod.rs"]
mod desk;
mod directory;
mod docs;
mod doctor;
mod door;
mod events;
mod explain;
mod exports;
mod far_side;
mod field;
mod first_hour;
mod fleet;
mod follow;
mod harness;
mod hostile;
mod house;
mod init;
mod intake;
mod journal;
mod kill;
mod listener;
mod lists;
mod messages;
mod mutations;
mod naive;
mod network;
mod night;
mod openapi;
mod packaging;
mod page;
mod plan;
mod power_cut;
mod presets;
mod refusals;
mod reload;
mod repeats;
mod replay;
mod replicas;
mod rows;
mod rules;
mod schema;
mod schema_keys;
mod screens;
mod sending;
mod sessions;
mod shapes;
mod sign_in;
mod simulation;
mod simulator;
mod sources;
mod telemetry;
mod tenants;
mod tls;
mod trusted;
mod verbs;
mod watching;
mod why;
mod wire;
mod worker;
mod write_back;
