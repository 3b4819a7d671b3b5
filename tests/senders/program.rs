//! A sender's own program: started in a folder of its own, ended with the test, its output shown when the test fails.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A sender that runs.
pub struct Program {
    child: Child,
    folder: TempDir,
}

/// A folder for a sender's files.
pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Where the senders are that no package of the system brings.
pub fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .join("senders")
        .join(path);
    assert!(
        path.exists(),
        "{} is not there: run tests/senders/install",
        path.display()
    );
    path
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Program {
    /// Starts a program in this folder.
    pub fn start(folder: TempDir, program: impl AsRef<Path>, arguments: &[&str]) -> Program {
        let program = program.as_ref();
        let output = File::create(folder.path().join("output")).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; run tests/senders/install", program.display())
            });
        Program { child, folder }
    }

    /// Waits until it has ended, and expects that it ended well.
    pub async fn ends_well(&mut self) {
        let status = crate::harness::until("the sender's program ends", async || {
            self.child.try_wait().unwrap()
        })
        .await;
        assert!(status.success(), "{status}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "{}",
                std::fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
            );
        }
    }
}
