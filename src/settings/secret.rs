//! Secrets are named, never written: `secret_file` or `secret_env`, one or, while rotating, several.

use std::path::Path;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::place::{Context, Section};
use crate::file::{self, Content, FileDigests};
use scanhook_core::signature::{Key, KeyEncoding, SecretOrigin};

/// A file larger than this is no secret.
const LARGEST: u64 = 64 * 1024;

/// What some editors put before UTF-8; nobody's secret begins with it.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A secret with the name it may be logged by.
pub(super) struct NamedSecret {
    pub(super) id: String,
    origin: SecretOrigin,
    pub(super) secret: SecretSlice<u8>,
}

impl NamedSecret {
    /// What is odd about a secret whose text is used as it is. The text itself is not shown.
    pub(super) fn oddity(&self) -> Option<String> {
        let secret = self.secret.expose_secret();
        let is_blank = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
        let place = match (is_blank(secret.first()), is_blank(secret.last())) {
            (true, true) => "begins and ends",
            (true, false) => "begins",
            (false, true) => "ends",
            (false, false) => return None,
        };
        Some(format!(
            "{}: the secret {place} with a blank or a line break, which is part of it; if the sender's secret has none \
             there, every request is refused: remove it",
            self.id
        ))
    }
}

/// The webhook keys a table names; faults are noted.
pub(super) fn keys<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
    encoding: KeyEncoding,
) -> Vec<Key> {
    let mut keys = Vec::new();
    for (name, named) in named(section, ctx) {
        if encoding == KeyEncoding::Raw {
            ctx.warnings.extend(named.oddity());
        }
        match Key::encoded(named.id.as_str(), named.secret.expose_secret(), encoding) {
            Ok(key) => keys.push(key.kept_in(named.origin)),
            Err(why) => section.fault(ctx, name, "bad-secret", format!("{}: {why}", named.id)),
        }
    }
    keys
}

/// The one secret a table names, as text; faults are noted.
pub(super) fn only_text<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
) -> Option<SecretString> {
    let all = named(section, ctx);
    let [(key, named)] = &all[..] else {
        if !all.is_empty() {
            section.fault(
                ctx,
                "secret_file",
                "bad-value",
                "names several secrets; one is used",
            );
        }
        return None;
    };
    as_text(named, |_| true, key, section, ctx)
}

/// A secret as text, if it may be such; faults are noted.
fn as_text<'i>(
    named: &NamedSecret,
    fits: fn(&str) -> bool,
    key: &'static str,
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
) -> Option<SecretString> {
    ctx.warnings.extend(named.oddity());
    let why = match core::str::from_utf8(named.secret.expose_secret()) {
        Ok("") => "is empty",
        Ok(text) if !fits(text) => "has more than one line",
        Ok(text) => return Some(SecretString::from(text)),
        Err(_) => "is not UTF-8",
    };
    section.fault(ctx, key, "bad-secret", format!("{}: {why}", named.id));
    None
}

/// The secrets a table names, each with the key that names it; faults are noted.
pub(super) fn named<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
) -> Vec<(&'static str, NamedSecret)> {
    let mut all = Vec::new();
    let (files, variables) = (
        section.secrets(ctx, "secret_file"),
        section.secrets(ctx, "secret_env"),
    );
    match (&files, &variables) {
        (None, None) => section.missing(
            ctx,
            "secret_file",
            "names no secret: `secret_file` or `secret_env`",
        ),
        (Some(_), Some(_)) => {
            section.fault(
                ctx,
                "secret_env",
                "bad-value",
                "stands beside `secret_file`; name one of them",
            );
        }
        _ => {}
    }
    for file in files.into_iter().flatten() {
        let path = section.folder(ctx, "secret_file").join(&file);
        match from_file(&path, &mut ctx.files, &mut ctx.notes) {
            Ok(named) => all.push(("secret_file", named)),
            Err(message) => section.fault(ctx, "secret_file", "bad-secret", message),
        }
    }
    for variable in variables.into_iter().flatten() {
        ctx.used.insert(variable.clone());
        match ctx.env.get(&variable) {
            Some(text) => {
                let secret = SecretSlice::from(trimmed(text.clone().into_bytes()));
                let origin = SecretOrigin::Variable(variable.clone());
                all.push((
                    "secret_env",
                    NamedSecret {
                        id: variable,
                        origin,
                        secret,
                    },
                ));
            }
            None => section.fault(
                ctx,
                "secret_env",
                "bad-secret",
                format!("the variable {variable} is not set"),
            ),
        }
    }
    all
}

