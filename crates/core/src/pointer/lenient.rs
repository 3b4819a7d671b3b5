//! The values that a pointer names where a sender may write one value in place of a list of one, and a list in place of
//! one.

use super::parse::{Pointer, PointerStep};
use crate::json::Json;

impl Pointer {
    /// Every value it names that is not missing, where a sender may write one value in place of a list of one, and a list
    /// in place of one value. `fits` chooses where a `*` could mean the members of an object or the object itself;
    /// `spread` steps through lists of any length, without it only through a list of one.
    pub fn lenient<'j, 'a>(
        &self,
        root: &'j Json<'a>,
        spread: bool,
        fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    ) -> Vec<&'j Json<'a>> {
        let mut found = Vec::new();
        lenient(&self.steps, root, spread, fits, &mut found);
        found
    }
}

fn lenient<'j, 'a>(
    steps: &[PointerStep],
    value: &'j Json<'a>,
    spread: bool,
    fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    found: &mut Vec<&'j Json<'a>>,
) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_missing() {
            found.push(value);
        }
        return;
    };
    match (step, value) {
        (_, Json::Null) => {}
        (PointerStep::Key(key), value) => match (value.member(key), value) {
            (Some(member), _) => lenient(rest, member, spread, fits, found),
            (None, Json::List(elements)) if spread || elements.len() == 1 => {
                elements
                    .iter()
                    .for_each(|element| lenient(steps, element, spread, fits, found));
            }
            (None, Json::List(_)) => {}
            // The first of a list of one.
            (None, _) if key == "0" => lenient(rest, value, spread, fits, found),
            (None, _) => {}
        },
        (PointerStep::Each, Json::List(elements)) => {
            elements
                .iter()
                .for_each(|element| lenient(rest, element, spread, fits, found));
        }
        (PointerStep::Each, Json::Object(members)) => {
            let before = found.len();
            members
                .iter()
                .for_each(|(_, member)| lenient(rest, member, spread, fits, found));
            if found.iter().skip(before).any(|value| fits(value)) {
                return;
            }
            let mut alone = Vec::new();
            lenient(rest, value, spread, fits, &mut alone);
            if alone.iter().any(|value| fits(value)) {
                found.truncate(before);
                found.append(&mut alone);
            }
        }
        (PointerStep::Each, value) => lenient(rest, value, spread, fits, found),
    }
}
