//! The fields of a line about decisions and scans: the one place that names them. `tracing` has no lists, so that several
//! values travel as one text, and become a list again where a line is written for programs.

use core::fmt;
use core::str::Split;

use tracing::field::DebugValue;

use super::escape::escaped;

/// Before each value of a list. No value has one: it is spelled out before.
const BEFORE: char = '\u{1f}';
/// The fields that may have several values.
const LISTS: [&str; 4] = ["source", "alert", "decision", "device"];

/// Values of one field.
pub(crate) struct Several<'a>(&'a [String]);

impl fmt::Debug for Several<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|value| write!(f, "{BEFORE}{}", value.replace(BEFORE, "\\u{1f}")))
    }
}

/// The values of a field; `None`, which is not written, where there are none.
pub(crate) fn several(values: &[String]) -> Option<DebugValue<Several<'_>>> {
    (!values.is_empty()).then(|| tracing::field::debug(Several(values)))
}

/// The values, if the text of this field is that of a list.
fn list<'t>(field: &str, text: &'t str) -> Option<Split<'t, char>> {
    let values = text
        .strip_prefix(BEFORE)
        .filter(|_| LISTS.contains(&field))?;
    Some(values.split(BEFORE))
}

/// One value as it is, several as a list.
pub(super) fn for_programs(field: &str, text: &str) -> serde_json::Value {
    let Some(values) = list(field, text) else {
        return escaped(text).into();
    };
    let mut values: Vec<String> = values.map(escaped).collect();
    match values.len() {
        1 => values.remove(0).into(),
        _ => values.into(),
    }
}

/// The same on one line, each value in quotes, so that none looks like another field.
pub(super) fn for_people(field: &str, text: &str) -> String {
    let Some(values) = list(field, text) else {
        return escaped(text);
    };
    escaped(
        &values
            .map(|value| format!("{value:?}"))
            .collect::<Vec<_>>()
            .join(","),
    )
}

/// Logs a line about decisions or a scan: `about!(info, &about, outcome = %outcome, "scan over")`.
/// Lines go by the name of the module they are in, or by the `target:` that comes first.
macro_rules! about {
    (target: $target:expr, $level:ident, $about:expr, $($more:tt)*) => {{
        let about: &scanhook_core::about::About = $about;
        tracing::$level!(
            target: $target,
            tenant = about.tenant,
            source = $crate::logs::several(&about.sources),
            alert = $crate::logs::several(&about.alerts),
            decision = $crate::logs::several(&about.decisions),
            more_decisions = about.more_decisions,
            device = $crate::logs::several(&about.devices),
            name = about.name,
            machine = about.machine,
            scan = about.scan,
            rule = about.rule,
            $($more)*
        )
    }};
    ($level:ident, $about:expr, $($more:tt)*) => {
        $crate::logs::about!(target: module_path!(), $level, $about, $($more)*)
    };
}

pub(crate) use about;
