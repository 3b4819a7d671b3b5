//! How a condition looks at an event: with the usual facts, or, for a protection, with each of the names and addresses
//! that the machine may have.

use super::event::{Event, Facts};

/// An event as it is looked at.
#[derive(Clone, Copy)]
pub(super) struct FactView<'e> {
    pub(super) event: &'e Event<'e>,
    /// Facts the directory can still tell count as either true or false, not as what the alert says of them.
    pub(super) open: bool,
    /// Whose word counts for `device.name`.
    pub(super) name: Says,
    /// Whose word counts for `device.ip`.
    pub(super) ip: Says,
}

/// Whose word counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// The directory's; until it has answered, the alert's.
    Usual,
    /// The alert's.
    Reported,
    /// The directory's, and it has not answered.
    Nobody,
}

impl<'e> FactView<'e> {
    /// As rules see it once everything is asked that can be: the alert's word counts where the directory is silent.
    pub(super) const fn plain(event: &'e Event<'e>) -> FactView<'e> {
        FactView {
            event,
            open: false,
            name: Says::Usual,
            ip: Says::Usual,
        }
    }

    /// With the facts left open that the directory can still tell.
    pub(super) const fn open(event: &'e Event<'e>) -> FactView<'e> {
        FactView {
            open: true,
            ..FactView::plain(event)
        }
    }

    /// Every way in which the device's name and address, where they matter, must be looked at so that a protection is
    /// hit by what the directory says as well as by what the alert says.
    pub(super) fn worlds(self, name: bool, ip: bool) -> impl Iterator<Item = FactView<'e>> {
        let device = self.event.device;
        let unusable = |field: &str| self.event.alert.unusable.contains(field);
        let names = ways(
            name,
            device.name.is_some() || device.bad_name.is_some() || unusable("device.name"),
            &self.event.facts,
            |facts| !facts.name.is_absent(),
        );
        let ips = ways(
            ip,
            device.ip.is_some() || unusable("device.ip"),
            &self.event.facts,
            |facts| !facts.ips.is_absent(),
        );
        names.iter().flat_map(move |name| {
            ips.iter().map(move |ip| FactView {
                name: *name,
                ip: *ip,
                ..self
            })
        })
    }
}

fn ways(
    matters: bool,
    reported: bool,
    facts: &Facts,
    recorded: impl FnOnce(&super::MachineFacts) -> bool,
) -> &'static [Says] {
    let recorded = match facts {
        _ if !matters => return &[Says::Usual],
        Facts::Known(facts) => recorded(facts),
        Facts::NotAsked | Facts::Silent if reported => return &[Says::Reported, Says::Nobody],
        Facts::NotAsked | Facts::Silent => return &[Says::Nobody],
    };
    match (recorded, reported) {
        (true, true) => &[Says::Usual, Says::Reported],
        (false, true) => &[Says::Reported],
        (_, false) => &[Says::Usual],
    }
}
