//! The views of the admin listener: each is made by one function, which both those who answer in JSON and the page ask. They
//! are what the journal says, narrowed to the grant, with what only the policy and the lanes know added.

use uuid::Uuid;

use super::access::AskedBy;
use super::query::{self, Pairs};
use super::refusal::{AccessError, CommandError, HttpError};
use super::state::Admin;
use crate::api::{
    AlertView, DecisionView, DeviceRow, HeldMembersView, HeldView, MachineName, MachineView,
    NowView, Page, PolicyView, RulesView, ScanView, SummaryView,
};
use crate::clock;
use crate::explain::Judgement;
use crate::journal::{Done, Filter, GroupKey, IdPrefix, ListKind, Selector, Wants};
use crate::policy::Policy;
use scanhook_core::alert::MachineId;

impl Admin {
    /// What is to be known now of one tenant, or of all that the grant is for.
    pub(super) async fn now_view(
        &self,
        asked: &AskedBy,
        tenant: Option<&str>,
    ) -> Result<NowView, HttpError> {
        let about = match tenant {
            Some(name) if !asked.sees(name) => return Err(unknown_id()),
            Some(name) => Some(self.tenant_called(name).into_iter().collect()),
            None => asked.tenants(&self.intake.in_force()),
        };
        let mut now = self.now(about).await?;
        // What keeps back everybody's scans is the business of those who see everybody.
        now.banners
            .retain(|banner| asked.sees_all() || banner.tenant.is_some());
        Ok(now)
    }

    /// What happened in a span of time, and what is to be known now.
    pub(super) async fn summary_view(
        &self,
        asked: &AskedBy,
        pairs: Pairs,
    ) -> Result<SummaryView, HttpError> {
        let (since, until, tenant) = query::span(pairs, clock::now())?;
        if tenant.is_none() && !asked.sees_all() {
            return Err(AccessError::ForAllTenants.into());
        }
        if tenant.as_deref().is_some_and(|name| !asked.sees(name)) {
            return Err(unknown_id());
        }
        let now = self.now_view(asked, tenant.as_deref()).await?;
        let mut view = self
            .read(move |reader| reader.summary(since, until, tenant.as_deref()))
            .await?;
        view.now = Some(now);
        Ok(view)
    }

    /// What is held, in groups.
    pub(super) async fn held_view(
        &self,
        asked: &AskedBy,
        pairs: Pairs,
    ) -> Result<HeldView, HttpError> {
        let mut wanted = query::held(pairs, |name| self.tenant_for(asked, name), clock::now())?;
        wanted.selector.tenants = asked.tenants(&self.intake.in_force());
        self.read(move |reader| reader.held_groups(wanted.by, &wanted.selector, wanted.page))
            .await
    }

    /// A group of what is held, device by device.
    pub(super) async fn held_members_view(
        &self,
        asked: &AskedBy,
        key: &str,
        pairs: Pairs,
    ) -> Result<HeldMembersView, HttpError> {
        let (after, most) = query::members(pairs)?;
        let key = GroupKey::parse(key).ok_or_else(unknown_id)?;
        let selector = Selector {
            group: Some(key.clone()),
            tenants: asked.tenants(&self.intake.in_force()),
            ..Selector::default()
        };
        let found = self
            .read(move |reader| reader.held_members(&key, &selector, most, after.as_deref()))
            .await?;
        found.ok_or_else(unknown_id)
    }

    /// The machines that the device of a held decision may be.
    pub(super) async fn candidates_view(&self, id: &str) -> Result<Vec<DeviceRow>, HttpError> {
        let Ok(id) = id.parse::<Uuid>() else {
            return Ok(Vec::new());
        };
        self.read(move |reader| reader.candidates_of(id)).await
    }

