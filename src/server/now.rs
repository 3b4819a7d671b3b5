//! What is to be known now, put together for one who asks, and shared by all who ask within a second.

use std::collections::BTreeMap;

use super::banners::{Told, banners};
use super::forecast::{LaneBoard, last_leaves, of_directory};
use super::refusal::HttpError;
use super::state::Admin;
use super::summaries::AboutTenants;
use crate::api::{BannerView, NowView};
use crate::clock;
use crate::journal::{NowNumbers, TenantId};
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

impl Admin {
    /// What is to be known now of these tenants, or of all and of what belongs to none.
    pub(super) async fn now(&self, tenants: AboutTenants) -> Result<NowView, HttpError> {
        // Whoever comes while it is put together waits for it.
        let mut known = self.summaries.lock().await;
        if let Some(view) = known.fresh(&tenants, clock::mono()) {
            return Ok(view);
        }
        let view = self.put_together(tenants.clone(), clock::now()).await?;
        known.keep(tenants, clock::mono(), view.clone());
        Ok(view)
    }

    /// For each tenant, by its name: the decisions that will be held because the directory cannot be asked in time.
    pub(super) async fn forecasts(&self) -> Result<Vec<(String, u64)>, HttpError> {
        let at = clock::now();
        let mut numbers = self.read(|reader| reader.waiting_by_tenant()).await?;
        let in_force = self.intake.in_force();
        let forecasts = in_force.tenants.iter().map(|tenant| {
            let own = numbers.tenants.remove(&tenant.id).unwrap_or_default();
            let own = NowNumbers {
                tenants: BTreeMap::from([(tenant.id, own)]),
                ..NowNumbers::default()
            };
            let boards = BTreeMap::from([(tenant.id, tenant.board.borrow().clone())]);
            let forecast = of_directory(&own, &boards, at);
            (tenant.name.clone(), forecast.will_be_held)
        });
        Ok(forecasts.collect())
    }

    async fn put_together(
        &self,
        about: AboutTenants,
        now: Timestamp,
    ) -> Result<NowView, HttpError> {
        let seq = self.journal.pulse().seq();
        let of = about.clone();
        let numbers = self
            .read(move |reader| reader.numbers(of.as_deref(), now))
            .await?;
        let in_force = self.intake.in_force();
        let boards: BTreeMap<TenantId, LaneBoard> = in_force
            .tenants
            .iter()
            .map(|tenant| (tenant.id, tenant.board.borrow().clone()))
            .collect();
        let mut view = NowView {
            seq,
            at: now.to_string(),
            directory: of_directory(&numbers, &boards, now),
            person: numbers.person.clone(),
            flow: numbers.flow.clone(),
            minutes: numbers.minutes.clone(),
            banners: Vec::new(),
        };
        view.flow.last_leaves_at = (view.flow.waiting > 0)
            .then(|| last_leaves(&numbers, &boards, now))
            .flatten()
            .map(|leaves| leaves.to_string());
        let names: Option<Vec<String>> = about.map(|about| {
            let named = in_force.tenants.iter();
            named
                .filter(|tenant| about.contains(&tenant.id))
                .map(|tenant| tenant.name.clone())
                .collect()
        });
        view.banners = self.banners(names.as_deref(), &view, now).await?;
        Ok(view)
    }

    /// When the last scan would have left if so many more waited, by their tenants; `None`: nobody knows.
    pub(super) async fn leaves_with(
        &self,
        more: BTreeMap<TenantId, u64>,
    ) -> Result<Option<Timestamp>, HttpError> {
        let (now, about) = (clock::now(), more.keys().copied().collect::<Vec<_>>());
        let mut numbers = self
            .read(move |reader| reader.numbers(Some(&about), now))
            .await?;
        for (tenant, scans) in more {
            numbers.tenants.entry(tenant).or_default().waiting += scans;
        }
        let in_force = self.intake.in_force();
        let boards = in_force.tenants.iter();
        let boards = boards
            .map(|tenant| (tenant.id, tenant.board.borrow().clone()))
            .collect();
        Ok(last_leaves(&numbers, &boards, now))
    }

    /// Whoever asks for some tenants hears of those, and of what is for all of them.
    async fn banners(
        &self,
        names: Option<&[String]>,
        view: &NowView,
        at: Timestamp,
    ) -> Result<Vec<BannerView>, HttpError> {
        let concerns =
            |tenant: &str| names.is_none_or(|names| names.iter().any(|name| name == tenant));
        let mut pauses = self.pauses().await?;
        pauses.retain(|pause| pause.tenant.as_deref().is_none_or(concerns));
        let mut tenants = self.tenants().await?;
        tenants.retain(|tenant| concerns(&tenant.name));
        let sources = if names.is_none() {
            self.silences().await?
        } else {
            Vec::new()
        };
        let room = self.journal.space().room().warning();
        let closed = || "nothing can be written: the journal's writer has ended".to_owned();
        let journal = if self.journal.is_open() {
            room
        } else {
            Some(closed())
        };
        let mut reload = self.reloads.last();
        if names.is_some() {
            reload.faults.clear();
        }
        let of = names.map(<[String]>::to_vec);
        let lasting = self
            .read(move |reader| {
                let of = of.as_deref();
                let mut all = reader.going_on(MessageType::ReceiverFailing, of)?;
                all.extend(reader.going_on(MessageType::CredentialEnding, of)?);
                Ok(all)
            })
            .await?;
        Ok(banners(&Told {
            journal: journal.filter(|_| names.is_none()),
            pauses: &pauses,
            tenants: &tenants,
            sources: &sources,
            reload: &reload,
            lasting: &lasting,
            now: view,
            at,
        }))
    }
}
