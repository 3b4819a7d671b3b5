//! A template as the answer that it is.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::server::refusal::HttpError;

/// A page as it is sent.
pub(super) fn html(status: StatusCode, page: &impl Template) -> Result<Response, HttpError> {
    let text = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        HttpError::Internal
    })?;
    Ok((status, Html(text)).into_response())
}
