//! From a strict JSON value to alerts, as the sender's map says. The map is data: no sender is named in this code.
//!
//! Nothing a sender can write makes this fail. What cannot be read as it should is parked with a reason and stays
//! visible, and a value of a wrong type is noted as unusable, never replaced by a default.
//!
//! `value` and `map` are the grammar (serde types), `compile` checks a map, names every fault by its key and makes a
//! `compiled` one, `read` applies it: `item_place` finds the alerts of a delivery, `item` says what becomes of each.
//! All that comes up is noted in `notes::Notes`. A value is looked for with `look` and `find`, which walk one `Source`:
//! a path and what goes on from it (`parse`, `where`, `then`), a `concat` or a header, then `split` and `capture`;
//! `field` says which value wins. `path::At` carries the root, the object around the alert, the current place and the
//! headers. Documents inside texts are read once each into `path::Parsed`.
//!
//! What every map shares is how values are read; none of these files knows a sender:
//!
//! * `path` finds places with `Pointer::lenient`, for which one value and a list of one are the same. Where a `*` could
//!   mean an object or its members, what is looked for decides.
//! * `nothing` knows the words for *no value*, `placeholder` the places of a template that were not filled in. Both are
//!   asked before a value may become a field, so that fallback lists go on.
//! * `clean` reads ids, `host_name` names and addresses, `technique` ATT&CK ids, `severity` words and numbers, `time`
//!   and `written_time` instants. Each takes a text and gives a value, or says that it is none.
//! * `mention` decides what of a mention belongs together. An id is never attached to one of several names, and where a
//!   name cannot be one, no later name stands in for it.
//! * `explain` is the same reading with a trace of where each field came from; `look_alike` finds what could be meant
//!   where something is missing, and nothing acts on that.
//!
//! `Mapping::acting` adds the tenants: the reader finds the value, and the alert carries the configured name
//! (`Alert::acts_for`) from there into its sameness, its decision and the journal.

mod check;
mod check_source;
mod clean;
mod compile;
mod compiled;
mod condition;
mod dedupe;
mod device;
mod device_address;
mod device_id;
mod device_name;
mod device_part;
mod explain;
mod field;
mod fields;
mod find;
mod found;
mod host_name;
mod item;
mod item_place;
mod join;
mod judge;
mod known_devices;
mod look;
mod look_alike;
pub mod map;
mod mention;
mod missing;
mod no_alerts;
mod notes;
mod nothing;
mod other_body;
mod path;
mod place_name;
mod placeholder;
mod read;
mod read_item;
mod reference;
mod severity;
mod source;
mod supplied;
mod technique;
mod tenant;
#[cfg(test)]
mod tests;
mod time;
mod value;
mod written_time;

pub use check::MapFault;
pub use compiled::Mapping;
pub use explain::{ItemReading, explain};
pub use look_alike::LookAlike;
pub use map::Map;
pub use path::Headers;
pub use read::{Delivered, left_out, read, read_delivered};
pub use supplied::{Missing, Remarked, Supplied};

use super::alert::{Alert, AlertReason};

/// How much one delivery may ask for; beyond it the whole delivery is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryLimits {
    /// Alerts in one delivery.
    pub alerts: usize,
    /// Devices in one alert.
    pub devices: usize,
}

impl DeliveryLimits {
    /// Devices in all alerts of one delivery together: each is a decision. A source that may send more alerts than this
    /// may name one device in each.
    #[must_use]
    pub fn decisions(self) -> usize {
        const MOST: usize = 2_000;
        MOST.max(self.alerts).max(self.devices)
    }
}

impl Default for DeliveryLimits {
    fn default() -> Self {
        DeliveryLimits {
            alerts: 500,
            devices: 50,
        }
    }
}

/// One alert of a delivery, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// To be decided.
    Alert(Alert),
    /// It is nothing new, or there is nothing in it.
    Ignored {
        /// Why.
        reason: AlertReason,
        /// What it says.
        alert: Alert,
        /// Which condition, and the value it saw.
        detail: String,
    },
    /// Nothing can be decided until somebody acts.
    Parked {
        /// Why.
        reason: AlertReason,
        /// What could be read. Offending text is left out.
        alert: Alert,
        /// What exactly.
        detail: String,
    },
}

impl Item {
    /// The alert, whatever became of it.
    #[must_use]
    pub const fn alert(&self) -> &Alert {
        match self {
            Item::Alert(alert) | Item::Ignored { alert, .. } | Item::Parked { alert, .. } => alert,
        }
    }

    const fn alert_mut(&mut self) -> &mut Alert {
        match self {
            Item::Alert(alert) | Item::Ignored { alert, .. } | Item::Parked { alert, .. } => alert,
        }
    }
}
