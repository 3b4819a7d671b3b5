//! Requests and calls that are over, as spans: which are traced, and where they wait until they are sent.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use tokio::sync::mpsc;

use super::trace_parent::TraceParent;
use super::wire::{before, nanos, number, text};
use crate::metrics::Metrics;
use crate::settings::TelemetrySettings;
use scanhook_core::time::Timestamp;

/// Spans that wait to be sent.
const ROOM: usize = 2048;

/// The flags of a span: it is traced; it is known whether its parent is another program's; it is.
const TRACED: u32 = 0x1;
const KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;

/// Methods that are named as they are; whatever else strangers think of is none.
const METHODS: [&str; 9] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
];

/// A request to the path of a source, answered.
pub struct TracedDelivery<'a> {
    pub source: &'a str,
    pub method: &'a str,
    pub status: u16,
    /// The code of the refusal.
    pub refused: Option<&'a str>,
    /// From its head to the answer.
    pub took: Duration,
    /// Of a delivery that is on disk.
    pub stored: Option<TracedStorage<'a>>,
}

/// A delivery that is on disk, and so was proved: it may say whose trace it belongs to.
pub struct TracedStorage<'a> {
    pub delivery: &'a str,
    pub parent: Option<TraceParent>,
    /// How long it waited for its transaction.
    pub waited: Duration,
    /// How long before the answer that was over.
    pub ago: Duration,
}

/// Takes what is over; clones share the queue. Nothing here waits.
#[derive(Clone)]
pub struct Tracer {
    percent: Arc<AtomicU32>,
    queue: mpsc::Sender<Span>,
    metrics: Arc<Metrics>,
}

/// The other end of the queue, which follows the settings.
pub struct SpanQueue {
    pub(super) spans: mpsc::Receiver<Span>,
    percent: Arc<AtomicU32>,
}

/// The queue's two ends, under these settings at first.
#[must_use]
pub fn queue(metrics: Arc<Metrics>, settings: Option<&TelemetrySettings>) -> (Tracer, SpanQueue) {
    let (queue, spans) = mpsc::channel(ROOM);
    let percent = Arc::<AtomicU32>::default();
    let tracer = Tracer {
        percent: percent.clone(),
        queue,
        metrics,
    };
    let queue = SpanQueue { spans, percent };
    queue.follow(settings);
    (tracer, queue)
}

impl SpanQueue {
    /// How many of 100 are traced from now on.
    pub(super) fn follow(&self, settings: Option<&TelemetrySettings>) {
        let traced = settings.filter(|settings| settings.traces);
        let percent = traced.map_or(0, |settings| settings.sample_percent);
        self.percent.store(percent, Ordering::Relaxed);
    }

    /// Nobody wants what waits.
    pub(super) fn discard(&mut self) {
        while self.spans.try_recv().is_ok() {}
    }
}

impl Tracer {
    /// A request was answered.
    pub fn delivery(&self, what: &TracedDelivery<'_>, now: Timestamp) {
        let Some(dice) = self.dice() else {
            return;
        };
        let parent = what.stored.as_ref().and_then(|stored| stored.parent);
        let (end, trace) = (nanos(now), parent.map_or(dice.trace, |parent| parent.trace));
        let method = match METHODS.contains(&what.method) {
            true => what.method,
            false => "_OTHER",
        };
        let mut attributes = vec![
            text("http.request.method", method),
            text("http.route", ROUTE),
            number("http.response.status_code", what.status),
            text("scanhook.source", what.source),
        ];
        attributes.extend(what.refused.map(|code| text("error.type", code)));
        let mut spans = Vec::with_capacity(2);
        if let Some(stored) = &what.stored {
            attributes.push(text("scanhook.delivery", stored.delivery));
            let done = before(end, stored.ago);
            spans.push(Span {
                trace_id: trace.to_vec(),
                span_id: dice.child.to_vec(),
                parent_span_id: dice.span.to_vec(),
                flags: TRACED | KNOWN,
                name: "journal commit".to_owned(),
                kind: SpanKind::Internal.into(),
                start_time_unix_nano: before(done, stored.waited),
                end_time_unix_nano: done,
                ..Span::default()
            });
        }
        spans.push(Span {
            trace_id: trace.to_vec(),
            span_id: dice.span.to_vec(),
            parent_span_id: parent.map_or_else(Vec::new, |parent| parent.span.to_vec()),
            flags: TRACED | KNOWN | if parent.is_some() { REMOTE } else { 0 },
            name: format!("{method} {ROUTE}"),
            kind: SpanKind::Server.into(),
            start_time_unix_nano: before(end, what.took),
            end_time_unix_nano: end,
            attributes,
            // What a sender does wrong is no fault of this server.
            status: (what.status >= 500).then(failed),
            ..Span::default()
        });
        self.offer(spans);
    }

    /// A call to Entra ID or Defender is over. `answer` is a status, or a word for what came instead.
    pub fn call(
        &self,
        (tenant, operation): (&str, &str),
        answer: &str,
        took: Duration,
        now: Timestamp,
    ) {
        let Some(dice) = self.dice() else {
            return;
        };
        let side = match operation {
            "token" => "entra",
            _ => "defender",
        };
        let mut attributes = vec![
            text("peer.service", side),
            text("scanhook.tenant", tenant),
            text("scanhook.operation", operation),
        ];
        let status = answer.parse::<u16>().ok();
        attributes.extend(status.map(|status| number("http.response.status_code", status)));
        let fails = status.is_none_or(|status| status >= 400);
        if fails {
            attributes.push(text("error.type", answer));
        }
        let end = nanos(now);
        self.offer(vec![Span {
            trace_id: dice.trace.to_vec(),
            span_id: dice.span.to_vec(),
            flags: TRACED | KNOWN,
            name: format!("{side} {operation}"),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: before(end, took),
            end_time_unix_nano: end,
            attributes,
            status: fails.then(failed),
            ..Span::default()
        }]);
    }

    fn offer(&self, spans: Vec<Span>) {
        for span in spans {
            if self.queue.try_send(span).is_err() {
                self.metrics.telemetry.lost(1);
            }
        }
    }

    /// New ids for what is to be traced. Nothing that a sender writes has a part in it.
    fn dice(&self) -> Option<Dice> {
        let percent = self.percent.load(Ordering::Relaxed);
        if percent == 0 {
            return None;
        }
        let mut chance = [0; 4];
        let mut dice = Dice::default();
        for part in [
            &mut chance[..],
            &mut dice.trace,
            &mut dice.span,
            &mut dice.child,
        ] {
            // Without randomness there are no ids, and no span is worth a request.
            getrandom::fill(part).ok()?;
        }
        (u32::from_be_bytes(chance) % 100 < percent).then_some(dice)
    }
}

/// Every path of a source, also one that ends in a secret.
const ROUTE: &str = "/webhooks/{source}";

/// New ids.
#[derive(Default)]
struct Dice {
    trace: [u8; 16],
    span: [u8; 8],
    child: [u8; 8],
}

fn failed() -> Status {
    Status {
        code: StatusCode::Error.into(),
        ..Status::default()
    }
}
