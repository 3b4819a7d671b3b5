//! The forms that give orders: first what would come of it, then the order.

use std::sync::Arc;

use axum::response::Response;
use axum::routing::{MethodRouter, post};

use super::answered::answer;
use super::confirm::ask;
use super::sent::SentForm;
use crate::server::control::OrderVerb;
use crate::server::refusal::{CommandError, HttpError};
use crate::server::state::Admin;

/// What an answer to what is held would do. Nothing is changed.
pub(super) async fn look_at_answer(form: SentForm) -> Result<Response, HttpError> {
    let verb = match form.values.get("verb") {
        Some("approve") => OrderVerb::Approve,
        Some("deny") => OrderVerb::Deny,
        _ => return Err(CommandError::BadValue("verb", "approve or deny").into()),
    };
    ask(&form, verb, None).await
}

/// What it would do to cancel these scans, or to try these things again. Nothing is changed.
pub(super) async fn look_at_scans(form: SentForm) -> Result<Response, HttpError> {
    let verb = match form.values.get("verb") {
        Some("cancel") => OrderVerb::Cancel,
        Some("retry") => OrderVerb::Retry,
        _ => return Err(CommandError::BadValue("verb", "cancel or retry").into()),
    };
    ask(&form, verb, None).await
}

/// The order itself.
pub(super) fn post_order(verb: OrderVerb) -> MethodRouter<Arc<Admin>> {
    post(async move |form: SentForm| answer(&form, verb).await)
}
