//! Lists: values that several rules share, typed, in the file or beside it, each for ever or until a day.

use core::ops::Range;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::field::Field;
use super::glob::Glob;
use super::members::Members;
use super::named::{Named, Shape};
use super::networks::Networks;
use super::operand::Operand;
use crate::network::Network;
use crate::time::Timestamp;

codes! {
    /// What the entries of a list are.
    pub enum ListType {
        /// Compared as a bare value would be.
        Text = "text",
        /// Glob patterns.
        Glob = "glob",
        /// Networks and addresses.
        Cidr = "cidr",
        /// Machine ids, 40 hex digits each.
        MachineId = "machine_id",
    }
}

/// One `[lists.x]`, as written.
#[derive(Debug)]
pub(super) struct WrittenList {
    pub(super) kind: ListType,
    /// The file of further entries, as the rules name it.
    pub(super) file: Option<String>,
    pub(super) entries: Vec<(Written, Option<Timestamp>)>,
    /// The entries that end.
    pub(super) ends: Vec<Ending>,
}

/// An entry that ends.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) until: Timestamp,
    pub(super) value: String,
    /// The bytes of its value in the rules file.
    pub(super) span: Range<usize>,
}

/// An entry that was understood.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Text(String),
    Glob(Glob, bool),
    Network(Network),
}

/// The lists of a file by name, what was made of them for the fields they are compared with, and which were.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) by_name: BTreeMap<String, WrittenList>,
    pub(super) made: HashMap<(String, Shape), Arc<Members>>,
    pub(super) used: HashSet<String>,
}

/// What is kept of a list for those who ask what is in force.
#[derive(Clone, Debug)]
pub(super) struct ListSummary {
    pub(super) name: String,
    pub(super) kind: ListType,
    pub(super) file: Option<String>,
    pub(super) entries: usize,
    /// The entries that end, earliest first.
    pub(super) ends: Vec<Ending>,
}

impl Lists {
    /// What is to be kept of each, by name.
    pub(super) fn kept(&self) -> Vec<ListSummary> {
        let kept = |(name, list): (&String, &WrittenList)| {
            let mut ends = list.ends.clone();
            ends.sort_by_key(|ending| ending.until);
            let (file, entries) = (list.file.clone(), list.entries.len());
            ListSummary {
                name: name.clone(),
                kind: list.kind,
                file,
                entries,
                ends,
            }
        };
        self.by_name.iter().map(kept).collect()
    }
}

impl WrittenList {
    pub(super) fn members(&self, name: &str, shape: Shape) -> Members {
        let (texts, globs) = (HashMap::new(), Vec::new());
        let networks = (self.kind == ListType::Cidr).then(Networks::default);
        let mut members = Members {
            name: name.to_owned(),
            shape,
            texts,
            globs,
            networks,
        };
        for (written, until) in &self.entries {
            match written {
                Written::Text(text) => {
                    for key in Operand::of_text(text, shape).keys().unwrap_or_default() {
                        let place = members.texts.entry(key).or_insert(*until);
                        *place = place.zip(*until).map(|(one, other)| one.max(other));
                    }
                }
                Written::Glob(glob, dotless) => {
                    members.globs.push((
                        glob.clone(),
                        *dotless && shape == Shape::HostName,
                        *until,
                    ));
                }
                Written::Network(network) => {
                    members
                        .networks
                        .get_or_insert_default()
                        .add(*network, *until);
                }
            }
        }
        members
    }

    /// Whether its entries can be compared with such a field at all.
    pub(super) fn fits(&self, field: &Field) -> bool {
        match (self.kind, field.shape()) {
            (_, Shape::Severity | Shape::Time) => false,
            (_, Shape::Any) | (ListType::Text | ListType::Glob, _) => true,
            (ListType::Cidr, shape) => shape == Shape::Address,
            (ListType::MachineId, _) => matches!(field, Field::Named(Named::DeviceId)),
        }
    }
}
