//! How it runs: flags, environment and `scanhook.toml`, in this order of precedence, become [`Settings`].
//! The only reader of the environment. Every fault of all three is reported at once, and no value of a secret ever.

mod auth;
mod limits;
mod locate;
mod place;
mod retention;
mod secret;
mod server;
mod source;
mod tenant;
#[cfg(test)]
mod tests;

use core::fmt;
use core::mem::take;
use core::time::Duration;
pub use limits::{FailureBudget, TrustedProxies};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::defender::Endpoints;
use crate::file::FileDigests;
use place::{Context, Section};
use scanhook_core::alert::Alert;
use scanhook_core::mapping::{DeliveryLimits, Mapping};
use scanhook_core::quota::Share;
use scanhook_core::scan::{Mode, OnUnknown};
use scanhook_core::signature::{Authentication, Key, KeyEncoding};
use scanhook_core::verdict::Limit;

/// Everything `serve` needs to know.
#[derive(Clone)]
pub struct Settings {
    /// `[server]`.
    pub server: Server,
    /// `[journal]`.
    pub journal: JournalSettings,
    /// `[tenants.*]`, by name.
    pub tenants: Vec<Tenant>,
    /// `[sources.*]`, by name.
    pub sources: Vec<Source>,
    /// The rules file.
    pub rules: PathBuf,
    /// Decide and show, send nothing.
    pub dry_run: bool,
    /// Send nothing until somebody resumes.
    pub paused: bool,
    /// Play the built-in simulator in place of Defender.
    pub simulate: bool,
    /// What the operator should change.
    pub warnings: Vec<String>,
    /// What a person should look at, or do elsewhere. What is as it should be is not told.
    pub notes: Vec<String>,
    /// Every file they were read from, as it was read: scanhook.toml and those of the secrets.
    pub files: FileDigests,
}

/// `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where webhooks arrive.
    pub listen: SocketAddr,
    /// Status, API, metrics; a loopback address.
    pub admin_listen: SocketAddr,
    /// Whose `X-Forwarded-For` or `Forwarded` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Caps of open connections.
    pub connections: Connections,
    /// Failed authentications an address may have.
    pub auth_failures: FailureBudget,
    /// Cap of a body, in bytes.
    pub max_body: usize,
    /// Most bytes of bodies in memory at once, for all senders together.
    pub body_memory: usize,
    /// For draining on SIGTERM.
    pub grace: Duration,
}

/// Caps of open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Of one address.
    pub per_address: usize,
    /// In all.
    pub total: usize,
}

/// `[journal]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// The SQLite file.
    pub path: PathBuf,
    /// How long bodies are kept.
    pub bodies: Duration,
    /// How long records are kept.
    pub records: Duration,
    /// How large it may be, in bytes; `None`: as large as the disk lets it.
    pub max_size: Option<u64>,
}

/// `[tenants.x]`: one Entra tenant with its credential and quota. Without `Debug`: it holds the credential.
#[derive(Clone)]
pub struct Tenant {
    /// The configured name; the rules' field `tenant`.
    pub name: String,
    /// Entra's id or domain of the tenant.
    pub tenant_id: String,
    /// The app registration.
    pub client_id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Where its calls go.
    pub endpoints: Endpoints,
    /// How far its rules may go; `None`: no ceiling.
    pub mode: Option<Mode>,
    /// Our share of each API's own budget.
    pub quota: Share,
    /// Scans that may begin in a sliding window.
    pub limit: Limit,
    /// What becomes of a call whose answer was lost, where the app may not read machine actions.
    pub on_unknown: OnUnknown,
    /// Scan calls carry `ExternalId`.
    pub external_id: bool,
    /// A scan that no list has ended by then is *lost*.
    pub follow_for: Duration,
}

/// `[sources.x]`: one configured sender. Without `Debug`: it holds its secrets.
#[derive(Clone)]
pub struct Source {
    /// The configured name, also in the URL.
    pub name: String,
    /// The preset its map builds on; empty for one that is all its own.
    pub preset: String,
    /// How its bodies are read.
    pub mapping: Mapping,
    /// How much one delivery may ask for.
    pub caps: DeliveryLimits,
    /// How its requests prove themselves.
    pub auth: Authentication,
    /// The tenants it may act on. With several, each alert says for which: [`Alert::acts_for`].
    pub tenants: Vec<String>,
    /// Media types it may send, lower case.
    pub content_types: Vec<String>,
    /// Whether it may compress its bodies by gzip.
    pub gzip: bool,
    /// Methods it may use, upper case.
    pub methods: Vec<String>,
    /// How long a delivery or alert counts as the same.
    pub remember: Duration,
    /// How long it may stay silent before somebody should look.
    pub expect_every: Option<Duration>,
    /// Cap of a body, in bytes.
    pub max_body: usize,
}

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
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The command line.
    pub flags: Flags,
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
            file: file.or_else(|| locate::config(&env)),
            env,
            flags,
        }
    }

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

