//! A list as CSV or as lines of JSON, besides a page of JSON: all rows of it, page by page while they are read, so that a
//! long one takes no more memory than a short one. Whoever takes one is recorded before the first byte leaves.

mod request;
mod row_format;
mod walk;

pub(super) use request::ListRequest;
pub(super) use row_format::RowFormat;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use scanhook_core::access::AuditEntry;
use scanhook_core::plain::one_line;
use serde::Serialize;

use super::access::AskedBy;
use super::query::Pairs;
use super::refusal::HttpError;
use super::state::Admin;
use crate::api::csv::CsvRow;
use crate::api::{Page, Total};
use crate::clock;
use walk::ListWalk;

/// Characters of a query that its row in the audit tells.
const TOLD: usize = 300;

/// A list of pages, as it is asked for: a page of JSON, or all rows.
pub(super) async fn listed<T, V, F>(
    request: ListRequest,
    of: &'static str,
    view: V,
) -> Result<Response, HttpError>
where
    T: Serialize + CsvRow + Send + 'static,
    V: Fn(Arc<Admin>, AskedBy, Pairs) -> F + Send + 'static,
    F: Future<Output = Result<Page<T>, HttpError>> + Send + 'static,
{
    match request.format {
        None => {
            let ListRequest { admin, asked, .. } = request;
            Ok(Json(view(admin, asked, request.pairs).await?).into_response())
        }
        Some(format) => rows(request, format, of, view).await,
    }
}

/// All rows of a list.
pub(super) async fn rows<T, V, F>(
    request: ListRequest,
    format: RowFormat,
    of: &'static str,
    view: V,
) -> Result<Response, HttpError>
where
    T: Serialize + CsvRow + Send + 'static,
    V: Fn(Arc<Admin>, AskedBy, Pairs) -> F + Send + 'static,
    F: Future<Output = Result<Page<T>, HttpError>> + Send + 'static,
{
    let mut walk = ListWalk::begin(request, format, view).await?;
    walk.admin
        .audit_export(&walk.asked, (of, format), walk.told(), walk.total())
        .await?;
    walk.again().await?;
    let name = format!("attachment; filename=\"{of}.{}\"", format.word());
    let mut response = Body::from_stream(unfold(walk, ListWalk::next)).into_response();
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, format.media_type()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

impl Admin {
    /// Writes down that a list is taken away; nothing of it leaves before.
    async fn audit_export(
        &self,
        asked: &AskedBy,
        (of, format): (&str, RowFormat),
        query: String,
        total: Option<Total>,
    ) -> Result<(), HttpError> {
        let policy = self.intake.in_force().policy.fingerprint().to_owned();
        let count = match total {
            Some(Total::Exact(count)) => count,
            _ => 0,
        };
        let scope = format!("{} {query}", format.word());
        let entry = AuditEntry {
            scope: one_line(scope.trim(), TOLD),
            count,
            result: "done".to_owned(),
            ..asked.entry(&format!("export {of}"), &policy)
        };
        self.audited(entry).await
    }

    /// Writes a row of the audit for something that is looked at and no order; without it nothing is shown.
    pub(super) async fn audited(&self, entry: AuditEntry) -> Result<(), HttpError> {
        let stored = self.journal.write(move |tx| tx.audit(entry, clock::now()));
        stored.await.map_err(|error| {
            tracing::error!(code = error.code(), %error, "the audit could not be written");
            HttpError::JournalUnavailable
        })
    }
}
