//! Where the two files lie, and where a running responder is asked, for whoever does not say it on the command line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::inputs::{Flags, Inputs};
use crate::file;

const CONFIG: &str = "scanhook.toml";
const RULES: &str = "rules.toml";
/// Where a responder is asked of which nothing is known.
const ADMIN: &str = "127.0.0.1:9090";
/// A configuration larger than this is a mistake.
pub(super) const LARGEST: u64 = 4 << 20;

/// Variables that are no keys of scanhook.toml, but flags of the command line.
pub(super) const FLAGS: [&str; 7] = [
    "SCANHOOK_ADMIN",
    "SCANHOOK_CA",
    "SCANHOOK_CONFIG",
    "SCANHOOK_LOG",
    "SCANHOOK_LOG_FORMAT",
    "SCANHOOK_RULES",
    "SCANHOOK_TOKEN_FILE",
];

/// A variable that says something.
fn variable<'e>(env: &'e BTreeMap<String, String>, name: &str) -> Option<&'e str> {
    env.get(name)
        .map(String::as_str)
        .filter(|text| !text.is_empty())
}

/// The configuration that `SCANHOOK_CONFIG` names, else the first that there is: here, in the person's own folder, in the
/// computer's.
pub(super) fn config(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    if let Some(named) = variable(env, "SCANHOOK_CONFIG") {
        return Some(PathBuf::from(named));
    }
    let home = || variable(env, "HOME").map(|home| Path::new(home).join(".config"));
    // A relative folder is to be passed over, as the XDG specification says.
    let own = variable(env, "XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(home);
    let own = own.map(|folder| folder.join("scanhook").join(CONFIG));
    let places = [
        Some(PathBuf::from(CONFIG)),
        own,
        Some(Path::new("/etc/scanhook").join(CONFIG)),
    ];
    places.into_iter().flatten().find(|path| path.exists())
}

impl Inputs {
    /// Takes the environment of this process. Without a named file, `SCANHOOK_CONFIG` names it; else the first is taken that
    /// there is: scanhook.toml here, in `$XDG_CONFIG_HOME/scanhook`, in `/etc/scanhook`.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the door the ban points to"
    )]
    pub fn from_process(file: Option<PathBuf>, flags: Flags) -> Inputs {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let env = std::env::vars_os().filter_map(text).collect();
        Inputs {
            file: file.or_else(|| config(&env)),
            env,
            flags,
        }
    }

    /// The rules file: `--rules`, else `SCANHOOK_RULES`, else `[policy] file`, else rules.toml beside the configuration.
    /// Nothing else of the configuration has to be right for that.
    #[must_use]
    pub fn rules(&self) -> PathBuf {
        self.rules_by(self.said(&["policy", "file"]).as_deref())
    }

    /// The same, where it is named or there.
    #[must_use]
    pub fn rules_if_any(&self) -> Option<PathBuf> {
        let named = self.named_rules().is_some() || self.said(&["policy", "file"]).is_some();
        Some(self.rules()).filter(|path| named || path.exists())
    }

    /// The same, with what `[policy] file` says.
    pub(super) fn rules_by(&self, file: Option<&str>) -> PathBuf {
        let folder = self
            .file
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""));
        self.named_rules()
            .unwrap_or_else(|| folder.join(file.unwrap_or(RULES)))
    }

    fn named_rules(&self) -> Option<PathBuf> {
        self.flags
            .rules
            .clone()
            .or_else(|| variable(&self.env, "SCANHOOK_RULES").map(PathBuf::from))
    }

    /// Where the responder is asked: `SCANHOOK_ADMIN`, else `[admin] listen`, else the usual address.
    #[must_use]
    pub fn admin(&self) -> String {
        if let Some(url) = variable(&self.env, "SCANHOOK_ADMIN") {
            return if url.contains("://") {
                url.to_owned()
            } else {
                format!("http://{url}")
            };
        }
        let names = [["admin", "listen"], ["server", "admin_listen"]];
        let address = names
            .iter()
            .find_map(|key| self.by_variable(key))
            .or_else(|| names.iter().find_map(|key| self.in_file(key)))
            .and_then(|text| text.parse::<SocketAddr>().ok());
        let scheme = match self.said(&["admin", "tls", "cert_file"]) {
            Some(_) => "https",
            None => "http",
        };
        address.map_or_else(
            || format!("{scheme}://{ADMIN}"),
            |address| format!("{scheme}://{address}"),
        )
    }

    /// The file of the authority that signed the responder's certificate: `SCANHOOK_CA`.
    #[must_use]
    pub fn authority(&self) -> Option<PathBuf> {
        variable(&self.env, "SCANHOOK_CA").map(PathBuf::from)
    }

    /// The file that holds the token of whoever asks: `SCANHOOK_TOKEN_FILE`.
    #[must_use]
    pub fn token_file(&self) -> Option<PathBuf> {
        variable(&self.env, "SCANHOOK_TOKEN_FILE").map(PathBuf::from)
    }

    /// The text of one key, by its variable or by the file. Whether the file is right is no matter here.
    fn said(&self, key: &[&str]) -> Option<String> {
        self.by_variable(key).or_else(|| self.in_file(key))
    }

    fn by_variable(&self, key: &[&str]) -> Option<String> {
        let name = format!("SCANHOOK_{}", key.join("__")).to_uppercase();
        variable(&self.env, &name).map(str::to_owned)
    }

    fn in_file(&self, key: &[&str]) -> Option<String> {
        let text = file::read(self.file.as_deref()?, LARGEST)
            .ok()?
            .text()
            .ok()?;
        let table: toml::Table = text.parse().ok()?;
        let (first, below) = key.split_first()?;
        let value = below
            .iter()
            .try_fold(table.get(*first)?, |value, key| value.get(*key))?;
        Some(value.as_str()?.to_owned())
    }
}

/// What to say of a variable that begins as ours do and is none of them. `SCANHOOK_PORT` and its like are what Kubernetes
/// says of a service named scanhook.
pub(super) fn stray(name: &str) -> Option<String> {
    let rest = name.strip_prefix("SCANHOOK_")?;
    let foreign = rest.starts_with("SERVICE_") || rest == "PORT" || rest.starts_with("PORT_");
    if FLAGS.contains(&name) || foreign {
        return None;
    }
    let section = [
        "SERVER",
        "ADMIN",
        "JOURNAL",
        "POLICY",
        "TENANT_DEFAULTS",
        "TENANTS",
        "SOURCES",
    ]
    .into_iter();
    let key = section
        .filter_map(|one| Some((one, rest.strip_prefix(one)?.strip_prefix('_')?)))
        .next();
    let remedy = match key {
        Some((section, key)) => {
            format!("two underscores stand between the parts of a key: `SCANHOOK_{section}__{key}`")
        }
        None => format!(
            "there is {}, and `SCANHOOK_SERVER__LISTEN` and its like for keys of scanhook.toml",
            FLAGS.join(", ")
        ),
    };
    Some(format!(
        "the variable {name} means nothing to scanhook: {remedy}"
    ))
}
