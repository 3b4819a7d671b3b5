//! All that settings are made from, and what the environment says of the person and the terminal.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What the command line says. `None` and `false` leave it to the environment and the file.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// `--admin-listen`.
    pub admin_listen: Option<SocketAddr>,
    /// `--data-dir`: where a journal with a relative path lies.
    pub data_dir: Option<PathBuf>,
    /// `--rules`.
    pub rules: Option<PathBuf>,
    /// `--dry-run`.
    pub dry_run: bool,
    /// `--paused`.
    pub paused: bool,
    /// `--simulate`: the far side is the built-in simulator, and the journal is one of its own. Tenants then need no
    /// credential.
    pub simulate: bool,
    /// Nothing is called, so no tenant needs a credential.
    pub credential_free: bool,
}

/// All that settings are made from.
#[derive(Clone, Default)]
pub struct Inputs {
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    pub env: BTreeMap<String, String>,
    pub flags: Flags,
}

impl Inputs {
    /// Whether a terminal may be shown colours: `NO_COLOR` is not set, and it is not a dumb one.
    #[must_use]
    pub fn colour(&self) -> bool {
        self.env.get("NO_COLOR").is_none_or(String::is_empty)
            && self.env.get("TERM").is_none_or(|term| term != "dumb")
    }

    /// How wide a terminal is said to be: `COLUMNS`, if it is a number.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        self.env
            .get("COLUMNS")?
            .parse()
            .ok()
            .filter(|columns| *columns > 0)
    }

    /// Whether the cursor of a terminal can be moved: `TERM` names one, and it is not a dumb one.
    #[must_use]
    pub fn moves_cursor(&self) -> bool {
        self.env
            .get("TERM")
            .is_some_and(|term| !term.is_empty() && term != "dumb")
    }

    /// The name the operating system gives the person at the terminal.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        let names = ["USER", "LOGNAME", "USERNAME"].into_iter();
        names
            .filter_map(|name| self.env.get(name))
            .map(String::as_str)
            .find(|name| !name.trim().is_empty())
    }

    /// What is logged: `SCANHOOK_LOG`, else `RUST_LOG`, else everything from `info`.
    #[must_use]
    pub fn log(&self) -> &str {
        let set = |name| {
            self.env
                .get(name)
                .map(String::as_str)
                .filter(|text| !text.is_empty())
        };
        set("SCANHOOK_LOG")
            .or_else(|| set("RUST_LOG"))
            .unwrap_or("info")
    }
}
