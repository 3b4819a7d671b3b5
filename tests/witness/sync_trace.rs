//! The kernel's word that a success is on disk: killing the program cannot show it, for a killed program keeps what it
//! wrote in the page cache.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Far, RULES, Served, Wish, alert, client, install, join, machine, until};
use crate::trace::{self, Answers};

const POSTS: u32 = 1_000;
/// At the same time, so that they share commits.
const SENDERS: u32 = 10;

#[tokio::test]
async fn a_sync_stands_between_reading_each_request_and_writing_its_success() {
    let far = Far::open(Wish::default().setup).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let trace = folder.path().join("trace");
    let served = Served::run(traced(Served::command(folder.path()), &trace)).await;

    let sender = async |first: u32| {
        let http = client();
        for n in (first..POSTS).step_by(usize::try_from(SENDERS).unwrap()) {
            let severity = if n.is_multiple_of(20) { "high" } else { "low" };
            let answer = served
                .post(&http, &alert(&n.to_string(), severity, &machine(n)))
                .await;
            assert_eq!(answer.status, 202, "{}", answer.text);
        }
    };
    join((0..SENDERS).map(sender).collect()).await;
    until("scans are sent meanwhile", async || {
        (far.scans().len() > 10).then_some(())
    })
    .await;
    served.kill();
    let posts = usize::try_from(POSTS).unwrap();
    let answers = until("strace has written all of it", async || {
        let answers = trace::read(&fs::read_to_string(&trace).unwrap());
        (answers.written >= posts).then_some(answers)
    })
    .await;
    assert_eq!(
        answers,
        Answers {
            written: posts,
            unsynced: Vec::new()
        }
    );
    println!("{POSTS} of {POSTS} successes were synced first");
}

/// The command under strace, which traces from beside it (`-D`), so that the process is the program itself.
fn traced(command: Command, trace: &Path) -> Command {
    let mut traced = Command::new("strace");
    traced
        .args([
            "-D",
            "-f",
            "-qq",
            "-y",
            "-s",
            "32",
            "-e",
            &format!("trace={}", trace::CALLS),
            "-o",
        ])
        .arg(trace);
    traced
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap());
    traced.stdout(Stdio::null());
    traced
}
