//! Events as they happen, for one who follows. Nothing is kept for them: what comes next is read from the journal when
//! they have taken what came before, and one who takes nothing for too long is sent away.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use serde_json::json;
use tokio::time::sleep;

use super::told::ToldEvent;
use crate::clock;
use crate::server::access::{AskedBy, CallerStanding};
use crate::server::lasting::LastingAnswer;
use crate::server::refusal::HttpError;
use crate::server::state::Admin;
use crate::server::subscribers::SubscriberSeat;

/// A sign of life, so that nobody on the way takes the connection for a dead one.
const BEAT: Duration = Duration::from_secs(15);
/// How often it is looked whether something happened. That is a number in memory.
const LOOK: Duration = Duration::from_millis(250);
/// How often it is looked whether they are let in still.
const CHECK: Duration = Duration::from_secs(1);
/// A reader who has not taken the last frame for so long is too slow.
const SLOW: Duration = Duration::from_secs(30);
/// Events that are read at once.
const TOGETHER: usize = 100;
/// When a client that was cut off comes back, in milliseconds.
const RETRY: u32 = 5_000;
/// Tells nginx not to keep frames back until it has many.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Where somebody begins to follow.
pub(super) struct FeedStart {
    pub(super) seat: SubscriberSeat,
    pub(super) after: i64,
    /// The oldest event that is kept, and the newest.
    pub(super) bounds: (i64, i64),
}

/// Why a stream ends.
#[derive(Clone, Copy)]
enum Goodbye {
    Stopping,
    SignedOut,
    TooSlow,
}

impl Goodbye {
    const fn reason(self) -> &'static str {
        match self {
            Goodbye::Stopping => "stopping",
            Goodbye::SignedOut => "signed-out",
            Goodbye::TooSlow => "too-slow",
        }
    }
}

/// What one who follows is told next.
pub(super) struct EventFeed {
    admin: Arc<Admin>,
    asked: AskedBy,
    standing: CallerStanding,
    lasting: LastingAnswer,
    /// Free again when the stream is gone.
    _seat: SubscriberSeat,
    after: i64,
    bounds: (i64, i64),
    /// The count of changes up to which all was read.
    seen: Option<u64>,
    /// When the last frame was given, and when the next sign of life is due.
    given_at: Duration,
    beat_at: Duration,
    /// When it is looked next whether they are let in still.
    check_at: Duration,
    begun: bool,
    over: bool,
}

impl EventFeed {
    pub(super) fn new(
        admin: Arc<Admin>,
        asked: AskedBy,
        standing: CallerStanding,
        lasting: LastingAnswer,
        start: FeedStart,
    ) -> EventFeed {
        let now = clock::mono();
        EventFeed {
            admin,
            asked,
            standing,
            lasting,
            _seat: start.seat,
            after: start.after,
            bounds: start.bounds,
            seen: None,
            given_at: now,
            beat_at: now.saturating_add(BEAT),
            check_at: now,
            begun: false,
            over: false,
        }
    }

    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, EventFeed)> {
        self.lasting.touch();
        if self.over {
            return None;
        }
        let frame = self.frame().await;
        let now = clock::mono();
        (self.given_at, self.beat_at) = (now, now.saturating_add(BEAT));
        Some((Ok(Bytes::from(frame)), self))
    }

    /// The next frames, once there are some.
    async fn frame(&mut self) -> String {
        if !self.begun {
            self.begun = true;
            return self.hello();
        }
        if clock::mono().saturating_sub(self.given_at) >= SLOW {
            return self.bye(Goodbye::TooSlow);
        }
        loop {
            self.lasting.touch();
            if *self.admin.stopping.borrow() {
                return self.bye(Goodbye::Stopping);
            }
            if clock::mono() >= self.check_at {
                if !self.standing.holds(&self.admin, &self.asked).await {
                    return self.bye(Goodbye::SignedOut);
                }
                self.check_at = clock::mono().saturating_add(CHECK);
            }
            match self.news().await {
                Ok(news) if !news.is_empty() => return told(&news),
                Ok(_) => {}
                // The client comes back, and is told then what is wrong.
                Err(_) => {
                    self.over = true;
                    return ": the journal cannot be read\n\n".to_owned();
                }
            }
            if clock::mono() >= self.beat_at {
                return ": \n\n".to_owned();
            }
            let mut stopping = self.admin.stopping.clone();
            tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    /// What happened since, if anything did.
    async fn news(&mut self) -> Result<Vec<ToldEvent>, HttpError> {
        let seq = self.admin.journal.pulse().seq();
        if self.seen == Some(seq) {
            return Ok(Vec::new());
        }
        // Before the events: one that is written meanwhile is read the next time.
        let (_, newest) = self.admin.read(|reader| reader.event_bounds()).await?;
        let told = self
            .admin
            .event_bodies(&self.asked, self.after, TOGETHER)
            .await?;
        let last = told.last().map_or(self.after, |event| event.seq);
        if told.len() < TOGETHER {
            self.seen = Some(seq);
            self.after = last.max(newest);
        } else {
            self.after = last;
        }
        Ok(told)
    }

    fn hello(&self) -> String {
        let (oldest, seq) = self.bounds;
        let said = json!({ "version": env!("CARGO_PKG_VERSION"), "seq": seq, "oldest": oldest });
        format!("retry: {RETRY}\nevent: hello\ndata: {said}\n\n")
    }

    fn bye(&mut self, why: Goodbye) -> String {
        self.over = true;
        let said = json!({ "reason": why.reason() });
        format!("event: bye\ndata: {said}\n\n")
    }
}

/// Events as frames. JSON in one line needs no further escaping.
fn told(events: &[ToldEvent]) -> String {
    let frames = events.iter().map(|event| {
        let ToldEvent { seq, kind, body } = event;
        format!("id: {seq}\nevent: {kind}\ndata: {body}\n\n")
    });
    frames.collect()
}

impl IntoResponse for EventFeed {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (UNBUFFERED, "no"),
        ];
        (headers, Body::from_stream(unfold(self, EventFeed::next))).into_response()
    }
}
