//! The loop that sends: spans soon after they are over, metrics from time to time, and what is left at the end.

use core::time::Duration;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::watch;

use super::figures::{self, FiguresTime};
use super::request::{self, CollectorAnswer, Signal};
use super::resource::Origin;
use super::tracer::SpanQueue;
use super::wire::nanos;
use crate::clock;
use crate::defender::Answer;
use crate::defender::client::Client;
use crate::in_force::Current;
use crate::metrics::Metrics;
use crate::settings::{Settings, TelemetrySettings};

/// How long spans are gathered before they are sent.
const GATHER_FOR: Duration = Duration::from_secs(1);
/// Spans of one request.
const TOGETHER: usize = 512;
/// How long a request may take.
const WITHIN: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const LONGEST_ANSWER: usize = 64 << 10;
/// How long a collector that takes nothing is left alone, at most.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long what ends at the end is waited for, and how long all of the end may take.
const LAST_SPANS: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(3);

/// What the loop runs with.
pub struct Exporter<S> {
    /// The settings in force.
    pub current: Current,
    /// What sends bytes.
    pub client: watch::Receiver<Client>,
    pub queue: SpanQueue,
    pub metrics: Arc<Metrics>,
    pub origin: Origin,
    /// Makes the text of `/metrics`.
    pub scrape: S,
    /// True once the process stops.
    pub stop: watch::Receiver<bool>,
}

/// Where it stands.
#[derive(Default)]
struct ExportProgress {
    /// Taken from the queue, and not sent yet.
    batch: Vec<Span>,
    /// When metrics are due, and until when nothing else is sent, by the monotonic clock.
    metrics_due: Duration,
    resting_until: Duration,
    rest: Duration,
    /// Whether it was told that these do not arrive.
    fails: [bool; 2],
}

