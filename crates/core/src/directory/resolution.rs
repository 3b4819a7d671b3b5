//! What became of a device, and what follows from that for rules and scans.

use super::no_answer::NoAnswer;
use super::record::{Bar, Record};
use crate::alert::{Device, MachineId};
use crate::rules::Facts;
use crate::scan::Reason;

codes! {
    /// What a machine was found by.
    pub enum FoundBy {
        /// Its id stands in the alert.
        Id = "id",
        /// Its name.
        Name = "name",
        /// Its Entra device id.
        Entra = "entra_id",
        /// Its internal address.
        Address = "address",
    }
}

/// What became of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It is this machine.
    Machine(FoundBy, Box<Record>),
    /// It is this machine, and no scan of it can work.
    Barred(FoundBy, Box<Record>, Bar),
    /// It could be any of these.
    Several(Vec<Record>),
    /// The directory knows no machine like it.
    Nobody,
    /// The directory says nothing.
    Silent(NoAnswer),
}

impl Resolution {
    /// The machine, once it is known. One that the alert names by its id stays that one if the directory is silent.
    #[must_use]
    pub fn machine<'a>(&'a self, device: &'a Device) -> Option<&'a MachineId> {
        match self {
            Resolution::Machine(_, record) | Resolution::Barred(_, record, _) => Some(&record.id),
            Resolution::Several(_) => None,
            Resolution::Nobody | Resolution::Silent(_) => device.machine.as_ref(),
        }
    }

    /// What the rules may see of it.
    #[must_use]
    pub fn facts(&self) -> Facts {
        match self {
            Resolution::Machine(_, record) | Resolution::Barred(_, record, _) => {
                Facts::Known(record.facts())
            }
            Resolution::Several(_) | Resolution::Nobody | Resolution::Silent(_) => Facts::Silent,
        }
    }

    /// Why no scan of it can begin, whatever the rules say. A silent directory does not stand in the way of an id.
    #[must_use]
    pub fn barred(&self, device: &Device) -> Option<Reason> {
        match self {
            Resolution::Machine(..) => None,
            Resolution::Barred(_, _, bar) => Some(bar.reason()),
            Resolution::Several(_) => Some(Reason::AmbiguousDevice),
            Resolution::Nobody if device.machine.is_some() => Some(Reason::NoSuchMachine),
            Resolution::Silent(_) if device.machine.is_some() => None,
            Resolution::Nobody | Resolution::Silent(_) => Some(Reason::UnresolvedDevice),
        }
    }
}
