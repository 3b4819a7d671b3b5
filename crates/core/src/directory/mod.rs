//! Which machine a device is: what the tenant's directory is asked, in which order, and what its answers come to.
//!
//! An id is the machine. Otherwise the whole name, or where the alert says no domain the first label, then the Entra
//! device id, then the internal address; the next is asked only where the one before found nobody. Exactly one machine
//! that can be scanned must remain, and nothing the alert says may speak against it: no machine is guessed.

mod question;
mod record;

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use question::{DeviceClaims, EntraId, HostName, Question, internal};
pub use record::{Bar, Record, Records};

use super::alert::{Device, MachineId};
use super::plain::one_line;
use super::rules::Facts;
use super::scan::Reason;
use super::time::Timestamp;

/// Merges that are followed from one record to the next; more are a circle or a fault of the directory.
const MERGES: usize = 5;
/// Candidates that a decision lists.
const LISTED: usize = 5;
/// Characters of a foreign text that a record shows.
const SHOWN: usize = 120;

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

codes! {
    /// Why the directory says nothing.
    pub enum NoAnswer {
        /// The token has no role that reads machines.
        NoRole = "no_role",
        /// It forbids reading machines.
        Forbidden = "forbidden",
        /// No answer came in time.
        Late = "late",
        /// Defender could not be reached.
        Unreachable = "unreachable",
        /// Other look-ups came first, for as long as it could wait.
        Queued = "queued",
        /// The tenant's name was given to another Entra tenant.
        Moved = "moved",
        /// It refused the question.
        Refused = "refused",
    }
}

impl NoAnswer {
    const fn words(self) -> &'static str {
        match self {
            NoAnswer::NoRole => "the app has no role that reads machines",
            NoAnswer::Forbidden => "Defender forbids reading machines",
            NoAnswer::Late => "Defender's directory did not answer in time, and is asked again",
            NoAnswer::Unreachable => {
                "Defender could not be reached, so its directory could not be asked; it is tried again"
            }
            NoAnswer::Queued => {
                "Defender's directory could not be asked in time, because other look-ups came first"
            }
            NoAnswer::Moved => {
                "the tenant's name was given to another Entra tenant, whose directory is not asked"
            }
            NoAnswer::Refused => "Defender's directory refused the question",
        }
    }
}

/// How a device stands with what is known of the directory so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupStep {
    /// This has to be asked first.
    Ask(Question),
    /// All is known that can be.
    Done(Resolution),
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

/// What the decision record keeps of a look-up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Looked {
    /// What the machine was found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<FoundBy>,
    /// The name the directory gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is worth knowing about it, a clause each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The machines it could be, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
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

    /// What the decision record keeps of it.
    #[must_use]
    pub fn looked(&self, device: &Device) -> Looked {
        match self {
            Resolution::Machine(by, record) | Resolution::Barred(by, record, _) => Looked {
                by: Some(*by),
                name: record.name.as_deref().map(|name| one_line(name, SHOWN)),
                notes: notes(device, record),
                candidates: Vec::new(),
            },
            Resolution::Several(records) => {
                let mut candidates: Vec<String> =
                    records.iter().take(LISTED).map(described).collect();
                if records.len() > LISTED {
                    candidates.push(format!("{} more", records.len() - LISTED));
                }
                Looked {
                    candidates,
                    ..Looked::default()
                }
            }
            Resolution::Nobody => Looked::default(),
            Resolution::Silent(silence) => {
                let unchecked = if device.machine.is_some() {
                    ", so whether a scan can work was not checked"
                } else {
                    ""
                };
                Looked {
                    notes: vec![format!("{}{unchecked}", silence.words())],
                    ..Looked::default()
                }
            }
        }
    }
}

/// What is worth knowing about a machine that was found.
fn notes(device: &Device, record: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(id) = device.machine.as_ref().filter(|id| **id != record.id) {
        notes.push(format!("{id} was merged into {}", record.id));
    }
    if let (Some(said), Some(host)) = (&device.name, record.host())
        && HostName::parse(said).is_none_or(|said| !said.agrees(&host))
    {
        notes.push(format!(
            "the alert calls it `{}`; the directory's name counts",
            one_line(said, SHOWN)
        ));
    }
    if let Some(word) = record
        .onboarding
        .as_deref()
        .filter(|_| record.bar() == Some(Bar::NotOnboarded))
    {
        notes.push(format!("it is `{}`, not onboarded", one_line(word, SHOWN)));
    }
    if record.duplicate {
        notes.push("Defender takes it for a possible double of another record".to_owned());
    }
    if let Some(word) = record.health.as_deref().filter(|_| record.is_slow()) {
        notes.push(format!(
            "it is `{}`: a scan may stay pending for days",
            one_line(word, SHOWN)
        ));
    }
    notes
}

/// A candidate as a person tells it from the others.
fn described(record: &Record) -> String {
    let mut about = vec![
        record
            .name
            .as_deref()
            .map_or("no name".to_owned(), |name| one_line(name, SHOWN)),
    ];
    about.push(
        record
            .last_seen
            .map_or("never seen".to_owned(), |at| format!("last seen {at}")),
    );
    about.extend(
        record
            .health
            .as_deref()
            .map(|health| one_line(health, SHOWN)),
    );
    about.extend(match record.bar() {
        Some(Bar::Excluded) => Some("excluded".to_owned()),
        Some(Bar::NotOnboarded) => Some("not onboarded".to_owned()),
        None => None,
    });
    format!("{} ({})", record.id, about.join(", "))
}

#[cfg(test)]
mod tests;
