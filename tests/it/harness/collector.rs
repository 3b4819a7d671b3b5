//! A collector that is played: it keeps what it is sent, as it came, and answers as it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

use super::{DEADLINE, until_or};

/// A request as it came.
#[derive(Clone)]
pub struct Exported {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// How it was answered.
    pub status: u16,
}

impl Exported {
    pub fn spans(&self) -> Vec<Span> {
        let read = ExportTraceServiceRequest::decode(self.body.clone()).unwrap();
        let scopes = read
            .resource_spans
            .into_iter()
            .flat_map(|of| of.scope_spans);
        scopes.flat_map(|of| of.spans).collect()
    }

    /// The attributes of the process that it says it comes from.
    pub fn resource(&self) -> BTreeMap<String, String> {
        let read = ExportMetricsServiceRequest::decode(self.body.clone()).unwrap();
        let resource = read.resource_metrics[0].resource.clone().unwrap();
        attributes(&resource.attributes)
    }

    /// The metrics as a scrape writes them: name with labels, value.
    pub fn samples(&self) -> BTreeMap<String, f64> {
        let read = ExportMetricsServiceRequest::decode(self.body.clone()).unwrap();
        let scopes = read
            .resource_metrics
            .into_iter()
            .flat_map(|of| of.scope_metrics);
        let metrics = scopes.flat_map(|of| of.metrics);
        metrics.flat_map(|metric| written(&metric)).collect()
    }
}

/// A value as text.
pub fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |one: &KeyValue| match one.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    all.iter().map(|one| (one.key.clone(), text(one))).collect()
}

fn written(metric: &Metric) -> Vec<(String, f64)> {
    let number = |value: &Option<number_data_point::Value>| match value {
        Some(number_data_point::Value::AsDouble(value)) => *value,
        other => panic!("{other:?}"),
    };
    let numbers = match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => &gauge.data_points,
        Data::Sum(sum) => {
            assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
            &sum.data_points
        }
        Data::Histogram(histogram) => {
            assert_eq!(histogram.aggregation_temporality, 2);
            let series = histogram.data_points.iter().flat_map(|point| {
                let bounds = point.explicit_bounds.iter().map(ToString::to_string);
                let mut sum = 0;
                let buckets: Vec<_> = bounds
                    .chain(["+Inf".to_owned()])
                    .zip(&point.bucket_counts)
                    .map(|(le, count)| {
                        sum += count;
                        let le = [("le".to_owned(), le)];
                        (
                            series(&metric.name, "_bucket", &point.attributes, &le),
                            sum as f64,
                        )
                    })
                    .collect();
                assert_eq!(buckets.len(), point.explicit_bounds.len() + 1);
                let of = |end| series(&metric.name, end, &point.attributes, &[]);
                let whole = [
                    (of("_count"), point.count as f64),
                    (of("_sum"), point.sum.unwrap()),
                ];
                buckets.into_iter().chain(whole)
            });
            return series.collect();
        }
        other => panic!("{other:?}"),
    };
    let one = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| {
        let name = series(&metric.name, "", &point.attributes, &[]);
        (name, number(&point.value))
    };
    numbers.iter().map(one).collect()
}

fn series(name: &str, end: &str, labels: &[KeyValue], more: &[(String, String)]) -> String {
    let labels: Vec<_> = labels
        .iter()
        .map(|one| attributes(std::slice::from_ref(one)).pop_first().unwrap())
        .chain(more.iter().cloned())
        .map(|(key, value)| format!("{key}=\"{value}\""))
        .collect();
    match labels.is_empty() {
        true => format!("{name}{end}"),
        false => format!("{name}{end}{{{}}}", labels.join(",")),
    }
}

#[derive(Default)]
struct Shelf {
    all: Vec<Exported>,
    /// What is answered; 0: never anything.
    answers: u16,
}

/// A collector at a port of its own, until it is dropped.
pub struct Collector {
    pub at: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    pub async fn open() -> Collector {
        let shelf = Arc::new(Mutex::new(Shelf {
            answers: 200,
            ..Shelf::default()
        }));
        let router = Router::new().fallback(keep).with_state(shelf.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Collector { at, shelf, task }
    }

    /// The table of scanhook.toml that leads here.
    pub fn table(&self, more: &str) -> String {
        format!(
            "[telemetry]\notlp_endpoint = \"http://{}\"\n{more}\n",
            self.at
        )
    }

    /// From now on. 0: no answer ever comes.
    pub fn answers(&self, status: u16) {
        self.shelf.lock().unwrap().answers = status;
    }

    pub fn all(&self) -> Vec<Exported> {
        self.shelf.lock().unwrap().all.clone()
    }

    /// What came to a path.
    pub fn of(&self, path: &str) -> Vec<Exported> {
        let mut all = self.all();
        all.retain(|one| one.path == path);
        all
    }

    /// The spans that it took.
    pub fn spans(&self) -> Vec<Span> {
        let taken = self.of("/v1/traces").into_iter();
        let taken = taken.filter(|one| one.status == 200);
        taken.flat_map(|one| one.spans()).collect()
    }

    /// Waits for a span that it took.
    pub async fn span(&self, what: &str, is: impl Fn(&Span) -> bool) -> Span {
        until_or(
            DEADLINE,
            async || self.spans().into_iter().find(|span| is(span)),
            || format!("{what}: {:#?}", self.spans()),
        )
        .await
    }

    /// Waits until so many requests came to a path.
    pub async fn heard(&self, path: &str, count: usize) -> Vec<Exported> {
        until_or(
            DEADLINE,
            async || Some(self.of(path)).filter(|all| all.len() >= count),
            || format!("{count} of {path}"),
        )
        .await
    }
}

async fn keep(
    State(shelf): State<Arc<Mutex<Shelf>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let status = {
        let mut shelf = shelf.lock().unwrap();
        let (path, status) = (uri.path().to_owned(), shelf.answers);
        shelf.all.push(Exported {
            path,
            headers,
            body,
            status,
        });
        status
    };
    match status {
        0 => std::future::pending().await,
        status => StatusCode::from_u16(status).unwrap(),
    }
}
