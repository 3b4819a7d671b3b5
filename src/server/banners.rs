//! What is wrong, or is as somebody ordered it, in the order in which people have to know it.

use crate::api::{BannerView, NowView, PauseView, ReloadView, SourceView, TenantView};
use scanhook_core::time::Timestamp;

/// Decisions that will be held, and minutes until the last scan leaves, that make a storm.
const MANY: u64 = 100;
const LONG: core::time::Duration = core::time::Duration::from_secs(30 * 60);

/// What banners are made of.
pub(super) struct Told<'t> {
    /// What the journal says against itself.
    pub(super) journal: Option<String>,
    pub(super) pauses: &'t [PauseView],
    pub(super) tenants: &'t [TenantView],
    pub(super) sources: &'t [SourceView],
    pub(super) reload: &'t ReloadView,
    pub(super) now: &'t NowView,
    pub(super) at: Timestamp,
}

pub(super) fn banners(told: &Told<'_>) -> Vec<BannerView> {
    let mut all = Vec::new();
    all.extend(
        told.journal
            .as_ref()
            .map(|text| banner("journal", text.clone(), "/system#journal")),
    );
    let waiting = told.now.flow.waiting;
    all.extend(told.pauses.iter().map(|pause| BannerView {
        tenant: pause.tenant.clone(),
        since: Some(pause.at.clone()),
        ..banner(
            "paused",
            format!(
                "{}, {}; {waiting} scans wait in all",
                pause.scope(),
                pause.story()
            ),
            "/system#pauses",
        )
    }));
    all.extend(told.tenants.iter().filter_map(|tenant| {
        let why = tenant.lane.stopped.as_ref()?;
        Some(BannerView {
            tenant: Some(tenant.name.clone()),
            ..banner("stopped", why.clone(), "/system#tenants")
        })
    }));
    all.extend(storm(told));
    if let Some(fault) = told.reload.faults.first() {
        let text = format!("{}: {}", fault.file, fault.message);
        all.push(BannerView {
            since: Some(told.reload.at.clone()),
            ..banner("reload-refused", text, "/rules")
        });
    }
    all.extend(told.sources.iter().filter_map(|source| {
        let since = source.silent_since.clone()?;
        let text = format!("nothing has come from `{}` since {since}", source.name);
        Some(BannerView {
            since: Some(since),
            ..banner("silent", text, "/system#sources")
        })
    }));
    all
}

fn banner(code: &str, text: String, link: &str) -> BannerView {
    BannerView {
        code: code.to_owned(),
        text,
        link: link.to_owned(),
        ..BannerView::default()
    }
}

/// More than can be asked or sent in time.
fn storm(told: &Told<'_>) -> Option<BannerView> {
    let NowView {
        flow, directory, ..
    } = told.now;
    let leaves = flow.last_leaves_at.as_deref().and_then(Timestamp::parse);
    let late = leaves.is_some_and(|leaves| leaves.since(told.at) > LONG);
    if directory.will_be_held <= MANY && !late {
        return None;
    }
    let mut text = format!(
        "{} alerts about {} machines in 5 minutes",
        flow.alerts_5m, flow.machines_5m
    );
    if directory.resolving > 0 {
        let first = directory.first_ends_at.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "; {} decisions wait for {} questions to the directory at {} a minute: {} will be answered in time, \
             {} will be held; the first waits until {first}",
            directory.resolving,
            directory.questions,
            directory.per_minute,
            directory.will_be_answered,
            directory.will_be_held,
        ));
    }
    if let (true, Some(leaves)) = (late, leaves) {
        let waiting = flow.waiting;
        text.push_str(&format!(
            "; {waiting} scans wait, the last leaves at {leaves}"
        ));
    }
    Some(banner("storm", text, "/held"))
}
