//! What is held, in groups: by machine, by rule, or by rule and alert. Only what is held is read, by the index of it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::db::Row;
use super::device_row::device_row;
use super::error::JournalError;
use super::group_key::{GroupBy, GroupKey};
use super::held_decision::HeldDecision;
use super::held_together::held_together;
use super::lots::Lots;
use super::reader::Reader;
use super::rows::time;
use super::selector::Selector;
use crate::api::{HeldGroupView, HeldView};
use scanhook_core::alert::Severity;
use scanhook_core::person::PeopleNeeded;
use scanhook_core::scan::{DecisionState, Kind};
use scanhook_core::turn::{Mover, whose_move};

/// Devices that a group names.
const NAMED: usize = 3;

/// A group while its decisions are read, newest first.
struct HeldGroup {
    newest: HeldDecision,
    view: HeldGroupView,
    severity: Option<Severity>,
    name: Option<String>,
    lots: Lots,
    taken: BTreeSet<i64>,
    oldest: i64,
    first_ends: Option<i64>,
}

/// What differs in a group is not shown.
fn keep_same(shown: &mut Option<String>, other: Option<&str>) {
    if shown.as_deref() != other {
        *shown = None;
    }
}

/// The most that any of them asks for, and everybody who has approved one.
fn take_people(view: &mut HeldGroupView, people: PeopleNeeded) {
    view.approved_once += usize::from(!people.given.is_empty());
    let Some(all) = &mut view.people else {
        view.people = Some(people);
        return;
    };
    all.needed = all.needed.max(people.needed);
    for name in people.given {
        if !all.given.contains(&name) {
            all.given.push(name);
        }
    }
}

impl Reader<'_> {
    /// What is held, in groups, and the groups from the one at `after` on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn held_groups(
        &self,
        by: GroupBy,
        selector: &Selector,
        (after, most): (usize, usize),
    ) -> Result<HeldView, JournalError> {
        let mut groups: BTreeMap<GroupKey, HeldGroup> = BTreeMap::new();
        let (mut decisions, mut machines) = (0, BTreeSet::new());
        self.each_decision(DecisionState::Held, selector, |decided, id, row| {
            let (source, title): (String, Option<String>) = (row.get("source")?, row.get("title")?);
            let key = GroupKey::of(by, decided, &source, title.as_deref());
            decisions += 1;
            machines.insert((decided.tenant.0, decided.about().to_owned()));
            let group = groups.entry(key).or_insert_with_key(|key| {
                HeldGroup::new(key, decided, (source.clone(), title.clone()))
            });
            group.add(decided, row, (&source, title.as_deref()))?;
            self.take_in(group, decided, id)
        })?;
        let mut groups: Vec<HeldGroup> = groups.into_values().collect();
        groups.sort_by_key(|group| {
            (
                core::cmp::Reverse(group.severity),
                group.first_ends,
                group.oldest,
            )
        });
        let total = groups.len();
        let shown = groups.into_iter().skip(after).take(most);
        let items = shown
            .map(|group| self.group_view(by, group))
            .collect::<Result<Vec<_>, _>>()?;
        let next = after + items.len();
        Ok(HeldView {
            group: by.code().to_owned(),
            decisions,
            machines: machines.len(),
            total,
            next: (next < total).then(|| next.to_string()),
            items,
        })
    }

    /// Takes a decision in, with those that are answered with it.
    fn take_in(
        &self,
        group: &mut HeldGroup,
        decided: &HeldDecision,
        id: Uuid,
    ) -> Result<(), JournalError> {
        if !group.taken.contains(&decided.id) {
            let together = held_together(self.db, decided)?;
            group.taken.extend(together.iter().map(|one| one.id));
            group.lots.push_held(decided, id, &together);
        }
        Ok(())
    }

    fn group_view(&self, by: GroupBy, group: HeldGroup) -> Result<HeldGroupView, JournalError> {
        let HeldGroup {
            newest, mut view, ..
        } = group;
        view.machines = group.lots.machines();
        view.together = group.lots.members();
        view.digest = group.lots.digest();
        view.severity = group.severity.map(|severity| severity.code().to_owned());
        view.oldest = time(group.oldest);
        view.first_ends_at = group.first_ends.map(time);
        let kind = newest.wanted.map(|(kind, _)| kind);
        view.why =
            newest
                .why()
                .sentence(newest.reason, newest.rule.as_deref(), kind, &newest.device);
        view.mover = Mover::of(DecisionState::Held, newest.reason)
            .code()
            .to_owned();
        view.whose_move = whose_move(DecisionState::Held, newest.reason).to_owned();
        let sql = "SELECT name FROM tenant WHERE id = ?";
        if view.tenant.is_some() {
            view.tenant = self
                .db
                .prepare_cached(sql)?
                .query_row([newest.tenant.0], |row| row.get(0))?;
        }
        if by == GroupBy::Machine {
            let machine = newest.machine.as_ref().map(|machine| machine.as_str());
            let said = (Some(newest.device.as_str()), machine);
            view.device = Some(device_row(self.db, newest.tenant, said, group.name)?);
        }
        Ok(view)
    }
}

