//! The small parts that messages of OTLP are made of.

use core::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};

use scanhook_core::time::Timestamp;

/// An attribute that is text.
pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

/// An attribute that is a number.
pub(super) fn number(key: &str, value: impl Into<i64>) -> KeyValue {
    attribute(key, Value::IntValue(value.into()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Who says it.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "scanhook".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Unix time in nanoseconds.
pub(super) fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.millis())
        .unwrap_or(0)
        .saturating_mul(1_000_000)
}

/// The moment so long before.
pub(super) fn before(nanos: u64, span: Duration) -> u64 {
    nanos.saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}
