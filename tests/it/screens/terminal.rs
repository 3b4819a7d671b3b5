//! A terminal of a given size that a program is run on: what it is shown, byte for byte.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

pub struct Terminal {
    master: OwnedFd,
    slave: File,
}

impl Terminal {
    pub fn open(columns: u16, lines: u16) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        tcsetwinsize(
            &master,
            Winsize {
                ws_row: lines,
                ws_col: columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )
        .unwrap();
        Terminal { master, slave }
    }

    /// Runs a command to its end, with what is typed on its terminal; its status and what it showed, without the carriage
    /// returns that the terminal adds.
    pub fn run(self, command: &mut Command, typed: &str) -> (Option<i32>, String) {
        let end = || Stdio::from(self.slave.try_clone().unwrap());
        let mut child = command
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let (master, mut shown) = (
            self.master.as_fd().try_clone_to_owned().unwrap(),
            Vec::new(),
        );
        File::from(self.master).write_all(typed.as_bytes()).unwrap();
        // The command holds copies of its own; reading ends when nobody has the other side any more.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        drop(self.slave);
        let mut master = File::from(master);
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = master.read(&mut part) {
            shown.extend_from_slice(&part[..read]);
        }
        (
            child.wait().unwrap().code(),
            String::from_utf8(shown).unwrap().replace('\r', ""),
        )
    }
}
