//! What is wrong, or is as somebody ordered it, in the order in which people have to know it.

use super::forecast::storm_text;
use crate::api::{BannerView, NowView, PauseView, ReloadView, SourceView, TenantView};
use scanhook_core::message::{MessageType, Notice, sentence};
use scanhook_core::storm;
use scanhook_core::time::Timestamp;

/// What banners are made of.
pub(super) struct Told<'t> {
    /// What the journal says against itself.
    pub(super) journal: Option<String>,
    pub(super) pauses: &'t [PauseView],
    pub(super) tenants: &'t [TenantView],
    pub(super) sources: &'t [SourceView],
    pub(super) reload: &'t ReloadView,
    /// Receivers that fail, and credentials that end.
    pub(super) lasting: &'t [Notice],
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
    all.extend(told.lasting.iter().map(lasting));
    all
}

/// What goes on, in the words of its message.
fn lasting(notice: &Notice) -> BannerView {
    let (code, link) = match notice.kind {
        MessageType::ReceiverFailing => ("receiver-failing", "/system#messages"),
        _ => ("credential-ending", "/system#tenants"),
    };
    BannerView {
        tenant: notice.tenant.clone(),
        since: Some(notice.at.to_string()),
        ..banner(code, sentence(notice), link)
    }
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
    let late = flow.waiting > storm::FEW
        && leaves.is_some_and(|leaves| leaves.since(told.at) > storm::QUEUE);
    if directory.will_be_held <= storm::HELD && !late {
        return None;
    }
    let mut text = format!(
        "{} alerts about {} machines in 5 minutes",
        flow.alerts_5m, flow.machines_5m
    );
    let leaves = flow.last_leaves_at.as_deref().filter(|_| late);
    let rest = storm_text(directory, flow.waiting, leaves);
    if !rest.is_empty() {
        text = format!("{text}; {rest}");
    }
    Some(banner("storm", text, "/held"))
}
