//! A delivery whose list of alerts is empty, which is a message of its own and not a fault.

use super::Item;
use super::compiled::Mapping;
use super::fields::alert;
use super::item_place::emptied;
use super::notes::Notes;
use super::other_body::not_understood;
use super::path::At;
use super::read_item::{ReadItem, as_one};
use super::source::ValueSource;
use crate::alert::AlertReason;
use crate::json::Json;

/// What stands in the place of an alert that is not there.
static NOTHING: Json<'static> = Json::Null;

const NO_ALERTS: &str = "no alerts in it";

/// A delivery whose list of alerts is empty. What stands around the list is read, and the guards look at it as well.
fn no_alerts<'j, 'a>(
    mapping: &Mapping,
    at: At<'j, 'a>,
    derived: String,
    tracing: bool,
) -> ReadItem<'j, 'a> {
    let mut notes = if tracing {
        Notes::tracing()
    } else {
        Notes::default()
    };
    let mut alert = alert(mapping, at, &mut notes, derived);
    let detail = match notes.refused(&mapping.unless, at) {
        Some(why) => format!("{NO_ALERTS}, and {why}"),
        None => NO_ALERTS.to_owned(),
    };
    alert.unusable = core::mem::take(&mut notes.unusable);
    let item = Item::Ignored {
        reason: AlertReason::NoAlerts,
        alert,
        detail,
    };
    ReadItem {
        item,
        at: None,
        trace: notes.trace.unwrap_or_default(),
        remarks: notes.remarks,
    }
}

/// An object beside whose empty list of alerts nothing is named that could be scanned is an envelope, and no alert.
pub(super) fn unless_an_envelope(item: Item, looked: &[ValueSource], body: At<'_, '_>) -> Item {
    match item {
        Item::Parked {
            reason: AlertReason::Unmapped | AlertReason::NoDevice,
            alert,
            ..
        } if emptied(looked, body).is_some() => Item::Ignored {
            reason: AlertReason::NoAlerts,
            alert,
            detail: NO_ALERTS.to_owned(),
        },
        other => other,
    }
}

/// What stands for a delivery in which no alert was found: the sender says that there is none, or nothing is recognised.
pub(super) fn without_alerts<'j, 'a>(
    mapping: &Mapping,
    looked: &[ValueSource],
    at: At<'j, 'a>,
    derived: String,
    tracing: bool,
) -> ReadItem<'j, 'a> {
    let Some(owner) = emptied(looked, at) else {
        return as_one(AlertReason::Unmapped, &derived, not_understood(mapping, at));
    };
    let at = At {
        parent: owner,
        here: &NOTHING,
        ..at
    };
    no_alerts(mapping, at, derived, tracing)
}
