//! What stands in a cell: an instant, a span, a device, a number with its noun.

use crate::api::WaitView;
use scanhook_core::time::Timestamp;

/// An instant as a cell: UTC, to the second.
pub(crate) fn time(text: &str) -> String {
    match Timestamp::parse(text) {
        Some(time) => time
            .to_string()
            .chars()
            .take(19)
            .map(|c| if c == 'T' { ' ' } else { c })
            .collect(),
        None => text.to_owned(),
    }
}

/// An instant that may not have come yet.
pub(crate) fn time_of(text: Option<&String>) -> String {
    text.map_or_else(String::new, |text| time(text))
}

/// What is waited for, a line each.
pub(crate) fn waiting(waits: &[WaitView]) -> impl Iterator<Item = String> {
    waits.iter().map(|wait| format!("waits: {}", wait.why))
}

/// How long ago it was, in its two largest units.
pub(crate) fn age(text: &str, now: Timestamp) -> String {
    let Some(at) = Timestamp::parse(text) else {
        return text.to_owned();
    };
    let seconds = now.since(at).as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let Some(largest) = units.iter().position(|(_, size)| seconds >= *size) else {
        return "0s".to_owned();
    };
    let mut left = seconds;
    let parts = units.iter().skip(largest).take(2).map(|(unit, size)| {
        let number = left / size;
        left %= size;
        (number, unit)
    });
    parts
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A device: its name, and the beginning of its machine's id; the whole id where it has no name.
pub(crate) fn device(name: Option<&str>, label: &str, machine: Option<&str>) -> String {
    let name = name.filter(|name| !name.is_empty()).unwrap_or(label);
    match machine {
        Some(machine) if machine != name => {
            format!("{name} ({}…)", machine.chars().take(8).collect::<String>())
        }
        _ => name.to_owned(),
    }
}

/// 1,000,000.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && n % 3 == first {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 scan", "1,000 scans": for people, who read tables; `counted` of the core groups no digits, since what it says is also
/// stored and sent.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!(
        "{} {what}{}",
        grouped(number),
        if number == 1 { "" } else { "s" }
    )
}
