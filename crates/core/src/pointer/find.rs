//! The values that a pointer names, exactly as it is written.

use super::parse::{Pointer, PointerStep};
use crate::json::Json;

impl Pointer {
    /// Every value it names, in document order.
    #[must_use]
    pub fn all<'j, 'a>(&self, root: &'j Json<'a>) -> Vec<&'j Json<'a>> {
        if !self.is_plural() {
            return self.first(root).into_iter().collect();
        }
        let mut found = vec![root];
        for step in &self.steps {
            found = match step {
                PointerStep::Key(key) => found.into_iter().filter_map(|v| v.member(key)).collect(),
                PointerStep::Each => found.into_iter().flat_map(children).collect(),
            };
        }
        found
    }

    /// The first value it names.
    #[must_use]
    pub fn first<'j, 'a>(&self, root: &'j Json<'a>) -> Option<&'j Json<'a>> {
        if self.is_plural() {
            return self.all(root).into_iter().next();
        }
        self.steps.iter().try_fold(root, |value, step| match step {
            PointerStep::Key(key) => value.member(key),
            PointerStep::Each => None,
        })
    }
}

pub(super) fn children<'j, 'a>(value: &'j Json<'a>) -> Vec<&'j Json<'a>> {
    match value {
        Json::List(elements) => elements.iter().collect(),
        Json::Object(members) => members.iter().map(|(_, v)| v).collect(),
        _ => Vec::new(),
    }
}