/// The webhook secret in one file, as safe as one that the configuration names.
///
/// # Errors
/// A sentence, without anything of the secret.
pub fn webhook_key(path: &Path, encoding: KeyEncoding) -> Result<Key, String> {
    secret::key_in(path, encoding)
}

impl Source {
    /// A source that reads as a preset does, named like it. Nobody can authenticate as it: it is for bodies that lie
    /// here, not for requests.
    #[must_use]
    pub fn of_preset(name: &str) -> Option<Source> {
        source::of_preset(name)
    }

    /// The tenant that acts on an alert of it. `None` where it acts for several and the alert, which then is parked,
    /// belongs to none.
    #[must_use]
    pub fn tenant_of<'s>(&'s self, alert: &'s Alert) -> Option<&'s str> {
        let only = || self.tenants.first().filter(|_| self.tenants.len() == 1);
        alert.acts_for.as_ref().or_else(only).map(String::as_str)
    }
}

/// Something in the settings that cannot work. Holds no value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsFault {
    /// One of [`SettingsFault::CODES`].
    pub code: &'static str,
    /// The key, such as `tenants.default.client_id`; empty for the file as a whole.
    pub key: String,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl SettingsFault {
    /// Every code with its meaning.
    pub const CODES: &'static [(&'static str, &'static str)] = &[
        ("unreadable", "the file cannot be read"),
        ("syntax", "the file is not TOML"),
        ("unknown-key", "a key that means nothing here"),
        (
            "unknown-variable",
            "an environment variable that names no key",
        ),
        ("missing-key", "a key that must be there is not"),
        ("wrong-type", "a value of another type than the key takes"),
        ("bad-value", "a value the key cannot have"),
        (
            "bad-secret",
            "a secret that is not there, not safe where it lies, or protects nothing",
        ),
        ("not-yet", "a key of a later version"),
    ];
}

impl fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

/// How this program is called from any folder: by its name if it is found by that, else by its path.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "this is the door the ban points to"
)]
pub fn program() -> String {
    let name = env!("CARGO_PKG_NAME");
    let Some(own) = std::env::current_exe()
        .ok()
        .and_then(|path| path.canonicalize().ok())
    else {
        return name.to_owned();
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    match first.and_then(|first| first.canonicalize().ok()) {
        Some(first) if first == own => name.to_owned(),
        _ => own.display().to_string(),
    }
}

/// Where the system keeps temporary files.
#[must_use]
pub fn scratch_directory() -> PathBuf {
    std::env::temp_dir()
}

impl Settings {
    /// Reads everything, the secrets included.
    ///
    /// # Errors
    /// Every fault found, in the order of the keys.
    pub fn load(inputs: &Inputs) -> Result<Settings, Vec<SettingsFault>> {
        Settings::load_with_files(inputs).0
    }

    /// The same, with every file that was looked for, whether it was there or not.
    pub fn load_with_files(inputs: &Inputs) -> (Result<Settings, Vec<SettingsFault>>, FileDigests) {
        let mut files = FileDigests::default();
        let text = match inputs
            .file
            .as_deref()
            .map(|path| read(path, &mut files))
            .transpose()
        {
            Ok(text) => text.unwrap_or_default(),
            Err(fault) => return (Err(vec![fault]), files),
        };
        let mut ctx = Context::new(&text, inputs);
        let loaded = Settings::of_file(inputs, &mut ctx);
        files.add(take(&mut ctx.files));
        (
            loaded.map(|settings| Settings {
                files: files.clone(),
                ..settings
            }),
            files,
        )
    }

    fn of_file<'i>(
        inputs: &'i Inputs,
        ctx: &mut Context<'i>,
    ) -> Result<Settings, Vec<SettingsFault>> {
        let mut root = ctx.parse()?;
        let flags = &inputs.flags;
        let server = root
            .section(ctx, "server")
            .map(|s| server::read(s, flags, ctx));
        let journal = root.section(ctx, "journal").map(|s| records(s, flags, ctx));
        let policy = root.section(ctx, "policy").and_then(|s| policy(s, ctx));
        let mut tenants = root.sections(ctx, "tenants");
        let credential_free = flags.simulate || flags.credential_free;
        if tenants.is_empty() && credential_free {
            tenants.push(("default".to_owned(), Section::empty("tenants.default")));
        }
        if tenants.is_empty() {
            ctx.fault(
                "missing-key",
                "tenants",
                "no tenant is configured: name one, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
            );
        }
        let names: Vec<String> = tenants.iter().map(|(name, _)| name.clone()).collect();
        let tenants: Vec<_> = tenants
            .into_iter()
            .filter_map(|(name, s)| tenant::read(name, s, credential_free, ctx))
            .collect();
        let sources = root.sections(ctx, "sources");
        let max_body = server
            .as_ref()
            .map_or(server::MAX_BODY, |server| server.max_body);
        let sources: Vec<_> = sources
            .into_iter()
            .filter_map(|(name, s)| source::read(name, s, &names, max_body, ctx))
            .collect();
        root.finish(ctx);
        ctx.unused_variables();
        if !flags.simulate {
            tenant::compare(&tenants, ctx);
        }
        if let Some(journal) = &journal {
            ctx.faults
                .extend(retention::compare(journal, &tenants, &sources));
        }
        source::compare(&sources, ctx);
        let (faults, warnings, notes) = (
            take(&mut ctx.faults),
            take(&mut ctx.warnings),
            take(&mut ctx.notes),
        );
        match (server, journal) {
            (Some(server), Some(journal)) if faults.is_empty() => Ok(Settings {
                server,
                journal,
                tenants,
                sources,
                rules: inputs.rules_by(policy.as_deref()),
                dry_run: flags.dry_run,
                paused: flags.paused,
                simulate: flags.simulate,
                warnings,
                notes,
                files: FileDigests::default(),
            }),
            _ => Err(faults),
        }
    }
}

