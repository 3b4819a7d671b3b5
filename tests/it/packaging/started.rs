//! The program as a supervisor starts it: with a socket to be told on, and with listeners that are open already.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A folder with the two files: one source `soar` with a token, and a port of the system's choice for each listener.
pub(super) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let toml = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
                [sources.soar]\npreset = \"generic\"\nauth = [{ bearer = { secret_env = \"SOAR\" } }]\n";
    std::fs::write(folder.path().join("scanhook.toml"), toml).unwrap();
    std::fs::write(folder.path().join("rules.toml"), "version = 1\n").unwrap();
    folder
}

/// The secret of `soar`.
pub(super) const SECRET: &str = "a secret of more than thirty-two bytes";

/// A scanhook that plays Defender itself; gone when dropped.
pub(super) struct Started(Child);

impl Started {
    /// Starts it, and says where it is to tell how it is, if anywhere.
    pub(super) fn told_on(folder: &Path, place: &Path, more: &[(&str, &str)]) -> Started {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command
            .args(["serve", "--simulate"])
            .env("NOTIFY_SOCKET", place)
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Started::run(command, folder)
    }

    /// Starts it with what systemd would hand over: up to two descriptors from 3 on, with their names.
    pub(super) fn handed(folder: &Path, handed: Vec<OwnedFd>, names: &str) -> Started {
        let count = handed.len().to_string();
        let mut handed = handed.into_iter().map(Stdio::from);
        let mut command = Command::new("sh");
        // A child is given its first three descriptors; the shell makes others of them, and becomes the program.
        command
            .args([
                "-c",
                "exec 3<&0 4<&1 0</dev/null 1>/dev/null; LISTEN_PID=$$ exec \"$@\"",
                "sh",
                env!("CARGO_BIN_EXE_scanhook"),
                "serve",
                "--simulate",
            ])
            .env("LISTEN_FDS", count)
            .env("LISTEN_FDNAMES", names)
            .stdin(handed.next().unwrap_or_else(Stdio::null))
            .stdout(handed.next().unwrap_or_else(Stdio::null));
        Started::run(command, folder)
    }

    fn run(mut command: Command, folder: &Path) -> Started {
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("serve.log"))
            .unwrap();
        let child = command
            .current_dir(folder)
            .env("SOAR", SECRET)
            .stderr(log)
            .spawn()
            .unwrap();
        Started(child)
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// How it ended by itself.
    pub(super) fn ended(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }

    /// Ends it as a supervisor does; how it ended.
    pub(super) fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A socket on which a supervisor listens.
pub(super) fn supervisor(place: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(place).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    socket
}

/// A listener that is open before the program is, and the copy to hand over.
pub(super) fn listener(address: &str) -> (TcpListener, OwnedFd) {
    let listener = TcpListener::bind(address).unwrap();
    let copy = listener.try_clone().unwrap().into();
    (listener, copy)
}
