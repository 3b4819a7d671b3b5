//! `[journal]`.

use core::time::Duration;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::inputs::Flags;
use super::place::{Context, Section};
use super::server::size;

/// `[journal]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    pub path: PathBuf,
    /// How long bodies are kept.
    pub bodies: Duration,
    /// How long records are kept.
    pub records: Duration,
    /// How long rows of the audit are kept.
    pub audit: Duration,
    /// How large it may be, in bytes; `None`: as large as the disk lets it.
    pub max_size: Option<u64>,
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
        audit,
        max_size: max_size.map(|bytes| bytes as u64),
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
