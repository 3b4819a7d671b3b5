//! Which operators have a meaning for which field, and what is said of one that has none.

use core::ops::Range;

use super::field_entry::OPERATORS;
use super::walk::Walk;
use crate::rules::field::Field;
use crate::rules::finding::code;
use crate::rules::named::Shape;

/// The operators that have a meaning for a field.
pub(super) fn fitting(field: &Field) -> Vec<&'static str> {
    let fits = |operator: &&&str| match (**operator, field.shape()) {
        ("exists", _) | (_, Shape::Any) => true,
        ("gte" | "gt" | "lte" | "lt", shape) => matches!(shape, Shape::Severity | Shape::Time),
        ("older_than", shape) => shape == Shape::Time,
        ("cidr", shape) => shape == Shape::Address,
        ("all_of", _) => field.is_list(),
        (_, shape) => !matches!(shape, Shape::Severity | Shape::Time),
    };
    OPERATORS.iter().filter(fits).copied().collect()
}

impl Walk<'_> {
    /// Said of an operator that exists, on a field that it is not for.
    pub(super) fn unfit(&mut self, field: &Field, what: &str, span: Range<usize>, remedy: &str) {
        let message = format!("{what}: the operator has no meaning for `{}`", field.name());
        self.error_with(code::UNFIT_OPERATOR, span, message, remedy);
    }
}
