//! Orders about messages: to try again those that were given up, and to try a receiver. A page asks before either.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;

use super::filters;
use super::sent::SentForm;
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use super::written::html;
use crate::api::MessageView;
use crate::clock;
use crate::server::fields::body;
use crate::server::query;
use crate::server::refusal::{AccessError, HttpError};
use scanhook_core::counted::counted;
use scanhook_core::percent::encoded;

#[derive(Template)]
#[template(path = "receiver-confirm.html")]
struct ReceiverConfirmPage {
    shell: PageShell,
    heading: String,
    /// What will happen.
    text: String,
    action: String,
    receiver: Option<String>,
    /// The messages that are tried again, as far as they are listed.
    messages: Vec<MessageView>,
    /// What the button says; none: nothing would come of it.
    button: Option<String>,
}

#[derive(Template)]
#[template(path = "receiver-answered.html")]
struct ReceiverAnsweredPage {
    shell: PageShell,
    heading: String,
    /// What the receiver said.
    answer: Option<String>,
}

/// Asks about messages that were given up.
pub(super) async fn confirm_again(visit: Visit) -> Result<Response, HttpError> {
    if !visit.asked.sees_all() {
        return Err(AccessError::ForAllTenants.into());
    }
    let mut asked = query::known(&["receiver"], visit.pairs())?;
    let receiver = asked.pop().map(|(_, name)| name);
    let mut dead = vec![("state".to_owned(), "dead".to_owned())];
    dead.extend(receiver.clone().map(|name| ("receiver".to_owned(), name)));
    let messages = visit.admin.outbox_view(Ok(Query(dead))).await?.items;
    let receivers = visit.admin.receivers().await?;
    let meant = receivers
        .iter()
        .filter(|one| receiver.as_ref().is_none_or(|name| *name == one.name));
    let many = meant.map(|one| one.dead as usize).sum::<usize>();
    let many = counted(many.max(messages.len()), "message");
    let to = receiver.as_ref().map(|name| format!(" to {name}"));
    let to = to.unwrap_or_default();
    let page = ReceiverConfirmPage {
        shell: asking(&visit).await?,
        heading: format!("Try {many}{to} again?"),
        text: "They wait again, and are sent as soon as their receiver takes them.".to_owned(),
        action: "/system/outbox/retry".to_owned(),
        receiver,
        button: (!messages.is_empty()).then(|| format!("Try {many} again")),
        messages,
    };
    visit.shown(&page.shell, &page)
}

/// Asks about a message that only tries a receiver.
pub(super) async fn confirm_attempt(
    Path(name): Path<String>,
    visit: Visit,
) -> Result<Response, HttpError> {
    query::nothing(visit.pairs())?;
    visit.admin.known_receiver(Some(&name))?;
    let page = ReceiverConfirmPage {
        shell: asking(&visit).await?,
        heading: format!("Send a test message to {name}?"),
        text: "It tells of nothing that has happened, and says that it is a test.".to_owned(),
        action: format!("/system/receivers/{}/test", encoded(&name)),
        receiver: None,
        messages: Vec::new(),
        button: Some("Send the test message".to_owned()),
    };
    visit.shown(&page.shell, &page)
}

/// What stands around a page that asks: it is not loaded again while somebody reads it.
async fn asking(visit: &Visit) -> Result<PageShell, HttpError> {
    Ok(PageShell {
        live: false,
        ..visit.shell("Confirm", NavPage::System).await?
    })
}

/// Lets messages that were given up wait again.
pub(super) async fn again(form: SentForm) -> Result<Response, HttpError> {
    let members = form.values.members(&["receiver", "reason"]);
    let revived = form
        .admin
        .revive_messages(&form.asked, &body(members))
        .await?
        .revived;
    let verb = if revived == 1 { "waits" } else { "wait" };
    told(
        &form,
        format!("{} {verb} again", counted(revived, "message")),
        None,
    )
}

/// Tries a receiver.
pub(super) async fn attempt(
    Path(name): Path<String>,
    form: SentForm,
) -> Result<Response, HttpError> {
    let members = form.values.members(&["reason"]);
    let message = form
        .admin
        .try_receiver(&form.asked, &name, &body(members))
        .await?;
    let heading = match message.state.as_str() {
        "sent" => format!("{name} took the test message"),
        "dead" => format!("{name} refused the test message"),
        _ => format!("{name} has not taken the test message yet; it is sent again"),
    };
    told(&form, heading, message.answer)
}

fn told(form: &SentForm, heading: String, answer: Option<String>) -> Result<Response, HttpError> {
    let (asked, now) = (Some(&form.asked), clock::now());
    let page = ReceiverAnsweredPage {
        shell: PageShell::around(asked, "Done".to_owned(), NavPage::System, now),
        heading,
        answer,
    };
    html(StatusCode::OK, &page)
}
