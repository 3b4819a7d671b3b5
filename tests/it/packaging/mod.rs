//! What is shipped beside the program: units, chart, alerts, dashboard, action and book, held against the program itself.
//! What their own tools say of them (helm, promtool, systemd-analyze, mdbook) is asked by `packaging/check`.

mod book;
mod commands;
mod configuration;
mod findings;
mod health;
mod monitoring;
mod promql;
mod shells;
mod sockets;
mod started;
mod supervisor;

use std::path::Path;

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"))
}
