//! The list that `"@name"` names, made ready for the field it is compared with.

use std::sync::Arc;

use super::mistaken::{TECHNIQUES, is_address, is_technique};
use super::walk::{Node, Walk};
use crate::rules::field::Field;
use crate::rules::finding::{code, quoted, suggest};
use crate::rules::list::{ListType, Written, WrittenList};
use crate::rules::named::Shape;
use crate::rules::operand::Operand;

pub(super) const TYPES: &[(&str, ListType)] = &[
    (ListType::Text.code(), ListType::Text),
    (ListType::Glob.code(), ListType::Glob),
    (ListType::Cidr.code(), ListType::Cidr),
    (ListType::MachineId.code(), ListType::MachineId),
];

impl Walk<'_> {
    /// The list that `"@name"` names, made ready for the field it is compared with.
    pub(super) fn listed(
        &mut self,
        field: &Field,
        reference: &str,
        value: &Node<'_>,
    ) -> Option<Operand> {
        let name = reference.strip_prefix('@').unwrap_or(reference);
        let Some(list) = self.lists.by_name.get(name) else {
            let known: Vec<&str> = self.lists.by_name.keys().map(String::as_str).collect();
            let remedy = if known.is_empty() {
                "the file has no `[lists.…]`".to_owned()
            } else {
                suggest(name, &known)
            };
            self.error_with(
                code::UNKNOWN_LIST,
                value.span(),
                format!("no list {}", quoted(reference)),
                remedy,
            );
            return None;
        };
        self.lists.used.insert(name.to_owned());
        if !list.fits(field) {
            let name = TYPES
                .iter()
                .find(|(_, kind)| *kind == list.kind)
                .map_or("", |(name, _)| name);
            let message = format!(
                "a list of type `{name}` cannot be compared with `{}`",
                field.name()
            );
            self.error(code::UNFIT_OPERATOR, value.span(), message);
            return None;
        }
        let key = (name.to_owned(), field.shape());
        if let Some(made) = self.lists.made.get(&key) {
            return Some(Operand::List(made.clone()));
        }
        let (made, unfit) = (
            Arc::new(list.members(name, field.shape())),
            list.unlike(field.shape()),
        );
        self.lists.made.insert(key, made.clone());
        if let Some((code, what, remedy)) = unfit {
            let message = format!(
                "the list `{name}` holds entries that are not {what}, so nothing is equal to them"
            );
            self.lint(code, value.span(), &message, remedy);
        }
        Some(Operand::List(made))
    }
}

impl WrittenList {
    /// What its texts are not that a field of this shape holds. Patterns are told where they stand.
    fn unlike(&self, shape: Shape) -> Option<(&'static str, &'static str, &'static str)> {
        let all = |fits: fn(&str) -> bool| {
            self.entries.iter().all(|(entry, _)| match entry {
                Written::Text(text) => text.contains('*') || fits(text),
                Written::Glob(..) | Written::Network(_) => true,
            })
        };
        match shape {
            Shape::Address if !all(is_address) => Some((
                code::NEVER_EQUAL,
                "addresses",
                "networks stand in a list of `type = \"cidr\"`",
            )),
            Shape::Technique if !all(is_technique) => {
                Some((code::NO_TECHNIQUE, "ATT&CK techniques", TECHNIQUES))
            }
            _ => None,
        }
    }
}
