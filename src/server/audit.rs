//! The audit as a list, newest first.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::formats::{ListRequest, RowFormat, rows};
use super::query::{self, Pairs};
use super::refusal::HttpError;
use super::state::{Admin, SharedAdmin};
use crate::api::{AuditHeadView, AuditView, Page};
use crate::clock;

/// Rows of it, newest first; as lines of JSON the oldest first, which is a chain that `scanhook audit --verify` reads.
pub(super) async fn list(request: ListRequest) -> Result<Response, HttpError> {
    let Some(format) = request.format else {
        let view = request.admin.audit_view(request.pairs, false).await?;
        return Ok(Json(view).into_response());
    };
    let oldest_first = format == RowFormat::Ndjson;
    rows(
        request,
        format,
        "audit",
        move |admin, _, pairs| async move {
            let view = admin.audit_view(pairs, oldest_first).await?;
            Ok(Page {
                items: view.items,
                next: view.next.map(|next| next.to_string()),
                total: None,
            })
        },
    )
    .await
}

pub(super) async fn head(
    State(admin): SharedAdmin,
    pairs: Pairs,
) -> Result<Json<AuditHeadView>, HttpError> {
    query::nothing(pairs)?;
    let head = admin.read(|reader| reader.audit_head()).await?;
    Ok(Json(AuditHeadView {
        hash: head.unwrap_or_default(),
    }))
}

impl Admin {
    /// A page of the audit.
    pub(super) async fn audit_view(
        &self,
        pairs: Pairs,
        oldest_first: bool,
    ) -> Result<AuditView, HttpError> {
        let mut filter = query::audit(pairs, clock::now())?;
        filter.oldest_first = oldest_first;
        let most = usize::from(filter.limit);
        let (mut items, head) = self
            .read(move |reader| {
                let mut more = filter;
                more.limit += 1;
                Ok((reader.audit(&more)?, reader.audit_head()?))
            })
            .await?;
        let next = (items.len() > most).then(|| items[most - 1].entry.id);
        items.truncate(most);
        Ok(AuditView { items, head, next })
    }
}