impl<S, F> Exporter<S>
where
    S: Fn() -> F,
    F: Future<Output = Option<String>>,
{
    /// Runs until the process stops.
    pub async fn run(mut self) -> &'static str {
        let mut progress = ExportProgress::default();
        let mut settings = self.settings();
        while !*self.stop.borrow() {
            let Some(telemetry) = &settings.telemetry else {
                self.queue.discard();
                progress = ExportProgress::default();
                tokio::select! {
                    _ = self.stop.changed() => {}
                    Ok(()) = self.current.changed() => {}
                }
                settings = self.settings();
                continue;
            };
            if progress.metrics_due.is_zero() {
                progress.metrics_due = clock::mono() + telemetry.metrics_every;
            }
            tokio::select! {
                _ = self.stop.changed() => {}
                Ok(()) = self.current.changed() => {}
                () = tokio::time::sleep(GATHER_FOR) => {
                    let mut stop = self.stop.clone();
                    tokio::select! {
                        _ = stop.wait_for(|stop| *stop) => {}
                        () = self.send(&mut progress, telemetry) => {}
                    }
                }
            }
            settings = self.settings();
        }
        if let Some(telemetry) = &settings.telemetry {
            self.end(progress, telemetry).await;
        }
        "the exporter"
    }

    /// The settings in force, which say how many are traced from now on.
    fn settings(&mut self) -> Arc<Settings> {
        let settings = self.current.borrow_and_update().settings.clone();
        self.queue.follow(settings.telemetry.as_ref());
        settings
    }

    async fn send(&mut self, progress: &mut ExportProgress, telemetry: &TelemetrySettings) {
        self.send_spans(progress, telemetry).await;
        if telemetry.metrics && clock::mono() >= progress.metrics_due {
            progress.metrics_due = clock::mono() + telemetry.metrics_every;
            self.send_metrics(progress, telemetry).await;
        }
    }

    async fn send_spans(&mut self, progress: &mut ExportProgress, telemetry: &TelemetrySettings) {
        while clock::mono() >= progress.resting_until {
            while progress.batch.len() < TOGETHER
                && let Ok(span) = self.queue.spans.try_recv()
            {
                progress.batch.push(span);
            }
            if progress.batch.is_empty() {
                return;
            }
            let body = request::spans(&self.origin, &progress.batch);
            let taken = self.post(telemetry, Signal::Traces, body).await;
            self.tell(progress, Signal::Traces, &taken);
            let lost = match taken {
                CollectorAnswer::But(rejected) => {
                    progress.rest = Duration::ZERO;
                    rejected
                }
                CollectorAnswer::NotNow(_) => {
                    progress.rest();
                    return;
                }
                CollectorAnswer::Never(_) => {
                    progress.rest();
                    progress.batch.len()
                }
            };
            self.metrics.telemetry.lost(lost);
            progress.batch.clear();
        }
    }

    async fn send_metrics(&self, progress: &mut ExportProgress, telemetry: &TelemetrySettings) {
        // A journal that cannot be read is told elsewhere.
        let Some(text) = (self.scrape)().await else {
            return;
        };
        let (since, now) = (nanos(self.origin.since), nanos(clock::now()));
        let read = figures::read(&text, FiguresTime { since, now });
        let body = request::metrics(&self.origin, read);
        let taken = self.post(telemetry, Signal::Metrics, body).await;
        self.tell(progress, Signal::Metrics, &taken);
    }

    async fn post(
        &self,
        telemetry: &TelemetrySettings,
        signal: Signal,
        body: Vec<u8>,
    ) -> CollectorAnswer {
        let Some(request) = request::post(telemetry, signal, body) else {
            return CollectorAnswer::Never("no-address".to_owned());
        };
        let client = self.client.borrow().capped(LONGEST_ANSWER);
        let answer = tokio::time::timeout(WITHIN, client.send(request)).await;
        CollectorAnswer::of(&answer.unwrap_or_else(|_| Answer::Unknown("timeout".to_owned())))
    }

    /// Counts it, and writes a line when it begins to fail and when it works again.
    fn tell(&self, progress: &mut ExportProgress, signal: Signal, taken: &CollectorAnswer) {
        let (failed, answer) = match taken {
            CollectorAnswer::But(0) => (false, ""),
            CollectorAnswer::But(_) => (true, "rejected"),
            CollectorAnswer::NotNow(code) | CollectorAnswer::Never(code) => (true, code.as_str()),
        };
        let result = if failed { "failed" } else { "sent" };
        let failed_before = core::mem::replace(&mut progress.fails[signal as usize], failed);
        let signal = signal.code();
        self.metrics.telemetry.exported(signal, result);
        match (failed_before, failed) {
            (false, true) => tracing::warn!(
                signal,
                answer,
                "the collector does not take what is sent to it; nothing else is concerned"
            ),
            (true, false) => tracing::info!(signal, "the collector takes it again"),
            _ => {}
        }
    }

    /// What is left: the spans of what ended at the end, and the last figures.
    async fn end(mut self, mut progress: ExportProgress, telemetry: &TelemetrySettings) {
        let last = async {
            let spans = &mut self.queue.spans;
            let batch = &mut progress.batch;
            let gathered = async {
                // It ends when the last who offers is gone.
                while let Some(span) = spans.recv().await {
                    batch.push(span);
                }
            };
            let _ = tokio::time::timeout(LAST_SPANS, gathered).await;
            (progress.resting_until, progress.metrics_due) = (Duration::ZERO, Duration::ZERO);
            self.send(&mut progress, telemetry).await;
            progress.batch.len()
        };
        if !matches!(tokio::time::timeout(LAST, last).await, Ok(0)) {
            tracing::warn!("the collector did not take all that was left at the end");
        }
    }
}

impl ExportProgress {
    /// Leaves the collector alone, each time for longer.
    fn rest(&mut self) {
        self.rest = (self.rest * 2).clamp(GATHER_FOR, LONGEST_REST);
        self.resting_until = clock::mono() + self.rest;
    }
}
