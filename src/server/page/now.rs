//! The first page: what is wrong, what waits for people, what flows, and what is left of the quota.

use askama::Template;
use axum::response::Response;

use super::drain::DrainPicture;
use super::filters;
use super::hour::{HourPicture, share};
use super::shell::{NavPage, PageShell};
use super::svg::Svg;
use super::visit::Visit;
use crate::api::{BannerView, NowView, QuotaView, ReceiverView, ScanView};
use crate::journal::Filter;
use crate::server::query;
use crate::server::refusal::HttpError;
use crate::server::views::unknown_id;

/// Banners that are shown one by one.
const SHOWN: usize = 3;
/// The last scans.
const SCANS: u16 = 8;

/// One API of one tenant.
struct QuotaRow {
    tenant: String,
    api: String,
    quota: QuotaView,
    /// The sliding hour: ours, others', left.
    bar: Option<Svg>,
}

/// How messages to receivers are.
struct MessageCounts {
    waiting: u32,
    dead: u32,
    last_sent_at: Option<String>,
}

#[derive(Template)]
#[template(path = "now.html")]
struct NowPage {
    shell: PageShell,
    now: NowView,
    held: u64,
    failed: u64,
    shown: Vec<BannerView>,
    folded: Vec<BannerView>,
    picture: Svg,
    share: Option<u64>,
    quotas: Vec<QuotaRow>,
    /// Those of which nothing was used for an hour.
    unused: Vec<QuotaRow>,
    messages: Option<MessageCounts>,
    scans: Vec<ScanView>,
    drain: Option<Svg>,
    drain_words: Option<String>,
}

pub(super) async fn show(visit: Visit) -> Result<Response, HttpError> {
    query::known(&["tenant"], visit.pairs())?;
    let admin = &visit.admin;
    if visit.value("tenant").is_some() && visit.tenant().is_none() {
        return Err(unknown_id());
    }
    let now = admin.now_view(&visit.asked, visit.tenant()).await?;
    let mut tenants = admin.tenants().await?;
    tenants.retain(|tenant| visit.asked.sees(&tenant.name));
    if let Some(name) = visit.tenant() {
        tenants.retain(|tenant| tenant.name == name);
    }
    let mut pauses = admin.pauses_for(&visit.asked).await?;
    pauses.retain(|pause| {
        visit
            .tenant()
            .is_none_or(|name| pause.tenant.as_deref().is_none_or(|of| of == name))
    });
    let receivers = if visit.asked.sees_all() {
        admin.receivers().await?
    } else {
        Vec::new()
    };
    let filter = Filter {
        tenant: visit.tenant().map(str::to_owned),
        limit: Some(SCANS),
        ..Filter::default()
    };
    let scans = admin.scans_of(&visit.asked, filter).await?.items;
    let share = share(&tenants);
    let picture = HourPicture {
        minutes: &now.minutes,
        share,
        pauses: &pauses,
    };
    let quotas = tenants.iter().flat_map(|tenant| {
        tenant.quota.iter().map(|(api, quota)| QuotaRow {
            tenant: tenant.name.clone(),
            api: api.clone(),
            quota: *quota,
            bar: hour_of(quota),
        })
    });
    let (quotas, unused) = quotas.partition(|row| row.quota.hour > 0 || row.api == "scan");
    let drain = DrainPicture::of(&now, visit.now);
    let mut shown = now.banners.clone();
    let folded = shown.split_off(shown.len().min(SHOWN));
    let shell = visit.shell_with("Now", NavPage::Now, &now);
    let page = NowPage {
        picture: picture.draw(),
        share,
        quotas,
        unused,
        messages: messages(&receivers),
        scans,
        held: now.person.held.values().sum(),
        failed: now.person.failed_24h.values().sum(),
        drain: drain.draw(),
        drain_words: drain.words(),
        shown,
        folded,
        shell,
        now,
    };
    visit.shown(&page.shell, &page)
}

/// What became of an hour's quota.
fn hour_of(quota: &QuotaView) -> Option<Svg> {
    let (ours, others) = (
        u64::from(quota.hour),
        u64::from(quota.used_by_others_per_hour),
    );
    // What others use is taken off already.
    let left = u64::from(quota.effective_per_hour).saturating_sub(ours);
    let parts = [("alerts", ours), ("held", others), ("left", left)];
    Svg::stacked(
        "Calls of the last hour: ours, those of others, left",
        &parts,
    )
}

fn messages(receivers: &[ReceiverView]) -> Option<MessageCounts> {
    (!receivers.is_empty()).then(|| MessageCounts {
        waiting: receivers.iter().map(|one| one.waiting).sum(),
        dead: receivers.iter().map(|one| one.dead).sum(),
        last_sent_at: receivers
            .iter()
            .filter_map(|one| one.last_sent_at.clone())
            .max(),
    })
}
