//! A journal that moves from a file into PostgreSQL: it is served from there with everything that people saw before, and the
//! file is not served any more. Whatever stands in the way is said, and leaves both as they were.

mod refused;
mod rows;
mod served;

use std::path::Path;
use std::process::Command;

use scanhook::journal::{Copied, Ids, copy_journal};
use scanhook_core::time::Timestamp;

use crate::server::{PASSWORD, Server};

fn copied(path: &Path, server: &Server) -> Copied {
    copy_journal(
        path,
        &server.at(),
        Ids::seeded(1),
        Timestamp::from_millis(7),
    )
    .unwrap()
}

/// `scanhook journal copy`, with its exit status and what it says.
fn verb(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .args(["journal", "copy"])
        .args(arguments)
        .current_dir(folder)
        .env_clear();
    command
}

/// The file of the password, as a person would make it.
fn password(folder: &Path) {
    crate::harness::add(folder, "", &[("journal.secret", &format!("{PASSWORD}\n"))]);
}

/// A small journal, closed.
fn small(path: &Path) {
    drop(crate::simulation::kept_in(path, 3));
}

fn is_empty(server: &Server) -> bool {
    ["delivery", "alert", "scan", "tenant", "event", "audit"]
        .iter()
        .all(|table| server.look(&format!("SELECT count(*) FROM {table}")) == "0")
}
