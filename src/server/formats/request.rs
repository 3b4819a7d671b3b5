//! A list as it is asked for: by whom, narrowed to what, and in which format.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::row_format::RowFormat;
use crate::server::access::{AskedBy, CallerStanding};
use crate::server::lasting::LastingAnswer;
use crate::server::order::words;
use crate::server::query::Pairs;
use crate::server::refusal::{CommandError, HttpError};
use crate::server::state::Admin;

/// A request for a list.
pub(in crate::server) struct ListRequest {
    pub(in crate::server) admin: Arc<Admin>,
    pub(in crate::server) asked: AskedBy,
    /// The query without `format`.
    pub(in crate::server) pairs: Pairs,
    /// `None`: a page of JSON.
    pub(in crate::server) format: Option<RowFormat>,
    pub(super) standing: CallerStanding,
    pub(super) lasting: LastingAnswer,
}

impl FromRequestParts<Arc<Admin>> for ListRequest {
    type Rejection = HttpError;

    async fn from_request_parts(
        parts: &mut Parts,
        admin: &Arc<Admin>,
    ) -> Result<ListRequest, HttpError> {
        let asked = AskedBy::from_request_parts(parts, admin).await?;
        let lasting = parts.extensions.get().cloned().unwrap_or_default();
        let Ok(standing) = CallerStanding::from_request_parts(parts, admin).await;
        let mut pairs: Pairs = Query::from_request_parts(parts, admin).await;
        let mut format = RowFormat::accepted(&parts.headers);
        if let Ok(Query(pairs)) = &mut pairs
            && let Some(word) = taken(pairs, "format")?
        {
            format = match word.as_str() {
                "json" => None,
                "csv" => Some(RowFormat::Csv),
                "ndjson" => Some(RowFormat::Ndjson),
                _ => {
                    let takes = words(RowFormat::WORDS);
                    return Err(CommandError::BadParameter {
                        key: "format",
                        takes,
                    }
                    .into());
                }
            };
        }
        Ok(ListRequest {
            admin: admin.clone(),
            asked,
            pairs,
            format,
            standing,
            lasting,
        })
    }
}

/// Takes the one value of a key out of a query.
pub(super) fn taken(
    pairs: &mut Vec<(String, String)>,
    key: &'static str,
) -> Result<Option<String>, CommandError> {
    let mut values = Vec::new();
    pairs.retain(|(name, value)| {
        let is_it = name == key;
        if is_it {
            values.push(value.clone());
        }
        !is_it
    });
    let takes = || "one value".to_owned();
    match values.len() {
        0 | 1 => Ok(values.pop()),
        _ => Err(CommandError::BadParameter {
            key,
            takes: takes(),
        }),
    }
}
