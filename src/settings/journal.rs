//! `[journal]`.

use core::time::Duration;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::authorities::bundle;
use super::inputs::Flags;
use super::journal_location::JournalLocation;
use super::named::sqlite_path;
use super::place::{Context, Section};
use super::postgres::PostgresSettings;
use super::secret::text_in;
use super::server::size;
use scanhook_core::lease::LeaseTerms;

/// `[journal]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// The file; empty where it is in a database.
    pub path: PathBuf,
    /// The database, where it is in one.
    pub postgres: Option<PostgresSettings>,
    /// How long a replica has a tenant for itself.
    pub lease: Duration,
    /// How long bodies are kept.
    pub bodies: Duration,
    /// How long records are kept.
    pub records: Duration,
    /// How long rows of the audit are kept.
    pub audit: Duration,
    /// How large it may be, in bytes; `None`: as large as the disk lets it.
    pub max_size: Option<u64>,
}

impl JournalSettings {
    /// Where it lies, for those who only read.
    #[must_use]
    pub fn location(&self) -> JournalLocation {
        match &self.postgres {
            Some(postgres) => JournalLocation::Database(Arc::new(postgres.clone())),
            None => JournalLocation::File(there_is(&self.path)),
        }
    }

    /// The file to read, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match self.location() {
            JournalLocation::File(path) => Some(path),
            JournalLocation::Database(_) => None,
        }
    }

    /// How leases are, where other processes may have the same journal.
    #[must_use]
    pub fn terms(&self) -> Option<LeaseTerms> {
        self.postgres.as_ref().map(|_| LeaseTerms::new(self.lease))
    }
}

/// Reads it. A relative path counts from `--data-dir`, else from the file.
pub(super) fn read<'i>(
    mut section: Section<'i>,
    flags: &Flags,
    ctx: &mut Context<'i>,
) -> JournalSettings {
    let url = section
        .take::<String>(ctx, "url")
        .unwrap_or_else(|| "sqlite:scanhook.db".to_owned());
    let postgres = of_postgres(&url, &mut section, ctx);
    let path = match sqlite_path(&url) {
        Some(path) => path,
        _ if PostgresSettings::is_meant(&url) => "",
        _ => {
            let shape = "must be sqlite:PATH or postgres://USER@HOST:PORT/DATABASE";
            section.fault(ctx, "url", "bad-value", shape);
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
    let (bodies, kept, audit) = (days("bodies", 30), days("records", 400), days("audit", 400));
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
        |text| size(text).filter(|bytes| *bytes >= 1 << 20),
    );
    if max_size.is_some() && postgres.is_some() {
        let why = "is for a file: the administrator of the database says how large that may be";
        section.fault(ctx, "max_size", "bad-value", why);
    }
    let minute = Duration::from_secs(60);
    let lease = section.duration(ctx, "lease", minute, Duration::from_secs(4)..=10 * minute);
    section.finish(ctx);
    let path = base.join(path);
    let path = if postgres.is_some() {
        PathBuf::new()
    } else if flags.simulate {
        simulated(&path)
    } else {
        path
    };
    JournalSettings {
        path,
        postgres,
        lease,
        bodies,
        records: kept,
        audit,
        max_size: max_size.map(|bytes| bytes as u64),
    }
}

/// The database that the url names, with what is needed to be let in.
fn of_postgres<'i>(
    url: &str,
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
) -> Option<PostgresSettings> {
    if !PostgresSettings::is_meant(url) {
        for name in ["password_file", "ca_file"] {
            if section.has(ctx, name) {
                let _ = section.take::<String>(ctx, name);
                let why = "is for a journal in PostgreSQL, and `url` names a file";
                section.fault(ctx, name, "bad-value", why);
            } else {
                section.offer(&[name]);
            }
        }
        return None;
    }
    let password = if section.has(ctx, "password_file") {
        text_in(section, ctx, "password_file")
    } else {
        section.offer(&["password_file"]);
        None
    };
    let authorities = bundle(section, ctx, "ca_file");
    match PostgresSettings::parse(url) {
        Ok(postgres) => Some(PostgresSettings {
            password,
            authorities,
            ..postgres
        }),
        Err(why) => {
            section.fault(ctx, "url", "bad-value", why);
            None
        }
    }
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
