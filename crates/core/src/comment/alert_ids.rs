//! The ids of the alerts that one scan answers: the first always, of the others as many as there is room for.

use super::token::clean;
use crate::plain::cut;

/// Characters of one alert id; real ones are far shorter.
pub(super) const ID_MAX: usize = 128;

/// `first, second and 4 more`: the first always, of the others as many as `max` characters hold.
pub(super) fn alert_ids(first: &str, more: &[&str], max: usize) -> String {
    let mut listed = first.to_owned();
    let mut best = more_after(&listed, more.len());
    for (n, id) in more.iter().enumerate() {
        listed.push_str(", ");
        listed.push_str(&cut(clean(id).chars(), ID_MAX));
        if listed.chars().count() > max {
            break;
        }
        let text = more_after(&listed, more.len() - n - 1);
        if text.chars().count() <= max {
            best = text;
        }
    }
    best
}

fn more_after(listed: &str, left: usize) -> String {
    if left == 0 {
        listed.to_owned()
    } else {
        format!("{listed} and {left} more")
    }
}
