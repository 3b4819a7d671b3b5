//! The order itself, and the page that says what came of it. The order is that of the API.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::confirm::ask;
use super::fates::{Fate, done};
use super::filters;
use super::order_home::{home, is_answer};
use super::order_words::told;
use super::picks::{members, text};
use super::sent::SentForm;
use super::shell::PageShell;
use super::written::html;
use crate::api::OrderView;
use crate::clock;
use crate::server::control::OrderVerb;
use crate::server::fields::{FormValues, body};
use crate::server::refusal::{CommandError, HttpError, ToldInPage};

#[derive(Template)]
#[template(path = "answered.html")]
struct AnsweredPage {
    shell: PageShell,
    heading: String,
    home: &'static str,
    verb: &'static str,
    /// Whether it answers what is held.
    answers: bool,
    fates: Vec<Fate>,
    order: OrderView,
    /// A group of which more is to be answered.
    group: Option<String>,
    reason: String,
    at_once: bool,
}

/// Gives the order, if it still means what was shown.
pub(super) async fn answer(form: &SentForm, verb: OrderVerb) -> Result<Response, HttpError> {
    let values = &form.values;
    let mut members = members(verb, values);
    if values.get("after").is_some() {
        members.extend(values.members(&["after"]));
    } else {
        members.insert("expect".to_owned(), Value::Object(expected(values)?));
    }
    let group = text(&members, "group");
    let reason = text(&members, "reason").unwrap_or_default();
    let at_once = members.contains_key("now");
    let order = match form.admin.order(&form.asked, verb, &body(members)).await {
        Ok(order) => order,
        Err(HttpError::Order(CommandError::ChangedSince(meant))) => {
            let refused = HttpError::Order(CommandError::ChangedSince(meant.clone()));
            let mut response = ask(form, verb, Some(meant)).await?;
            *response.status_mut() = StatusCode::CONFLICT;
            response.extensions_mut().insert(ToldInPage(refused));
            return Ok(response);
        }
        Err(refused) => return Err(refused),
    };
    let (here, home) = home(verb);
    let page = AnsweredPage {
        shell: PageShell::around(Some(&form.asked), "Done".to_owned(), here, clock::now()),
        heading: told(verb, &order),
        home,
        verb: verb.name(),
        answers: is_answer(verb),
        fates: done(verb, &order.items),
        group: group.filter(|_| order.next.is_some()),
        order,
        reason,
        at_once,
    };
    html(StatusCode::OK, &page)
}

/// What the page that asked has shown.
fn expected(values: &FormValues) -> Result<Map<String, Value>, HttpError> {
    let number = |key: &str| values.get(key)?.parse::<u64>().ok().map(Value::from);
    let shown = [
        ("machines", number("machines")),
        ("decisions", number("decisions")),
        ("digest", values.get("digest").map(|digest| json!(digest))),
    ];
    let shown = shown.map(|(key, value)| Some((key.to_owned(), value?)));
    let takes = "the numbers and the digest of the page that asks";
    let shown: Option<Map<String, Value>> = shown.into_iter().collect();
    shown.ok_or_else(|| CommandError::BadValue("expect", takes).into())
}
