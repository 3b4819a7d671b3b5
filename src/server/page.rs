//! The pages of the admin listener: what the API says, as HTML. Every page is written by the server and works without
//! JavaScript; it asks the same functions for its views as the API does (`views`), and its forms give orders by the same
//! functions (`control`). It never reads the journal itself.
//!
//! A page is a [`visit::Visit`], a view, and a template of `templates/` around which stands a `shell`. `text` escapes every
//! value; `filters` are what templates do with values; `svg` is the one thing that is not escaped; `drain` and `hour` draw with
//! it. `answer` gives the headers that keep a page to itself, and turns a refusal into a page (`problem`). An order goes from
//! what is picked (`picks`) over the page that asks (`confirm`) to the page that tells (`answered`). `assets` are the files that
//! pages load.

mod alert;
mod alerts;
pub(super) mod answer;
mod answered;
mod assets;
mod audit;
mod confirm;
mod drain;
mod fates;
mod filters;
mod held;
mod hour;
mod link;
mod lists;
mod machine;
mod now;
mod order_home;
mod order_words;
mod orders;
mod outcomes;
mod pausing;
mod picks;
mod portal;
mod problem;
mod receivers;
mod rules;
mod scan;
mod scans;
mod sent;
mod shell;
pub(super) mod sign_in;
mod svg;
mod system;
mod text;
mod times;
mod visit;
mod written;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use super::control::OrderVerb;
use super::same_site::from_here;
use super::state::Admin;
use orders::post_order;

/// The pages that are looked at.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/assets/{file}", get(assets::file))
        .route("/", get(now::show))
        .route("/held", get(held::show))
        .route("/held/{id}", get(held::show_one))
        .route("/pause", get(pausing::show))
        .route("/pause/confirm", get(pausing::confirm))
        .route("/resume", get(pausing::confirm_end))
        .route("/alerts", get(alerts::list))
        .route("/alerts/{delivery}/{n}", get(alert::show))
        .route("/scans", get(scans::list))
        .route("/scans/{id}", get(scan::show))
        .route("/machines/{tenant}/{id}", get(machine::show))
        .route("/rules", get(rules::list))
        .route("/rules/{name}", get(rules::show))
        .route("/policies/{hash}", get(rules::policy))
        .route("/system", get(system::show))
        .route("/system/outbox/retry", get(receivers::confirm_again))
        .route(
            "/system/receivers/{name}/test",
            get(receivers::confirm_attempt),
        )
        .route("/audit", get(audit::list))
}

/// What their forms send. A form shows first what it would do; only another one does it.
pub(super) fn forms() -> Router<Arc<Admin>> {
    Router::new()
        .route("/held/confirm", post(orders::look_at_answer))
        .route("/held/approve", post_order(OrderVerb::Approve))
        .route("/held/deny", post_order(OrderVerb::Deny))
        .route("/scans/confirm", post(orders::look_at_scans))
        .route("/scans/cancel", post_order(OrderVerb::Cancel))
        .route("/scans/retry", post_order(OrderVerb::Retry))
        .route("/system/outbox/retry", post(receivers::again))
        .route("/system/receivers/{name}/test", post(receivers::attempt))
        .route("/pause", post(pausing::pause))
        .route("/resume", post(pausing::resume))
        .route_layer(from_fn(from_here))
}