fn read(path: &Path, files: &mut FileDigests) -> Result<String, SettingsFault> {
    let fault = |message: String| SettingsFault {
        code: "unreadable",
        key: String::new(),
        line: None,
        column: None,
        message: format!("{}: {message}", path.display()),
    };
    let content = files
        .read(path, locate::LARGEST)
        .map_err(|e| fault(e.to_string()))?;
    if content.bytes.len() as u64 > locate::LARGEST {
        return Err(fault("larger than 4 MiB".to_owned()));
    }
    content.text().map_err(|e| fault(e.to_string()))
}

/// The journal of real work at this path, or, where there is none, that of `serve --simulate`: for those who only read.
#[must_use]
pub fn there_is(path: &Path) -> PathBuf {
    let played = simulated(path);
    if !path.exists() && played.exists() {
        played
    } else {
        path.to_owned()
    }
}

/// The journal of `--simulate` beside that of real work: what was only played must not answer a real alert.
fn simulated(path: &Path) -> PathBuf {
    let part = |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let stem = part(path.file_stem()).unwrap_or_default();
    let extension =
        part(path.extension()).map_or_else(String::new, |extension| format!(".{extension}"));
    path.with_file_name(format!("{stem}-simulated{extension}"))
}

/// `[policy]`: the name of the rules file.
fn policy<'i>(mut section: Section<'i>, ctx: &mut Context<'i>) -> Option<String> {
    let file = section.parse(ctx, "file", "the name of a file", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    });
    section.finish(ctx);
    file
}

/// `[journal]`. A relative path counts from `--data-dir`, else from the file.
fn records<'i>(mut section: Section<'i>, flags: &Flags, ctx: &mut Context<'i>) -> JournalSettings {
    let url = section
        .take::<String>(ctx, "url")
        .unwrap_or_else(|| "sqlite:scanhook.db".to_owned());
    let path = match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => path
            .strip_prefix("//")
            .filter(|p| p.starts_with('/'))
            .unwrap_or(path),
        _ if url.starts_with("postgres:") || url.starts_with("postgresql:") => {
            section.fault(
                ctx,
                "url",
                "not-yet",
                "PostgreSQL is not available in this version; use sqlite:PATH",
            );
            ""
        }
        _ => {
            section.fault(ctx, "url", "bad-value", "must be sqlite:PATH");
            ""
        }
    };
    let base = flags.data_dir.clone().unwrap_or_else(|| ctx.base.clone());
    let mut retention = section
        .section(ctx, "retention")
        .unwrap_or_else(|| Section::empty("journal.retention"));
    let mut days = |name, default: u64| {
        let default = Duration::from_secs(default * 86_400);
        retention.duration(
            ctx,
            name,
            default,
            Duration::from_secs(3_600)..=Duration::from_secs(36_500 * 86_400),
        )
    };
    let (bodies, kept) = (days("bodies", 30), days("records", 400));
    if kept < bodies {
        retention.fault(
            ctx,
            "records",
            "bad-value",
            "must be at least as long as `bodies`",
        );
    }
    retention.finish(ctx);
    let max_size = section.parse(
        ctx,
        "max_size",
        "a size of at least \"1MiB\", such as \"20GiB\"",
        |text| server::size(text).filter(|bytes| *bytes >= 1 << 20),
    );
    section.finish(ctx);
    let path = base.join(path);
    let path = if flags.simulate {
        simulated(&path)
    } else {
        path
    };
    JournalSettings {
        path,
        bodies,
        records: kept,
        max_size: max_size.map(|bytes| bytes as u64),
    }
}
