//! The journal in a real PostgreSQL, which each test starts for itself in a folder of its own: `initdb`, `pg_ctl` and `psql`
//! have to be installed, which is why `cargo test` alone leaves these out: `cargo test --test postgres`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    unreachable_pub
)]

mod asked;
mod chaos;
mod copying;
#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
mod credentials;
#[path = "../../benches/desk/mod.rs"]
mod desk;
mod far;
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the other tests, which use all of it"
)]
#[path = "../it/harness/mod.rs"]
mod harness;
mod plans;
mod refused;
mod replicas;
mod server;
mod serving;
mod sets;
#[allow(dead_code, reason = "shared with the other tests, which use all of it")]
mod simulation;
mod tls;
mod wire;
