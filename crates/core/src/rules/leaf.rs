//! One field with one operator: the least that can be true, false or unknown.

use core::ops::Range;

use super::comparison::Test;
use super::fact_view::FactView;
use super::field::Field;
use super::field_value::FieldValue;
use super::memo;
use super::reading::Reading;
use super::truth::Truths;
use crate::verdict::Seen;

/// Characters of a value that a decision record keeps.
const SEEN_MAX: usize = 120;

/// One field and one operator.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) field: Field,
    pub(super) test: Test,
    /// The bytes of the value in the file.
    pub(super) span: Range<usize>,
}

impl Leaf {
    pub(super) fn truths(&self, view: &FactView<'_>) -> Truths {
        if view.open && self.field.is_open(view) {
            return Truths::EITHER;
        }
        memo::truths(view.event.memo, self.field.scope(), self, || {
            self.judged(view)
        })
    }

    fn judged(&self, view: &FactView<'_>) -> Truths {
        let values = match self.field.read(view) {
            Reading::Unknown => return Truths::UNKNOWN,
            Reading::Absent => return Truths::of(matches!(self.test, Test::Exists(false))),
            Reading::Present(values) => values,
        };
        let at = view.event.at;
        let truths =
            match &self.test {
                Test::Exists(wanted) => {
                    Truths::of(values.iter().any(FieldValue::has_content) == *wanted)
                }
                Test::AllOf(operands) => Truths::all(operands.iter().map(|operand| {
                    Truths::any(values.iter().map(|value| operand.equals(value, at)))
                })),
                test => Truths::any(values.iter().map(|value| test.holds(value, at))),
            };
        // What is not among the values that could be read may be among those that could not.
        let hidden = truths == Truths::FALSE && !matches!(self.test, Test::Exists(_));
        if hidden && self.field.is_partly_known(view) {
            Truths::UNKNOWN
        } else {
            truths
        }
    }

    /// Its field with the value it has.
    pub(super) fn seen(&self, view: &FactView<'_>) -> Seen {
        memo::seen(view.event.memo, self.field.scope(), self, || {
            self.looked_at(view)
        })
    }

    fn looked_at(&self, view: &FactView<'_>) -> Seen {
        let (value, unknown) = match self.field.read(view) {
            Reading::Present(values) => {
                let unknown = self.field.is_partly_known(view) && self.truths(view) != Truths::TRUE;
                (Some(values.shown(SEEN_MAX)), unknown)
            }
            Reading::Absent => (None, false),
            Reading::Unknown => (None, true),
        };
        Seen {
            field: self.field.name().to_owned(),
            value,
            unknown,
        }
    }
}
