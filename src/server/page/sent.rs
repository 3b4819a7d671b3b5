//! A form that somebody has sent.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts as _, Request};

use crate::server::access::AskedBy;
use crate::server::fields::FormValues;
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
        let (mut parts, body) = request.into_parts();
        Ok(SentForm {
            admin: admin.clone(),
            asked: AskedBy::from_request_parts(&mut parts, admin).await?,
            values: FormValues::read(body).await?,
        })
    }
}