impl HeldGroup {
    fn new(
        key: &GroupKey,
        newest: &HeldDecision,
        (source, title): (String, Option<String>),
    ) -> HeldGroup {
        let kind = newest.wanted.map_or("none", |(kind, _)| kind.code());
        let view = HeldGroupView {
            key: key.to_string(),
            tenant: Some(String::new()),
            rule: newest.rule.clone(),
            state: DecisionState::Held.code().to_owned(),
            reason: Some(newest.reason.code().to_owned()),
            kind: Some(kind.to_owned()),
            title,
            source: Some(source),
            ..HeldGroupView::default()
        };
        HeldGroup {
            newest: newest.clone(),
            view,
            severity: None,
            name: None,
            lots: Lots::default(),
            taken: BTreeSet::new(),
            oldest: i64::MAX,
            first_ends: None,
        }
    }

    fn add(
        &mut self,
        decided: &HeldDecision,
        row: &Row<'_>,
        (source, title): (&str, Option<&str>),
    ) -> Result<(), JournalError> {
        let view = &mut self.view;
        view.decisions += 1;
        view.machine_needed += usize::from(decided.machine.is_none());
        if let Some(people) = decided.people() {
            take_people(view, people);
        }
        if decided.tenant != self.newest.tenant {
            view.tenant = None;
        }
        keep_same(&mut view.rule, decided.rule.as_deref());
        keep_same(&mut view.reason, Some(decided.reason.code()));
        let kind = decided
            .wanted
            .map(|(kind, _)| kind)
            .map_or("none", Kind::code);
        keep_same(&mut view.kind, Some(kind));
        keep_same(&mut view.title, title);
        keep_same(&mut view.source, Some(source));
        let severity: Option<String> = row.get("severity")?;
        let severity = severity.as_deref().and_then(Severity::of_code);
        self.severity = self.severity.max(severity);
        self.oldest = self.oldest.min(row.get("at")?);
        let ends: Option<i64> = row.get("look_at")?;
        self.first_ends = [self.first_ends, ends].into_iter().flatten().min();
        if view.names.len() < NAMED {
            let called = named(decided, row)?;
            self.name = self.name.take().or_else(|| Some(called.clone()));
            if !view.names.contains(&called) {
                view.names.push(called);
            }
        }
        Ok(())
    }
}

/// What the device is called: by the directory, by the alert, or as decisions refer to it.
fn named(decided: &HeldDecision, row: &Row<'_>) -> Result<String, JournalError> {
    if let Some(name) = row.get::<_, Option<String>>("name")? {
        return Ok(name);
    }
    let fields: String = row.get("fields")?;
    let alert: scanhook_core::alert::Alert = serde_json::from_str(&fields).unwrap_or_default();
    let said = super::device_row::said_of(&alert, &decided.device);
    let name = said.and_then(|device| device.name.clone());
    Ok(name.unwrap_or_else(|| decided.device.clone()))
}