/// The secret text in the one file that a key names; faults are noted.
pub(super) fn text_in<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
    key: &'static str,
) -> Option<SecretString> {
    let file = section.parse(ctx, key, "the name of a file", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    })?;
    let path = ctx.base.join(file);
    let named = from_file(&path, &mut ctx.files, &mut ctx.notes)
        .map_err(|message| section.fault(ctx, key, "bad-secret", message))
        .ok()?;
    let is_line = |text: &str| !text.contains(char::is_control);
    as_text(&named, is_line, key, section, ctx)
}

/// The secret text of one line in one file; otherwise a sentence that says what is wrong.
pub(super) fn line_in(path: &Path) -> Result<SecretString, String> {
    let named = from_file(path, &mut FileDigests::default(), &mut Vec::new())?;
    let why = match core::str::from_utf8(named.secret.expose_secret()) {
        Ok("") => "is empty",
        Ok(text) if text.contains(char::is_control) => "has more than one line",
        Ok(text) => return Ok(SecretString::from(text)),
        Err(_) => "is not UTF-8",
    };
    Err(format!("{}: {why}", path.display()))
}

/// The webhook key in one file.
pub(super) fn key_in(path: &Path, encoding: KeyEncoding) -> Result<Key, String> {
    let named = from_file(path, &mut FileDigests::default(), &mut Vec::new())?;
    let key = Key::encoded(named.id.as_str(), named.secret.expose_secret(), encoding);
    key.map(|key| key.kept_in(named.origin))
        .map_err(|why| format!("{}: {why}", path.display()))
}

fn from_file(
    path: &Path,
    files: &mut FileDigests,
    notes: &mut Vec<String>,
) -> Result<NamedSecret, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("{shown}: {error}");
    // Opened once, so that what is checked is what is read.
    let Content { bytes, about } = files.read(path, LARGEST).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{shown}: is not a file of at most 64 KiB"));
    }
    if let Some(note) = access(&about, path)? {
        notes.push(note);
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(format!(
            "{shown}: is written in UTF-16, so its bytes are not the secret's; write it in UTF-8"
        ));
    }
    let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) if core::str::from_utf8(rest).is_ok() => {
            notes.push(format!(
                "{shown}: the byte order mark at its beginning is not part of the secret"
            ));
            rest.to_vec()
        }
        _ => bytes,
    };
    let bytes = trimmed(bytes);
    let id = path.file_name().map_or_else(
        || shown.to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(NamedSecret {
        id,
        origin: SecretOrigin::File(path.to_owned()),
        secret: SecretSlice::from(bytes),
    })
}

/// Who else may read it: everyone is a fault, the group is worth a note.
#[cfg(unix)]
pub(super) fn access(about: &std::fs::Metadata, path: &Path) -> Result<Option<String>, String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = about.permissions().mode();
    let shown = path.display();
    if file::is_exposed(about) {
        return Err(format!(
            "{shown}: everyone on this machine can read or write it; chmod 600 it"
        ));
    }
    Ok((mode & 0o060 != 0).then(|| format!("{shown}: its group can read or write it, too")))
}

#[cfg(not(unix))]
pub(super) fn access(_: &std::fs::Metadata, _: &Path) -> Result<Option<String>, String> {
    Ok(None)
}

/// Without one newline at the end, which editors and `echo` leave.
fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}
