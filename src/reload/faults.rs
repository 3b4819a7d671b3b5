//! Faults of the files as others read them: in the log, in status, in the answer to a reload.

use std::path::Path;

use crate::api::FaultView;
use crate::settings::SettingsFault;
use scanhook_core::plain::one_line;
use scanhook_core::rules::Finding;

/// Characters of a sentence.
pub(super) const LONGEST: usize = 500;
/// Faults that are shown and logged; the others are counted.
pub(super) const MOST: usize = 50;

/// What is wrong, as others read it: one line each, whatever stands in the file.
pub(crate) fn fault(
    file: &Path,
    at: Option<(usize, usize)>,
    code: &str,
    message: &str,
) -> FaultView {
    FaultView {
        file: one_line(&file.display().to_string(), LONGEST),
        line: at.map(|(line, _)| line),
        column: at.map(|(_, column)| column),
        code: code.to_owned(),
        message: one_line(message, LONGEST),
        remedy: None,
    }
}

/// A fault of scanhook.toml, of a file that it includes, or of their secrets.
pub(crate) fn of_settings(file: Option<&Path>, found: SettingsFault) -> FaultView {
    let SettingsFault {
        code,
        key,
        file: included,
        line,
        column,
        message,
    } = found;
    let message = if key.is_empty() {
        message
    } else {
        format!("{key}: {message}")
    };
    fault(
        included.as_deref().or(file).unwrap_or(Path::new("")),
        line.zip(column),
        code,
        &message,
    )
}

/// The findings in rules.toml, whose text this is. Those that nobody reads are counted: to find the place of each takes a
/// walk over the text.
pub(crate) fn of_rules<'f>(
    file: &Path,
    text: &str,
    found: impl Iterator<Item = &'f Finding>,
) -> Vec<FaultView> {
    let of = |(n, finding): (usize, &Finding)| match n < MOST {
        true => of_finding(file, text, finding),
        false => fault(file, None, finding.code, ""),
    };
    found.enumerate().map(of).collect()
}

/// A test inside rules.toml that fails.
pub(crate) fn of_test(file: &Path, name: &str, line: usize, failures: &[String]) -> FaultView {
    fault(
        file,
        Some((line, 1)),
        "test-failed",
        &sentence_of_test(name, failures),
    )
}

/// What is said of such a test.
pub(crate) fn sentence_of_test(name: &str, failures: &[String]) -> String {
    format!("the test `{name}` fails: {}", failures.join("; "))
}

fn of_finding(file: &Path, text: &str, found: &Finding) -> FaultView {
    let remedy = found
        .remedy
        .as_deref()
        .map(|remedy| one_line(remedy, LONGEST));
    FaultView {
        remedy,
        ..fault(file, Some(found.position(text)), found.code, &found.message)
    }
}

/// A line of the log for each, up to as many as anybody reads; `why` the files were read, and what became of it.
pub(crate) fn log(why: &'static str, faults: &[FaultView], more: usize, became: &'static str) {
    for FaultView {
        file,
        line,
        column,
        code,
        message: fault,
        remedy,
    } in faults.iter().take(MOST)
    {
        tracing::error!(why, file, line, column, code, fault, remedy, "{became}");
    }
    let more = more + faults.len().saturating_sub(MOST);
    if more > 0 {
        tracing::error!(count = more, "and so many faults more");
    }
}
