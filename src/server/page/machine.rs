//! One machine: what it is called, what the directory says, and all that was decided and done about it lately.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::filters;
use super::portal::device_page;
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::{AlertView, DecisionView, MachineView};
use crate::server::refusal::HttpError;

#[derive(Template)]
#[template(path = "machine.html")]
struct MachinePage {
    shell: PageShell,
    machine: MachineView,
    decisions: Vec<DecisionView>,
    /// Alerts about it that nothing was decided for.
    undecided: Vec<AlertView>,
    device_url: Option<String>,
}

pub(super) async fn show(
    Path((tenant, id)): Path<(String, String)>,
    visit: Visit,
) -> Result<Response, HttpError> {
    let admin = &visit.admin;
    let mut machine = admin
        .machine_view(&visit.asked, (tenant, &id), visit.pairs())
        .await?;
    let name = machine.device.called().to_owned();
    let mut undecided = core::mem::take(&mut machine.alerts);
    undecided.retain(|alert| alert.receipt.decisions.is_empty());
    let page = MachinePage {
        shell: visit.shell(name, NavPage::Elsewhere).await?,
        device_url: device_page(admin, &machine.tenant, &machine.id),
        decisions: core::mem::take(&mut machine.decisions),
        undecided,
        machine,
    };
    visit.shown(&page.shell, &page)
}
