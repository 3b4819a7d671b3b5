//! The requests to a collector, and what it says of them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use secrecy::ExposeSecret as _;

use super::resource::Origin;
use super::wire::scope;
use crate::defender::{Answer, PlainAllowed};
use crate::settings::TelemetrySettings;

/// What a request to the collector carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
        }
    }
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CollectorAnswer {
    /// All of it, but so many spans or points.
    But(usize),
    /// Nothing of it, and it is worth another try.
    NotNow(String),
    /// Nothing of it, whatever one does.
    Never(String),
}

impl CollectorAnswer {
    /// What an answer says.
    pub(super) fn of(answer: &Answer) -> CollectorAnswer {
        let response = match answer {
            Answer::Http(response) => response,
            Answer::NotSent(unsent) => return CollectorAnswer::NotNow(unsent.code.to_owned()),
            Answer::Unknown(code) => return CollectorAnswer::NotNow(code.clone()),
        };
        let status = response.status();
        if status.is_success() {
            return CollectorAnswer::But(rejected(response.body()));
        }
        let code = status.as_str().to_owned();
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => CollectorAnswer::NotNow(code),
            _ => CollectorAnswer::Never(code),
        }
    }
}

/// How many spans or points were not taken: both answers have the number in the same place.
fn rejected(body: &Bytes) -> usize {
    let answer = ExportTraceServiceResponse::decode(body.clone()).unwrap_or_default();
    let rejected = answer.partial_success.unwrap_or_default().rejected_spans;
    usize::try_from(rejected).unwrap_or(0)
}

/// These spans.
pub(super) fn spans(origin: &Origin, spans: &[Span]) -> Vec<u8> {
    let of_scope = ScopeSpans {
        scope: Some(scope()),
        spans: spans.to_vec(),
        ..ScopeSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(origin.resource()),
            scope_spans: vec![of_scope],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

/// These metrics.
pub(super) fn metrics(origin: &Origin, metrics: Vec<Metric>) -> Vec<u8> {
    let of_scope = ScopeMetrics {
        scope: Some(scope()),
        metrics,
        ..ScopeMetrics::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(origin.resource()),
            scope_metrics: vec![of_scope],
            ..ResourceMetrics::default()
        }],
    }
    .encode_to_vec()
}

/// The request that carries it; `None` where the settings give no address that can be asked.
pub(super) fn post(
    settings: &TelemetrySettings,
    signal: Signal,
    body: Vec<u8>,
) -> Option<Request<Bytes>> {
    let url = format!("{}/v1/{}", settings.endpoint, signal.code());
    let mut request = Request::post(url)
        .header(CONTENT_TYPE, "application/x-protobuf")
        // The settings took plain http, so it may be used.
        .extension(PlainAllowed)
        .body(Bytes::from(body))
        .ok()?;
    if let Some((name, secret)) = &settings.header {
        let mut value = HeaderValue::from_str(secret.expose_secret()).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(name.clone(), value);
    }
    Some(request)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opentelemetry_proto::tonic::collector::metrics::v1::{
        ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
    };

    use super::*;

    fn answer(status: u16, body: Vec<u8>) -> Answer {
        let response = http::Response::builder().status(status);
        Answer::Http(response.body(Bytes::from(body)).unwrap())
    }

    #[test]
    fn what_is_tried_again_is_what_the_protocol_says() {
        for status in [429, 502, 503, 504] {
            let taken = CollectorAnswer::of(&answer(status, Vec::new()));
            assert_eq!(taken, CollectorAnswer::NotNow(status.to_string()));
        }
        for status in [301, 400, 401, 404, 413, 500] {
            let taken = CollectorAnswer::of(&answer(status, Vec::new()));
            assert_eq!(taken, CollectorAnswer::Never(status.to_string()));
        }
        assert_eq!(
            CollectorAnswer::of(&answer(200, Vec::new())),
            CollectorAnswer::But(0)
        );
        assert_eq!(
            CollectorAnswer::of(&answer(200, b"{}".to_vec())),
            CollectorAnswer::But(0)
        );
        let partly = ExportMetricsServiceResponse {
            partial_success: Some(ExportMetricsPartialSuccess {
                rejected_data_points: 7,
                error_message: "no".to_owned(),
            }),
        };
        let taken = CollectorAnswer::of(&answer(200, partly.encode_to_vec()));
        assert_eq!(taken, CollectorAnswer::But(7));
    }
}
