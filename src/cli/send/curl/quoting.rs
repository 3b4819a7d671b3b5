//! Text where it is to stand: as a word of a shell, in curl's configuration, and the way a shell comes by a secret that is
//! never written down.

use std::path::Path;

use crate::cli::trouble::{CliError, Exit};
use scanhook_core::signature::{Key, SecretOrigin};

/// How a shell comes by the first of these secrets.
pub(super) fn secret(keys: &[Key]) -> Result<String, CliError> {
    match keys.first().and_then(Key::origin) {
        Some(SecretOrigin::File(path)) => Ok(format!("\"$(cat {})\"", quoted(&file(path)?))),
        Some(SecretOrigin::Variable(name)) => Ok(format!("\"${{{name}}}\"")),
        None => Err(no_origin()),
    }
}

/// The same inside a quoted value of curl's configuration, which is text of a here-document.
pub(super) fn in_config(keys: &[Key]) -> Result<String, CliError> {
    const ESCAPE: &str = "sed 's/[\\\\\"]/\\\\&/g'";
    match keys.first().and_then(Key::origin) {
        Some(SecretOrigin::File(path)) => Ok(format!("$({ESCAPE} {})", quoted(&file(path)?))),
        Some(SecretOrigin::Variable(name)) => {
            Ok(format!("$(printf %s \"${{{name}}}\" | {ESCAPE})"))
        }
        None => Err(no_origin()),
    }
}

pub(super) fn no_origin() -> CliError {
    CliError::new(
        Exit::Usage,
        "the secret stays out of the command: name its file with --secret-file",
    )
}

/// Text inside a quoted value of curl's configuration, in a here-document that a shell expands.
pub(super) fn in_document(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\\\\\"),
            '$' | '`' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A path as a word. One that begins with a dash would be taken for an option.
pub(super) fn file(path: &Path) -> Result<String, CliError> {
    let text = path
        .to_str()
        .ok_or_else(|| CliError::new(Exit::Usage, "a file name that is not UTF-8"))?;
    Ok(if text.starts_with('-') && text != "-" {
        format!("./{text}")
    } else {
        text.to_owned()
    })
}

/// One word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        return text.to_owned();
    }
    quoted_always(text)
}

pub(super) fn quoted_always(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
