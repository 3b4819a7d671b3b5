//! The program itself, as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::listening;

/// A running `scanhook serve`; gone when dropped.
pub struct Binary {
    child: Child,
    pub public: SocketAddr,
    pub admin: SocketAddr,
}

impl Binary {
    /// Serves what is installed in a folder.
    pub async fn serve(folder: &Path) -> Binary {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scanhook"))
            .args([
                "serve",
                "--config",
                "scanhook.toml",
                "--rules",
                "rules.toml",
            ])
            .current_dir(folder)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = listening::said(&mut child, std::io::sink());
        let [public, admin] = tokio::task::spawn_blocking(move || listening::addresses(&said))
            .await
            .unwrap();
        Binary {
            child,
            public,
            admin,
        }
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it holds of the machine's memory, in KiB.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
