//! Spans as a person says them.

pub(super) fn millis(span: core::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A span as a person says it: `0.3 s`, `12 min`, `2 h 5 min`.
pub(super) fn seconds(ms: u64) -> String {
    let (minutes, hours) = (ms / 60_000, ms / 3_600_000);
    match ms {
        0..=119_999 => format!("{:.1} s", ms as f64 / 1_000.0),
        120_000..=7_199_999 => format!("{minutes} min"),
        _ => format!("{hours} h {} min", minutes % 60),
    }
}
