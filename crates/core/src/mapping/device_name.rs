//! The names of a mention, and what stands in the place of a name without being one.

use core::net::IpAddr;

use super::compiled::Devices;
use super::device_part::ReadText;
use super::field::Length;
use super::found::Candidate;
use super::host_name::{self, SaidHost};
use super::notes::Notes;
use super::path::{At, PathUse};
use super::placeholder;
use crate::alert::MachineId;
use crate::directory::HostName;

/// What the names of a mention say.
#[derive(Default)]
pub(super) struct MentionNames {
    /// A machine's id that stands in place of a name; what names the host may stand in a later source.
    pub(super) id: Option<ReadText<MachineId>>,
    pub(super) hosts: Vec<ReadText<String>>,
    pub(super) machines: Vec<ReadText<MachineId>>,
    pub(super) addresses: Vec<ReadText<IpAddr>>,
    pub(super) odd: Option<Candidate>,
}

/// The names of the first source that has a usable one. A later source may be about another machine, such as the one that
/// collects the logs: only where a source names nobody is the next one asked.
pub(super) fn names(
    table: &Devices,
    at: At<'_, '_>,
    cap: usize,
    notes: &mut Notes,
    refused: &mut bool,
) -> MentionNames {
    let (mut names, mut wrong, mut some) = (MentionNames::default(), false, false);
    for source in &table.name {
        let sources = core::slice::from_ref(source);
        let (texts, odd) = notes.candidates(
            sources,
            at.reading(PathUse::Name),
            "device.name",
            Length::Key,
        );
        wrong |= odd;
        if notes.replaced.contains("device.name") {
            // What stands elsewhere may be another machine.
            break;
        }
        for one in texts {
            some = true;
            if placeholder::is(&one.text) {
                notes.remark(
                    "device.name",
                    &one.text,
                    "is a place of a template that was not filled in",
                    &one.from,
                );
                continue;
            }
            // More than may come at once are counted no further.
            for said in host_name::read(&one.text, at.nothing) {
                if names.count() <= cap.max(1) {
                    names.take(said, &one, refused);
                }
            }
        }
        if names.count() > 1
            || !names.hosts.is_empty()
            || !names.addresses.is_empty()
            || names.odd.is_some()
        {
            break;
        }
        names.id = names.id.take().or(names.machines.pop());
    }
    if wrong && !some {
        notes.unusable("device.name");
    }
    names
}

impl MentionNames {
    pub(super) fn count(&self) -> usize {
        self.hosts.len() + self.machines.len() + self.addresses.len()
    }

    pub(super) fn take(&mut self, said: SaidHost, one: &Candidate, refused: &mut bool) {
        let one = one.clone();
        match said {
            SaidHost::Machine(value) => {
                if self.machines.iter().all(|known| known.value != value) {
                    self.machines.push(ReadText { value, one });
                }
            }
            SaidHost::Address(value) => {
                if self.addresses.iter().all(|known| known.value != value) {
                    self.addresses.push(ReadText { value, one });
                }
            }
            SaidHost::Host(value) => self.host(value, one),
            SaidHost::Nobody => *refused = true,
            SaidHost::Odd => self.odd = self.odd.take().or(Some(one)),
        }
    }

    /// A short name and a whole one of the same host are one: the whole one says more.
    fn host(&mut self, value: String, one: Candidate) {
        let name = HostName::parse(&value);
        let same = |known: &ReadText<String>| match (HostName::parse(&known.value), &name) {
            (Some(known), Some(name)) => known.agrees(name),
            _ => false,
        };
        match self.hosts.iter_mut().find(|known| same(known)) {
            Some(known) if value.contains('.') && !known.value.contains('.') => {
                *known = ReadText { value, one }
            }
            Some(_) => {}
            None => self.hosts.push(ReadText { value, one }),
        }
    }
}
