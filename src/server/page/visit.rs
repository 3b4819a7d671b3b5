//! Somebody who looks at a page: who, at which path, with which query, and what their browser has of it already.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use super::shell::{NavPage, PageShell};
use crate::api::NowView;
use crate::clock;
use crate::server::access::AskedBy;
use crate::server::query::{Pairs, nothing};
use crate::server::refusal::HttpError;
use crate::server::state::Admin;
use scanhook_core::percent::query;
use scanhook_core::time::Timestamp;

/// What is the same for so long is not asked for again, though times go on.
const MINUTE: i64 = 60_000;

/// The pages that can be narrowed to one tenant.
const TENANTS: [&str; 4] = ["/", "/held", "/alerts", "/scans"];

/// A request for a page.
pub(super) struct Visit {
    /// Reads on the page's own connection, and not for long.
    pub(super) admin: Admin,
    pub(super) asked: AskedBy,
    pub(super) path: String,
    /// The query without what was left empty: forms send every field.
    pub(super) query: Vec<(String, String)>,
    pub(super) now: Timestamp,
    /// The number of changes at its beginning.
    seq: u64,
}

impl FromRequestParts<Arc<Admin>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Visit, Response> {
        let asked = AskedBy::from_request_parts(parts, admin).await;
        let asked = asked.map_err(IntoResponse::into_response)?;
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        // One that cannot be read is refused as the API does.
        let Query(mut query) = match query {
            Ok(query) => query,
            Err(rejection) => {
                let refused = nothing(Err(rejection)).err();
                let refused = refused.map_or(HttpError::Internal, HttpError::from);
                return Err(refused.into_response());
            }
        };
        query.retain(|(_, value)| !value.is_empty());
        let visit = Visit {
            admin: admin.viewing(),
            asked,
            path: parts.uri.path().to_owned(),
            query,
            now: clock::now(),
            seq: admin.journal.pulse().seq(),
        };
        let has = parts.headers.get(IF_NONE_MATCH);
        let tag = visit.tag(visit.seq);
        if has.is_some_and(|has| has.as_bytes() == tag.as_bytes()) {
            return Err((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
        }
        Ok(visit)
    }
}

impl Visit {
    /// The query as the views of the API take it.
    pub(super) fn pairs(&self) -> Pairs {
        Ok(Query(self.query.clone()))
    }

    /// The value of a parameter.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let mut query = self.query.iter();
        let found = query.find(|(known, _)| known == key)?;
        Some(&found.1)
    }

    /// The tenant that is looked at, if it is one.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.value("tenant")
            .filter(|name| self.admin.tenant_for(&self.asked, name).is_some())
    }

    /// The same page from another place of its list on.
    pub(super) fn link_to(&self, after: &str) -> String {
        let others = self.query.iter().filter(|(key, _)| key != "after");
        let pairs = others.map(|(key, value)| (key.as_str(), value.as_str()));
        let query = query(pairs.chain([("after", after)]));
        format!("{}?{query}", self.path)
    }

    /// What stands around the content of every page.
    pub(super) async fn shell(
        &self,
        title: impl Into<String>,
        here: NavPage,
    ) -> Result<PageShell, HttpError> {
        let now = self.admin.now_view(&self.asked, self.tenant()).await?;
        Ok(self.shell_with(title, here, &now))
    }

    /// The same, where what is to be known now is known.
    pub(super) fn shell_with(
        &self,
        title: impl Into<String>,
        here: NavPage,
        now: &NowView,
    ) -> PageShell {
        // What was put together before the last change is asked for again after it.
        let seq = self.seq.min(now.seq);
        let in_force = self.admin.intake.in_force();
        let named = in_force.tenants.iter().map(|tenant| tenant.name.clone());
        let tenants: Vec<String> = named.filter(|name| self.asked.sees(name)).collect();
        let fields = self.query.iter();
        let fields = fields.filter(|(key, _)| !matches!(key.as_str(), "tenant" | "after"));
        PageShell {
            seq,
            tag: self.tag(seq),
            held: now.person.held.values().sum(),
            banners: now.banners.clone(),
            picks_tenant: TENANTS.contains(&self.path.as_str()),
            tenants: if tenants.len() > 1 {
                tenants
            } else {
                Vec::new()
            },
            tenant: self.tenant().map(str::to_owned),
            path: self.path.clone(),
            fields: fields.cloned().collect(),
            live: true,
            ..PageShell::around(Some(&self.asked), title.into(), here, self.now)
        }
    }

    /// The same as long as the same is shown to the same person.
    fn tag(&self, seq: u64) -> String {
        let grant = &self.asked.caller.grant;
        let minute = self.now.millis() / MINUTE;
        let about = format!(
            "{seq}\n{minute}\n{:?}\n{}\n{}\n{:?}\n{:?}",
            *super::assets::PATHS,
            self.path,
            self.asked.caller.subject,
            grant,
            self.query
        );
        let hash = hex::encode(Sha256::digest(about));
        format!("\"{seq}-{}\"", &hash[..16])
    }

    /// A page.
    pub(super) fn shown(
        &self,
        shell: &PageShell,
        page: &impl askama::Template,
    ) -> Result<Response, HttpError> {
        let mut response = super::written::html(StatusCode::OK, page)?;
        if let Ok(tag) = HeaderValue::from_str(&shell.tag) {
            response.headers_mut().insert(ETAG, tag);
        }
        Ok(response)
    }
}
