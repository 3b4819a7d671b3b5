//! Asks the directory step by step which machine a device is, and concludes from its answers.

use core::net::IpAddr;

use super::no_answer::NoAnswer;
use super::question::{DeviceClaims, EntraId, HostName, Question};
use super::record::{Record, Records};
use super::resolution::{FoundBy, Resolution};
use crate::alert::{Device, MachineId};
use crate::time::Timestamp;

/// Merges that are followed from one record to the next; more are a circle or a fault of the directory.
const MERGES: usize = 5;

/// How a device stands with what is known of the directory so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupStep {
    /// This has to be asked first.
    Ask(Question),
    /// All is known that can be.
    Done(Resolution),
}

/// Finds out which machine a device is, as far as `known` can answer.
///
/// # Errors
/// What `known` fails with.
pub fn resolve<E>(
    device: &Device,
    received: Timestamp,
    now: Timestamp,
    known: &mut dyn FnMut(&Question) -> Result<Option<Records>, E>,
) -> Result<LookupStep, E> {
    let claims = DeviceClaims::of(device, received);
    match (Resolver {
        claims: &claims,
        now,
        known,
    })
    .run()
    {
        Ok(resolution) => Ok(LookupStep::Done(resolution)),
        Err(Halt::Ask(question)) => Ok(LookupStep::Ask(question)),
        Err(Halt::Refused) => Ok(LookupStep::Done(Resolution::Silent(NoAnswer::Refused))),
        Err(Halt::Failed(error)) => Err(error),
    }
}

struct Resolver<'a, E> {
    claims: &'a DeviceClaims,
    now: Timestamp,
    known: &'a mut dyn FnMut(&Question) -> Result<Option<Records>, E>,
}

/// Why a resolution goes no further.
enum Halt<E> {
    Ask(Question),
    Refused,
    Failed(E),
}

/// Machines that answer to what an alert says.
#[derive(Default)]
struct Candidates {
    records: Vec<Record>,
    more: bool,
}

impl<E> Resolver<'_, E> {
    fn run(&mut self) -> Result<Resolution, Halt<E>> {
        let claims = self.claims;
        if let Some(id) = &claims.machine {
            let candidates = self.ask(Question::Machine(id.clone()), |_| true)?;
            return Ok(conclude(FoundBy::Id, candidates));
        }
        let mut candidates = self.by_name()?;
        if !candidates.records.is_empty() {
            return Ok(conclude(FoundBy::Name, candidates));
        }
        if let Some(entra) = &claims.entra {
            candidates = self.ask(Question::Entra(entra.clone()), |_| true)?;
        }
        if !candidates.records.is_empty() {
            return Ok(conclude(FoundBy::Entra, candidates));
        }
        if let Some((ip, at)) = claims.fresh_address(self.now).filter(|_| !claims.odd_name) {
            let same = |text: &String| {
                text.parse()
                    .is_ok_and(|other: IpAddr| other.to_canonical() == ip)
            };
            let agrees =
                |record: &Record, name| record.host().is_some_and(|host| host.agrees(name));
            candidates = self.ask(Question::Address(ip, at), |record| {
                let shares_it =
                    record.external_ip.as_ref().is_some_and(same) && !record.ips.iter().any(same);
                !shares_it && claims.name.as_ref().is_none_or(|name| agrees(record, name))
            })?;
            self.heed_entra(&mut candidates);
        }
        Ok(conclude(FoundBy::Address, candidates))
    }

    /// A qualified name exactly, or else a record that says no domain at all. A bare name is the first label.
    fn by_name(&mut self) -> Result<Candidates, Halt<E>> {
        let Some(name) = self.claims.name.clone() else {
            return Ok(Candidates::default());
        };
        let is = |record: &Record, name: &HostName| record.host().as_ref() == Some(name);
        let mut candidates = self.ask(Question::Name(name.clone()), |record| is(record, &name))?;
        if !name.is_qualified() {
            let begins = |record: &Record| record.host().is_some_and(|host| host.label() == name);
            candidates.add(self.ask(Question::Label(name.clone()), begins)?);
        } else if candidates.records.is_empty() {
            let label = name.label();
            candidates = self.ask(Question::Name(label.clone()), |record| is(record, &label))?;
        }
        self.heed_entra(&mut candidates);
        Ok(candidates)
    }

    /// An Entra device id is of one device: a record with another one is another machine, whatever its name; and of
    /// several of one name it is the one with this id.
    fn heed_entra(&self, candidates: &mut Candidates) {
        let Some(entra) = &self.claims.entra else {
            return;
        };
        let id = |record: &Record| record.aad_id.as_deref().and_then(EntraId::parse);
        let exact = candidates
            .records
            .iter()
            .any(|record| id(record).as_ref() == Some(entra));
        candidates.records.retain(|record| match id(record) {
            Some(other) => other == *entra,
            None => !exact,
        });
    }

    /// The machines that a question finds, those of its records that fit; a stale one stands for the machine it was
    /// merged into, whatever that is called.
    fn ask(
        &mut self,
        question: Question,
        fits: impl Fn(&Record) -> bool,
    ) -> Result<Candidates, Halt<E>> {
        let found = self.look(question)?;
        let mut candidates = Candidates {
            records: Vec::new(),
            more: found.more,
        };
        for record in found.records.into_iter().filter(fits) {
            let live = self.live(record)?;
            candidates.add(Candidates {
                records: live.into_iter().collect(),
                more: false,
            });
        }
        Ok(candidates)
    }

    fn live(&mut self, record: Record) -> Result<Option<Record>, Halt<E>> {
        let mut passed = vec![record.id.clone()];
        let mut here = record;
        while let Some(into) = &here.merged_into {
            let Some(target) =
                MachineId::parse(into).filter(|id| !passed.contains(id) && passed.len() <= MERGES)
            else {
                return Ok(None);
            };
            let found = self.look(Question::Machine(target.clone()))?;
            let Some(next) = found.records.into_iter().next() else {
                return Ok(None);
            };
            passed.push(target);
            here = next;
        }
        Ok(Some(here))
    }

    fn look(&mut self, question: Question) -> Result<Records, Halt<E>> {
        match (self.known)(&question).map_err(Halt::Failed)? {
            None => Err(Halt::Ask(question)),
            Some(found) if found.refused => Err(Halt::Refused),
            Some(found) => Ok(found),
        }
    }
}

impl Candidates {
    fn add(&mut self, other: Candidates) {
        self.more |= other.more;
        for record in other.records {
            if self.records.iter().all(|known| known.id != record.id) {
                self.records.push(record);
            }
        }
    }
}

/// Exactly one that can be scanned, or none that is scanned.
fn conclude(by: FoundBy, candidates: Candidates) -> Resolution {
    let Candidates { mut records, more } = candidates;
    let eligible = records
        .iter()
        .filter(|record| record.bar().is_none())
        .count();
    if eligible == 1 && !more {
        records.retain(|record| record.bar().is_none());
    }
    match (records.len(), records.pop()) {
        (_, None) => Resolution::Nobody,
        (1, Some(only)) if !more => match only.bar() {
            None => Resolution::Machine(by, Box::new(only)),
            Some(bar) => Resolution::Barred(by, Box::new(only), bar),
        },
        (_, Some(last)) => {
            records.push(last);
            Resolution::Several(records)
        }
    }
}
