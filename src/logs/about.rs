//! The fields of a line about decisions and scans: the one place that names them. `tracing` has no lists, so that several
//! values travel as one text, and become a list again where a line is written for programs.

use core::fmt;

use tracing::field::DebugValue;

use super::escaped;

/// Between the values of a list. No value has one: control characters are spelled out before.
const BETWEEN: char = '\u{1f}';
/// The fields that may have several values.
const LISTS: [&str; 4] = ["source", "alert", "decision", "device"];

/// Values of one field.
pub(crate) struct Several<'a>(&'a [String]);

impl fmt::Debug for Several<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, value) in self.0.iter().enumerate() {
            if n > 0 {
                fmt::Write::write_char(f, BETWEEN)?;
            }
            f.write_str(&escaped(value))?;
        }
        Ok(())
    }
}

/// The values of a field; `None`, which is not written, where there are none.
pub(crate) fn several(values: &[String]) -> Option<DebugValue<Several<'_>>> {
    (!values.is_empty()).then(|| tracing::field::debug(Several(values)))
}

/// Whether a field may have several values.
pub(super) fn is_list(field: &str) -> bool {
    LISTS.contains(&field)
}

/// One value as it is, several as a list.
pub(super) fn for_programs(text: &str) -> serde_json::Value {
    if text.contains(BETWEEN) { text.split(BETWEEN).collect::<Vec<_>>().into() } else { text.into() }
}

/// The same on one line.
pub(super) fn for_people(text: &str) -> String {
    text.replace(BETWEEN, ",")
}

/// Logs a line about decisions or a scan: `about!(info, &about, outcome = %outcome, "scan over")`.
macro_rules! about {
    ($level:ident, $about:expr, $($more:tt)*) => {{
        let about: &$crate::domain::about::About = $about;
        tracing::$level!(
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
}

pub(crate) use about;
