//! The sentences of those waits that have several numbers or times in them.

use crate::obstacles::Spent;
use crate::time::Timestamp;

pub(super) fn times(count: u32) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

pub(super) fn no_token(asked: Option<Timestamp>, lacks: Option<&str>) -> String {
    if let Some(lacks) = lacks {
        let again = asked.map_or_else(String::new, |at| format!("; tried again at {}", at.shown()));
        return format!("there is no token of Entra ID: {lacks}{again}");
    }
    match asked {
        Some(at) => format!(
            "there is no token of Entra ID: one is asked for at {}; nothing to do",
            at.shown()
        ),
        None => "there is no token of Entra ID: one is being asked for; nothing to do".to_owned(),
    }
}

pub(super) fn window(names: &[String], opens: Option<Timestamp>) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let names = if names.is_empty() {
        "its window".to_owned()
    } else {
        format!("window {}", names.join(" or "))
    };
    match opens {
        Some(opens) => {
            format!(
                "{names} is closed until {}: to send it before that, `scanhook cancel` it, then `scanhook retry --now`",
                opens.shown()
            )
        }
        None => format!("{names} is not in the rules in force: put it back, or cancel the scan"),
    }
}

pub(super) fn quota(spent: &Spent) -> String {
    let Spent {
        used,
        of,
        until,
        kept,
    } = spent;
    let numbers = format!(
        "{} of {} in the last minute, {} of {} in the last hour",
        used.0, of.0, used.1, of.1
    );
    let until = until.shown();
    if *kept {
        format!(
            "the rest of the quota is kept for urgent scans ({numbers}); the next may leave at {until}; nothing to do"
        )
    } else {
        format!(
            "the quota of scan calls is spent ({numbers}); the next may leave at {until}; `[tenants.x] quota` is our share"
        )
    }
}

pub(super) fn look_up(asked: Option<Timestamp>, late: Timestamp) -> String {
    let late = late.shown();
    match asked {
        Some(asked) => format!(
            "Defender's directory was asked at {} and has not answered yet; decided without it from {late} on; nothing to do",
            asked.shown()
        ),
        None => {
            format!(
                "Defender's directory has not been asked yet; decided without it from {late} on; nothing to do"
            )
        }
    }
}