    /// A page of alerts.
    pub(super) async fn alerts_view(
        &self,
        asked: &AskedBy,
        pairs: Pairs,
    ) -> Result<Page<AlertView>, HttpError> {
        let mut filter = query::filter(ListKind::Alerts, pairs, clock::now())?;
        asked.narrow(&mut filter, &self.intake.in_force());
        self.read(move |reader| reader.alerts(&filter)).await
    }

    /// One alert.
    pub(super) async fn alert_view(
        &self,
        asked: &AskedBy,
        (delivery, n): (&str, &str),
        pairs: Pairs,
    ) -> Result<AlertView, HttpError> {
        query::nothing(pairs)?;
        let (Ok(delivery), Ok(n)) = (delivery.parse::<Uuid>(), n.parse()) else {
            return Err(unknown_id());
        };
        let mut within = Filter::default();
        asked.narrow(&mut within, &self.intake.in_force());
        let found = self.read(move |reader| reader.alert(delivery, n, &within));
        found.await?.ok_or_else(unknown_id)
    }

    /// A page of decisions.
    pub(super) async fn decisions_view(
        &self,
        asked: &AskedBy,
        pairs: Pairs,
    ) -> Result<Page<DecisionView>, HttpError> {
        let filter = query::filter(ListKind::Decisions, pairs, clock::now())?;
        self.decisions_of(asked, filter).await
    }

    /// A page of decisions, narrowed so.
    pub(super) async fn decisions_of(
        &self,
        asked: &AskedBy,
        mut filter: Filter,
    ) -> Result<Page<DecisionView>, HttpError> {
        asked.narrow(&mut filter, &self.intake.in_force());
        let mut page = self.read(move |reader| reader.decisions(&filter)).await?;
        page.items
            .iter_mut()
            .for_each(|one| self.orphaned(&one.tenant, &mut one.waits));
        Ok(page)
    }

    /// One decision.
    pub(super) async fn decision_view(
        &self,
        asked: &AskedBy,
        id: &str,
        pairs: Pairs,
    ) -> Result<DecisionView, HttpError> {
        query::nothing(pairs)?;
        let id = self.identified(asked, Wants::Held, id).await?;
        let mut found = self.read(move |reader| reader.decision(id)).await?;
        found = found.filter(|one| asked.sees(&one.tenant));
        if let Some(one) = &mut found {
            self.orphaned(&one.tenant, &mut one.waits);
        }
        found.ok_or_else(unknown_id)
    }

    /// Why a decision is as it is.
    pub(super) async fn explain_view(
        &self,
        asked: &AskedBy,
        id: &str,
        pairs: Pairs,
    ) -> Result<Judgement, HttpError> {
        query::nothing(pairs)?;
        let id = self.identified(asked, Wants::Held, id).await?;
        self.explained(asked, id).await
    }

    /// A page of scans.
    pub(super) async fn scans_view(
        &self,
        asked: &AskedBy,
        pairs: Pairs,
    ) -> Result<Page<ScanView>, HttpError> {
        let filter = query::filter(ListKind::Scans, pairs, clock::now())?;
        self.scans_of(asked, filter).await
    }

    /// A page of scans, narrowed so.
    pub(super) async fn scans_of(
        &self,
        asked: &AskedBy,
        mut filter: Filter,
    ) -> Result<Page<ScanView>, HttpError> {
        asked.narrow(&mut filter, &self.intake.in_force());
        let mut page = self.read(move |reader| reader.scans(&filter)).await?;
        page.items.iter_mut().for_each(|one| self.complete(one));
        Ok(page)
    }

    /// One scan.
    pub(super) async fn scan_view(
        &self,
        asked: &AskedBy,
        id: &str,
        pairs: Pairs,
    ) -> Result<ScanView, HttpError> {
        query::nothing(pairs)?;
        let id = self.identified(asked, Wants::Open, id).await?;
        let mut found = self.read(move |reader| reader.scan(id)).await?;
        found = found.filter(|one| asked.sees(&one.tenant));
        if let Some(scan) = &mut found {
            self.complete(scan);
        }
        found.ok_or(HttpError::NotFound)
    }

