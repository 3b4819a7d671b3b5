//! Why a delivery was read as it was: which place of the body supplied each field, what was looked for in vain, and
//! what stands there that looks like it. Made by the reading itself, so the two cannot differ.

use std::collections::BTreeSet;

use super::compiled::Mapping;
use super::look_alike::{self, LookAlike};
use super::missing::missing;
use super::notes::Supply;
use super::path::{At, Parsed, identity};
use super::place_name::PlaceNames;
use super::read::{Delivered, whole};
use super::read_item::ReadItem;
use super::supplied::{Missing, Remarked, Supplied};
use super::{DeliveryLimits, Item};
use crate::alert::AlertReason;

/// One item of a delivery, with what it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemReading {
    /// What became of it, the same as [`super::read_delivered`] says.
    pub item: Item,
    /// Where it stands in the body, as a JSON pointer; `None` where the delivery was parked as one.
    pub place: Option<String>,
    /// What has a value, and from where.
    pub supplied: Vec<Supplied>,
    /// What stood in a field's place and is no value.
    pub remarks: Vec<Remarked>,
    /// What the map looks for and did not find, or could not use.
    pub missing: Vec<Missing>,
    /// What looks like something that is missing. Guesses for a person, which nothing else reads.
    pub candidates: Vec<LookAlike>,
}

/// Reads a delivery and says how.
#[must_use]
pub fn explain(
    mapping: &Mapping,
    caps: DeliveryLimits,
    delivered: Delivered<'_, '_>,
) -> Vec<ItemReading> {
    let parsed = Parsed::default();
    let at = At::of(delivered, &parsed, &mapping.nothing);
    let all = whole(mapping, caps, at, delivered.hash, true);
    let places = PlaceNames::of(&all, at);
    all.into_iter()
        .map(|one| explained(mapping, one, at, &places))
        .collect()
}

fn explained(
    mapping: &Mapping,
    one: ReadItem<'_, '_>,
    body: At<'_, '_>,
    places: &PlaceNames,
) -> ItemReading {
    let mut seen = BTreeSet::new();
    let first = |supply: &Supply| {
        is_list(&supply.field) || seen.insert((supply.device, supply.field.clone()))
    };
    let trace: Vec<_> = one.trace.into_iter().filter(first).collect();
    let supplied = trace
        .into_iter()
        .filter(|supply| supply.device.is_some() || !supply.field.starts_with("device."));
    let supplied: Vec<_> = supplied
        .map(|supply| Supplied {
            from: places.named(&supply.from),
            field: supply.field,
            device: supply.device,
            text: supply.text,
            read_as: supply.read_as,
        })
        .collect();
    let remarks = one.remarks.into_iter();
    let remarks = remarks.map(|one| Remarked {
        from: places.named(&one.from),
        field: one.field,
        says: one.says,
    });
    let remarks = remarks.collect();
    let missing = missing(mapping, one.item.alert(), &supplied);
    let here = one.at.map_or(body.root, |at| at.here);
    let place = one.at.and_then(|at| places.name(identity(at.here)));
    let from = place.clone().unwrap_or_default();
    let unmapped = matches!(
        one.item,
        Item::Parked {
            reason: AlertReason::Unmapped,
            ..
        }
    );
    let wanted: BTreeSet<_> = missing
        .iter()
        .map(|missing| missing.field.as_str())
        .collect();
    let mut candidates = look_alike::candidates(here, &from);
    candidates.retain(|candidate| unmapped || wanted.contains(candidate.field));
    ItemReading {
        item: one.item,
        place,
        supplied,
        remarks,
        missing,
        candidates,
    }
}

/// Whether a field can have several values.
fn is_list(field: &str) -> bool {
    matches!(field, "alert.category" | "alert.techniques")
        || field.starts_with("references.")
        || field == "alert.dedupe"
}
