//! Puts a text at the places that a pointer names: the only use of a pointer that changes a value.

use super::parse::{Pointer, PointerStep};
use crate::json::{Json, Object};

impl Pointer {
    /// Puts a text at every place it names, with the objects that lead there; how many places there were. What stands
    /// in its way stays, and is no place.
    pub fn put(&self, root: &mut Json<'_>, text: &str) -> usize {
        put(&self.steps, root, text)
    }
}

fn put(steps: &[PointerStep], value: &mut Json<'_>, text: &str) -> usize {
    let Some((step, rest)) = steps.split_first() else {
        *value = Json::Text(text.to_owned().into());
        return 1;
    };
    match (step, value) {
        (PointerStep::Each, Json::List(elements)) => elements
            .iter_mut()
            .map(|element| put(rest, element, text))
            .sum(),
        (PointerStep::Each, Json::Object(members)) => members
            .values_mut()
            .map(|member| put(rest, member, text))
            .sum(),
        (PointerStep::Key(key), Json::Object(members)) => {
            let missing = members.get(key).is_none();
            let member = members.or_null(key);
            if missing {
                *member = Json::Object(Object::default());
            }
            put(rest, member, text)
        }
        (PointerStep::Key(key), Json::List(elements)) => {
            let at = key
                .parse::<usize>()
                .ok()
                .filter(|at| at.to_string() == *key);
            at.and_then(|at| elements.get_mut(at))
                .map_or(0, |element| put(rest, element, text))
        }
        _ => 0,
    }
}
