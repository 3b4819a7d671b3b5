//! The audit as a list, newest first.

use axum::Json;
use axum::extract::State;

use super::query::{self, Pairs};
use super::refusal::HttpError;
use super::state::{Admin, SharedAdmin};
use crate::api::{AuditHeadView, AuditView};
use crate::clock;

pub(super) async fn list(
    State(admin): SharedAdmin,
    pairs: Pairs,
) -> Result<Json<AuditView>, HttpError> {
    Ok(Json(admin.audit_view(pairs).await?))
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
    pub(super) async fn audit_view(&self, pairs: Pairs) -> Result<AuditView, HttpError> {
        let filter = query::audit(pairs, clock::now())?;
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
