//! A form that somebody has sent.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};

use super::fields::FormValues;
use crate::server::access::AskedBy;
use crate::server::refusal::HttpError;
use crate::server::state::Admin;

/// A form that somebody has sent.
pub(super) struct SentForm {
    pub(super) admin: Arc<Admin>,
    pub(super) asked: AskedBy,
    pub(super) values: FormValues,
}

impl FromRequest<Arc<Admin>> for SentForm {
    type Rejection = HttpError;

    async fn from_request(request: Request, admin: &Arc<Admin>) -> Result<SentForm, HttpError> {
        let asked = request.extensions().get::<AskedBy>().cloned();
        Ok(SentForm {
            admin: admin.clone(),
            asked: asked.ok_or(HttpError::Internal)?,
            values: FormValues::read(request.into_body()).await?,
        })
    }
}
