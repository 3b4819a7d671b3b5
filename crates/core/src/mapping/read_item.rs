//! One item of a delivery with what it was read from, and the item that a delivery becomes which is parked as one.

use super::Item;
use super::notes::{Notes, Remark, Supply};
use super::path::At;
use crate::alert::{Alert, AlertReason, Note};

/// One item of a delivery, with what it was read from.
pub(super) struct ReadItem<'j, 'a> {
    pub(super) item: Item,
    /// Where it starts; `None` where the delivery is parked as one.
    pub(super) at: Option<At<'j, 'a>>,
    /// What supplied what, where that was asked for.
    pub(super) trace: Vec<Supply>,
    /// What did not become a field, and why, where that was asked for.
    pub(super) remarks: Vec<Remark>,
}

/// A delivery that is parked as one.
pub(super) fn as_one<'j, 'a>(
    reason: AlertReason,
    derived: &str,
    detail: impl Into<String>,
) -> ReadItem<'j, 'a> {
    let alert = Alert {
        id: derived.to_owned(),
        id_derived: true,
        dedupe: derived.to_owned(),
        ..Alert::default()
    };
    ReadItem {
        item: Item::Parked {
            reason,
            alert,
            detail: detail.into(),
        },
        at: None,
        trace: Vec::new(),
        remarks: Vec::new(),
    }
}

/// An item with what was noted while it was read from `at`.
pub(super) fn noted<'j, 'a>(mut item: Item, at: At<'j, 'a>, notes: Notes) -> ReadItem<'j, 'a> {
    if !notes.replaced.is_empty() {
        item.alert_mut().notes.insert(Note::ReplacedBytes);
    }
    ReadItem {
        item,
        at: Some(at),
        trace: notes.trace.unwrap_or_default(),
        remarks: notes.remarks,
    }
}
