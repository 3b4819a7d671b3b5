//! A field of a condition: one of the table of names, or a place in the raw body.

use std::borrow::Cow;

use super::body_value::read_body;
use super::fact_view::FactView;
use super::field_value::Values;
use super::memo::MemoScope;
use super::named::{Named, Shape};
use super::reading::Reading;
use crate::pointer::Pointer;

/// A field of a condition: a named one, or a place in the raw body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Named(Named),
    Pointer { text: String, pointer: Pointer },
}

impl Field {
    /// As the rules name it.
    pub(super) fn name(&self) -> &str {
        match self {
            Field::Named(named) => named.code(),
            Field::Pointer { text, .. } => text,
        }
    }

    /// As a key of TOML.
    pub(super) fn written(&self) -> Cow<'_, str> {
        match self {
            Field::Named(named) => Cow::Borrowed(named.code()),
            Field::Pointer { text, .. } => Cow::Owned(format!("{text:?}")),
        }
    }

    pub(super) const fn shape(&self) -> Shape {
        match self {
            Field::Named(named) => named.shape(),
            Field::Pointer { .. } => Shape::Any,
        }
    }

    pub(super) fn read<'e>(&self, view: &FactView<'e>) -> Reading<Values<'e>> {
        match self {
            Field::Named(named) => named.read(view),
            Field::Pointer { pointer, .. } => read_body(pointer, view.event.body),
        }
    }

    /// Whether there may be other values beside those it has: what is not among them is not known.
    pub(super) fn is_partly_known(&self, view: &FactView<'_>) -> bool {
        matches!(self, Field::Named(named) if named.is_partly_known(view.event))
    }

    /// Whether the directory can still say something else of it than what is known now.
    pub(super) fn is_open(&self, view: &FactView<'_>) -> bool {
        match self {
            Field::Named(named) => named.is_open(view),
            Field::Pointer { .. } => false,
        }
    }

    pub(super) const fn is_device(&self) -> bool {
        matches!(self, Field::Named(named) if named.is_device())
    }

    /// For how long conditions on it come to the same; `None` where they depend on the device, or cost nothing.
    pub(super) const fn scope(&self) -> Option<MemoScope> {
        match self {
            Field::Pointer { .. } => Some(MemoScope::Body),
            Field::Named(
                Named::User
                | Named::AlertId
                | Named::AlertTitle
                | Named::AlertCategory
                | Named::AlertTechniques
                | Named::AlertStatus
                | Named::AlertDetector,
            ) => Some(MemoScope::Alert),
            Field::Named(_) => None,
        }
    }

    /// Whether it can hold several values.
    pub(super) const fn is_list(&self) -> bool {
        match self {
            Field::Named(named) => named.is_list(),
            Field::Pointer { .. } => true,
        }
    }
}
