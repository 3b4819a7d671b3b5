//! The stream of what happened, for programs: a page of it as lines of JSON, or followed as server-sent events
//! (`text/event-stream`) from where one left off.

mod follow;
mod told;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};

use super::access::{AskedBy, CallerStanding};
use super::lasting::LastingAnswer;
use super::messages::number;
use super::query::{self, Pairs};
use super::refusal::{CommandError, HttpError};
use super::state::{Admin, SharedAdmin};
use follow::{EventFeed, FeedStart};

/// What a client that was cut off has seen last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Events of a page, where nothing else is said.
const PAGE: usize = 100;

pub(super) fn views() -> Router<Arc<Admin>> {
    Router::new().route("/api/v1/events", get(events))
}

async fn events(
    State(admin): SharedAdmin,
    asked: AskedBy,
    lasting: Option<Extension<LastingAnswer>>,
    standing: CallerStanding,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, HttpError> {
    let (mut after, limit) = events_from(pairs)?;
    let follows = is_followed(&headers);
    if follows && let Some(seen) = headers.get(LAST_EVENT_ID) {
        let seen = seen.to_str().unwrap_or_default();
        after = Some(number("last-event-id", seen)?);
    }
    let (oldest, newest) = admin.read(|reader| reader.event_bounds()).await?;
    let kept_from = if oldest > 0 { oldest } else { newest + 1 };
    if after.is_some_and(|after| after < kept_from - 1) {
        return Err(CommandError::EventsGone(kept_from).into());
    }
    if follows {
        let seat = admin.subscribers.take(&asked.caller.subject);
        let start = FeedStart {
            seat: seat.ok_or(CommandError::TooManyListeners)?,
            after: after.unwrap_or(newest),
            bounds: (kept_from, newest),
        };
        let lasting = lasting.map(|Extension(lasting)| lasting);
        let feed = EventFeed::new(admin, asked, standing, lasting.unwrap_or_default(), start);
        return Ok(feed.into_response());
    }
    let lines = admin
        .event_bodies(&asked, after.unwrap_or(0), limit)
        .await?;
    let lines: String = lines
        .into_iter()
        .map(|event| format!("{}\n", event.body))
        .collect();
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

/// Whether whoever asks wants to be told as it happens.
fn is_followed(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter();
    let mut ranges = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    ranges.any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

/// The keys of its pages.
pub(super) const KEYS: &[&str] = &["after", "limit"];

/// After which event, and how many.
fn events_from(pairs: Pairs) -> Result<(Option<i64>, usize), CommandError> {
    let (mut after, mut most) = (None, PAGE);
    for (key, value) in query::known(KEYS, pairs)? {
        match key {
            "after" => after = Some(number(key, &value)?),
            _ => most = usize::from(query::limit(key, &value)?),
        }
    }
    Ok((after, most))
}
