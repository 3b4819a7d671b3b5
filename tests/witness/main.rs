//! Promises whose witness is the kernel, a disk that is really full, or the clock on the wall. `cargo test` leaves them
//! out: they need strace, a file system of their own, or minutes. `.ci/run` calls them, and so can anybody:
//! `cargo test --test witness`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    unreachable_pub
)]

mod disk_full;
#[path = "../it/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "what is shared with the other tests, of which this one needs a part"
)]
mod harness;
mod sync_trace;
mod trace;
mod wall_clock;
