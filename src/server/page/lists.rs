//! What all lists have in common: the form that narrows them, how much of them is shown, and the way to the rest.

use super::visit::Visit;
use crate::api::{Page, Total};
use scanhook_core::percent::query;

/// One parameter of a list, as its form asks for it.
pub(super) struct FilterField {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    /// The words it may be, each with what is shown for it; none: any text.
    pub(super) choices: Vec<(&'static str, &'static str)>,
    pub(super) hint: &'static str,
    /// Whether it narrows the list, so that it may be left open; else it says how the list is made.
    pub(super) narrows: bool,
}

impl FilterField {
    pub(super) fn is(&self, word: &str) -> bool {
        self.value == word
    }
}

/// The form that narrows a list.
pub(super) struct FilterForm {
    pub(super) path: String,
    pub(super) fields: Vec<FilterField>,
    /// The tenant that is looked at stays.
    pub(super) tenant: Option<String>,
    /// Whether anything narrows it.
    pub(super) narrowed: bool,
}

/// What stands around a list.
pub(super) struct ListFrame {
    pub(super) filter: FilterForm,
    /// How many rows are shown of how many.
    pub(super) amount: String,
    /// The first page, where this is another one.
    pub(super) first: Option<String>,
    pub(super) next: Option<String>,
}

/// A field for free text.
pub(super) const fn text(
    key: &'static str,
    label: &'static str,
    hint: &'static str,
) -> FilterField {
    FilterField {
        key,
        label,
        value: String::new(),
        choices: Vec::new(),
        hint,
        narrows: true,
    }
}

/// A field for one of these words.
pub(super) fn choice(
    key: &'static str,
    label: &'static str,
    choices: impl IntoIterator<Item = &'static str>,
) -> FilterField {
    FilterField {
        choices: choices.into_iter().map(|word| (word, word)).collect(),
        ..text(key, label, "")
    }
}

impl FilterForm {
    /// The form with what was asked for.
    pub(super) fn new(visit: &Visit, mut fields: Vec<FilterField>) -> FilterForm {
        for field in &mut fields {
            if let Some(value) = visit.value(field.key) {
                value.clone_into(&mut field.value);
            }
        }
        let mut narrowing = fields.iter().filter(|field| field.narrows);
        FilterForm {
            path: visit.path.clone(),
            tenant: visit.value("tenant").map(str::to_owned),
            narrowed: narrowing.any(|field| !field.value.is_empty()),
            fields,
        }
    }

    /// The list without what narrows it.
    pub(super) fn cleared(&self) -> String {
        match &self.tenant {
            Some(tenant) => format!("{}?{}", self.path, query([("tenant", tenant.as_str())])),
            None => self.path.clone(),
        }
    }
}

impl ListFrame {
    /// What stands around this page of a list.
    pub(super) fn new<T>(visit: &Visit, fields: Vec<FilterField>, page: &Page<T>) -> ListFrame {
        let is_later = visit.value("after").is_some();
        ListFrame {
            filter: FilterForm::new(visit, fields),
            amount: amount(page.items.len(), page.total.as_ref(), is_later),
            first: is_later.then(|| visit.link_to("")),
            next: page.next.as_deref().map(|next| visit.link_to(next)),
        }
    }
}

/// "100 of 120", "all 12", "100 more".
fn amount(shown: usize, total: Option<&Total>, is_later: bool) -> String {
    match total {
        _ if is_later => format!("{shown} more"),
        Some(Total::Exact(total)) if u64::try_from(shown) == Ok(*total) => format!("all {shown}"),
        Some(Total::Exact(total)) => format!("{shown} of {total}"),
        Some(Total::AtLeast(total)) => format!("{shown} of {total}"),
        None => format!("{shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_how_much_of_it_is_shown() {
        assert_eq!(amount(100, Some(&Total::Exact(120)), false), "100 of 120");
        assert_eq!(amount(12, Some(&Total::Exact(12)), false), "all 12");
        assert_eq!(
            amount(100, Some(&Total::at_least(10_000)), false),
            "100 of 10000+"
        );
        assert_eq!(amount(20, None, true), "20 more");
    }
}
