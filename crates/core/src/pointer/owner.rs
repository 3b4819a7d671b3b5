//! The values that a pointer names with the objects around them, for those who look for alerts in a body.

use super::find::children;
use super::parse::{Pointer, PointerStep};
use crate::json::Json;

impl Pointer {
    /// Every value it names, each with the nearest object around it (the root, where there is none nearer). An object in
    /// place of a list is its only element, unless it holds nothing but objects and lists: then each of them is one.
    #[must_use]
    pub fn all_with_owners<'j, 'a>(&self, root: &'j Json<'a>) -> Vec<(&'j Json<'a>, &'j Json<'a>)> {
        let mut found = vec![(root, root)];
        for step in &self.steps {
            let below = found.into_iter().flat_map(|(owner, value)| {
                let owner = if matches!(value, Json::Object(_)) {
                    value
                } else {
                    owner
                };
                let values = match step {
                    PointerStep::Key(key) => value.member(key).into_iter().collect(),
                    PointerStep::Each if is_element(value) => vec![value],
                    PointerStep::Each => children(value),
                };
                values.into_iter().map(move |value| (owner, value))
            });
            found = below.collect();
        }
        found
    }

    /// The object around a list that this pointer looks into and that holds nothing: `[]`, or `null` and the like in the
    /// place of a list.
    #[must_use]
    pub fn emptied<'j, 'a>(&self, root: &'j Json<'a>) -> Option<&'j Json<'a>> {
        for length in 1..=self.steps.len() {
            let before = Pointer {
                steps: self.steps.iter().take(length).cloned().collect(),
            };
            let named = matches!(before.steps.last(), Some(PointerStep::Key(_)));
            let into = matches!(self.steps.get(length), None | Some(PointerStep::Each));
            if named
                && into
                && let Some((owner, _)) = before
                    .all_with_owners(root)
                    .iter()
                    .find(|(_, value)| value.is_missing())
            {
                return Some(owner);
            }
        }
        None
    }
}

/// Whether an object tells something itself, and is no collection of elements.
fn is_element(value: &Json<'_>) -> bool {
    let Json::Object(members) = value else {
        return false;
    };
    members
        .iter()
        .any(|(_, member)| member.text().is_some() || matches!(member, Json::Bool(_)))
}
