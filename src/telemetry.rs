//! Traces and metrics for a collector, by OTLP over HTTP. Without `[telemetry] otlp_endpoint` nothing is made and nobody called.
//!
//! A request or a call that is over becomes a span (`tracer`), if the dice say that it is traced, and is offered to a queue
//! with an end: whoever offers never waits, and what finds no room is counted as lost. `export` takes from the queue and sends;
//! a collector that is away, slow or full costs nothing but its spans. Metrics are the text of `/metrics`, read back
//! (`figures`): each has its name, its help and its labels in one place, and both ways show the same.
//!
//! The messages are those of `opentelemetry-proto`. The SDK and its exporter are not used: they read the environment, start
//! threads of their own, and take no histogram that something else counts.
//!
//! What a span says is what `/metrics` has as labels, and the id of a delivery: nothing of an alert, no device, no secret.

pub mod export;
mod figures;
mod request;
mod resource;
mod trace_parent;
mod tracer;
mod wire;

pub use resource::Origin;
pub use trace_parent::TraceParent;
pub use tracer::{SpanQueue, TracedDelivery, TracedStorage, Tracer, queue};
