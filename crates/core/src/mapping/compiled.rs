//! A map in the form in which it is applied. Reading knows only this, and not how it was checked.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::BodyCondition;
use super::nothing::Nothing;
use super::severity::Scale;
use super::source::ValueSource;

/// A map ready for use.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) each: Vec<ValueSource>,
    pub(super) join: Option<Join>,
    pub(super) when: Vec<Vec<BodyCondition>>,
    pub(super) unless: Vec<BodyCondition>,
    pub(super) versions: Vec<BodyCondition>,
    pub(super) other_bodies: Vec<Other>,
    pub(super) id: Vec<ValueSource>,
    pub(super) shared_id: Vec<ValueSource>,
    pub(super) dedupe: Vec<Vec<ValueSource>>,
    pub(super) title: Vec<ValueSource>,
    pub(super) severity: Option<(Vec<ValueSource>, Scale)>,
    pub(super) category: Vec<ValueSource>,
    pub(super) techniques: Vec<ValueSource>,
    pub(super) status: Vec<ValueSource>,
    pub(super) detector: Vec<ValueSource>,
    pub(super) time: Vec<ValueSource>,
    pub(super) user: Vec<ValueSource>,
    pub(super) tenant: Vec<ValueSource>,
    pub(super) url: Vec<ValueSource>,
    pub(super) references: Vec<(String, Vec<ValueSource>)>,
    pub(super) left_out: Vec<ValueSource>,
    pub(super) nothing: Nothing,
    pub(super) devices: Vec<Devices>,
    pub(super) acting: Option<TenantChoice>,
    pub(super) lacks: BTreeSet<String>,
    pub(super) headers: BTreeSet<String>,
}

/// Which tenant an alert is for.
#[derive(Clone, Debug)]
pub(super) struct TenantChoice {
    pub(super) from: Vec<ValueSource>,
    /// By the value in lower case.
    pub(super) tenants: BTreeMap<String, String>,
}

/// Which other record of a delivery belongs to an alert.
#[derive(Clone, Debug)]
pub(super) struct Join {
    pub(super) each: Vec<ValueSource>,
    pub(super) only: Vec<BodyCondition>,
    pub(super) on: Vec<ValueSource>,
}

/// A body that the map does not read, by what tells it, and what to say of it.
#[derive(Clone, Debug)]
pub(super) struct Other {
    pub(super) only: Vec<BodyCondition>,
    pub(super) hint: String,
}

#[derive(Clone, Debug)]
pub(super) struct Devices {
    pub(super) each: Vec<ValueSource>,
    pub(super) only: Vec<BodyCondition>,
    pub(super) unless: Vec<BodyCondition>,
    pub(super) also: bool,
    pub(super) mde_id: Vec<ValueSource>,
    pub(super) name: Vec<ValueSource>,
    pub(super) aad_id: Vec<ValueSource>,
    pub(super) ip: Vec<ValueSource>,
}

impl Mapping {
    /// What this sender's bodies never carry.
    #[must_use]
    pub fn lacks(&self) -> &BTreeSet<String> {
        &self.lacks
    }

    /// Whether it keeps a reference of this name.
    #[must_use]
    pub fn has_reference(&self, name: &str) -> bool {
        self.references.iter().any(|(known, _)| known == name)
    }

    /// The request headers it reads, in lower case.
    #[must_use]
    pub fn headers(&self) -> &BTreeSet<String> {
        &self.headers
    }
}