    /// The machines that a name or a pattern means.
    pub(super) async fn machines_view(
        &self,
        asked: &AskedBy,
        pairs: Pairs,
    ) -> Result<Vec<MachineName>, HttpError> {
        let device = query::device(pairs)?;
        let tenants = asked.tenants(&self.intake.in_force());
        let found = self
            .read(move |reader| reader.machines_called(&device, tenants.as_deref()))
            .await?;
        let narrower = || CommandError::BadParameter {
            key: "device",
            takes: "a name, or a pattern that means 200 devices at most".to_owned(),
        };
        Ok(found.ok_or_else(narrower)?)
    }

    /// A machine with all that is known of it.
    pub(super) async fn machine_view(
        &self,
        asked: &AskedBy,
        (tenant, id): (String, &str),
        pairs: Pairs,
    ) -> Result<MachineView, HttpError> {
        query::nothing(pairs)?;
        let id = MachineId::parse(id)
            .filter(|_| asked.sees(&tenant))
            .ok_or_else(unknown_id)?;
        let found = self
            .read(move |reader| match reader.tenant_named(&tenant)? {
                Some(tenant) => reader.machine(tenant, &id),
                None => Ok(None),
            })
            .await?;
        let mut view = found.ok_or_else(unknown_id)?;
        for scan in &mut view.scans {
            self.complete(scan);
        }
        for one in &mut view.decisions {
            self.orphaned(&one.tenant, &mut one.waits);
        }
        view.pauses.retain(|pause| asked.sees_pause(pause));
        view.cooling = view.scans.iter().find_map(Admin::cooling);
        Ok(view)
    }

    /// What each rule and protection came to.
    pub(super) async fn rules_view(&self, pairs: Pairs) -> Result<RulesView, HttpError> {
        let (since, policy) = query::window(pairs, clock::now())?;
        self.rule_rows(since, policy).await
    }

    /// The policies there were.
    pub(super) async fn policies_view(&self, pairs: Pairs) -> Result<Vec<PolicyView>, HttpError> {
        query::nothing(pairs)?;
        let mut all = self.read(|reader| reader.policies()).await?;
        all.iter_mut().for_each(|one| self.mark(one));
        Ok(all)
    }

    /// One policy, with its text.
    pub(super) async fn policy_view(
        &self,
        hash: String,
        pairs: Pairs,
    ) -> Result<PolicyView, HttpError> {
        query::nothing(pairs)?;
        let mut found = self.read(move |reader| reader.policy(&hash)).await?;
        if let Some(one) = &mut found {
            self.mark(one);
            // What is stored is the rules with all lists; people read the rules.
            let recalled = one.text.as_deref().map(Policy::recall);
            if let Some(Ok(checked)) = recalled {
                one.text = Some(checked.policy.text().to_owned());
            }
        }
        found.ok_or_else(unknown_id)
    }

    /// The id of the one thing that a path names, whole or by its beginning.
    async fn identified(&self, asked: &AskedBy, wants: Wants, id: &str) -> Result<Uuid, HttpError> {
        let not = || match wants {
            Wants::Open => HttpError::NotFound,
            _ => unknown_id(),
        };
        let named = IdPrefix::parse(id).ok_or_else(not)?;
        let found = self.read(move |reader| reader.identify(wants, &named));
        match found.await? {
            Ok(id) => Ok(id),
            // Candidates may be of tenants outside the grant.
            Err(item) if item.candidates.is_empty() || !asked.sees_all() => Err(not()),
            Err(item) => Err(CommandError::NotDone(Done::AmbiguousId, Box::new(item)).into()),
        }
    }
}

/// The answer about what is not there, or outside the grant.
pub(super) fn unknown_id() -> HttpError {
    CommandError::NotDone(Done::UnknownId, Box::default()).into()
}
