//! The text of `/metrics` as metrics of OTLP. A counter has the name that it has there, with its `_total`.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};

use super::wire::text;

/// When the figures were read, and since when counters count, in nanoseconds of Unix time.
#[derive(Clone, Copy)]
pub(super) struct FiguresTime {
    pub(super) since: u64,
    pub(super) now: u64,
}

/// One line: name, labels in their order, value.
struct ScrapeLine<'t> {
    name: &'t str,
    labels: Vec<(&'t str, String)>,
    value: f64,
}

/// Every metric of a text in Prometheus' classic format. Those without a series are left out.
pub(super) fn read(exposition: &str, counted: FiguresTime) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let (mut name, mut help, mut kind) = ("", "", "");
    let mut samples = Vec::new();
    for line in exposition.lines().chain(["# TYPE  "]) {
        let Some(comment) = line.strip_prefix("# ") else {
            samples.extend(sample(line));
            continue;
        };
        let (word, rest) = comment.split_once(' ').unwrap_or_default();
        let (of, said) = rest.split_once(' ').unwrap_or((rest, ""));
        if of != name {
            metrics.extend(metric((name, help, kind), &samples, counted));
            samples.clear();
            (name, help, kind) = (of, "", "");
        }
        match word {
            "HELP" => help = said,
            "TYPE" => kind = said,
            _ => {}
        }
    }
    metrics
}

fn metric(
    (name, help, kind): (&str, &str, &str),
    samples: &[ScrapeLine<'_>],
    counted: FiguresTime,
) -> Option<Metric> {
    if samples.is_empty() {
        return None;
    }
    let temporality = AggregationTemporality::Cumulative.into();
    let points = || samples.iter().map(|one| point(one, counted)).collect();
    let data = match kind {
        "counter" => Data::Sum(Sum {
            data_points: points(),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        "histogram" => Data::Histogram(Histogram {
            data_points: distributions(name, samples, counted),
            aggregation_temporality: temporality,
        }),
        _ => Data::Gauge(Gauge {
            data_points: points(),
        }),
    };
    Some(Metric {
        name: name.to_owned(),
        description: help.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

fn point(sample: &ScrapeLine<'_>, counted: FiguresTime) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(&sample.labels),
        start_time_unix_nano: counted.since,
        time_unix_nano: counted.now,
        value: Some(Value::AsDouble(sample.value)),
        ..NumberDataPoint::default()
    }
}

fn attributes(labels: &[(&str, String)]) -> Vec<KeyValue> {
    let one = |(key, value): &(&str, String)| text(key, value.as_str());
    labels.iter().map(one).collect()
}

/// The series of a histogram. There each bucket holds those before it, here each is counted by itself.
fn distributions(
    name: &str,
    samples: &[ScrapeLine<'_>],
    counted: FiguresTime,
) -> Vec<HistogramDataPoint> {
    let mut series: BTreeMap<Vec<(&str, String)>, HistogramDataPoint> = BTreeMap::new();
    for sample in samples {
        let (bounds, labels): (Vec<_>, Vec<_>) = sample
            .labels
            .iter()
            .cloned()
            .partition(|(key, _)| *key == "le");
        let point = series
            .entry(labels)
            .or_insert_with_key(|labels| HistogramDataPoint {
                attributes: attributes(labels),
                start_time_unix_nano: counted.since,
                time_unix_nano: counted.now,
                ..HistogramDataPoint::default()
            });
        match sample.name.strip_prefix(name) {
            Some("_sum") => point.sum = Some(sample.value),
            Some("_count") => point.count = whole(sample.value),
            Some("_bucket") => {
                let before: u64 = point.bucket_counts.iter().sum();
                let within = whole(sample.value).saturating_sub(before);
                point.bucket_counts.push(within);
                let bound = bounds.first().and_then(|(_, bound)| bound.parse().ok());
                // The last bucket has no end, which is not written here.
                point
                    .explicit_bounds
                    .extend(bound.filter(|bound: &f64| bound.is_finite()));
            }
            _ => {}
        }
    }
    series.into_values().collect()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count, which a cast keeps within the bounds of the type"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

fn sample(line: &str) -> Option<ScrapeLine<'_>> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, mut rest)) = series.split_once('{') else {
        return Some(ScrapeLine {
            name: series,
            labels: Vec::new(),
            value,
        });
    };
    let mut labels = Vec::new();
    while let Some((key, quoted)) = rest.split_once("=\"") {
        let (text, after) = unquoted(quoted)?;
        labels.push((key.trim_start_matches(','), text));
        rest = after;
    }
    Some(ScrapeLine {
        name,
        labels,
        value,
    })
}

/// The text up to the quotation mark that ends it, and what follows that.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((text, quoted.get(at + 1..)?)),
            '\\' => match characters.next()? {
                (_, 'n') => text.push('\n'),
                (_, other) => text.push(other),
            },
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use prometheus_client::encoding::prometheus_text::encode;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::histogram;
    use prometheus_client::registry::Registry;

    use super::*;

    fn figures(registry: &Registry) -> Vec<Metric> {
        let mut text = String::new();
        encode(&mut text, registry).unwrap();
        read(&text, FiguresTime { since: 1, now: 2 })
    }

    #[test]
    fn a_label_comes_through_whatever_is_in_it_and_a_metric_without_series_not_at_all() {
        let odd = "a\"b\\c\nd{e}, f=\"g\" 7";
        let mut registry = Registry::default();
        let family: Family<Vec<(&'static str, String)>, Counter> = Family::default();
        let labels = vec![("one", odd.to_owned()), ("two", String::new())];
        family.get_or_create(&labels).inc_by(3);
        registry.register("odd", "Odd ones", family);
        let none: Family<Vec<(&'static str, String)>, Counter> = Family::default();
        registry.register("none", "No ones", none);
        let found = figures(&registry);
        let [metric] = &found[..] else {
            panic!("{found:#?}");
        };
        let said = (metric.name.as_str(), metric.description.as_str());
        assert_eq!(said, ("odd_total", "Odd ones."));
        let Some(Data::Sum(sum)) = &metric.data else {
            panic!("{metric:#?}");
        };
        assert!(sum.is_monotonic);
        let point = &sum.data_points[0];
        assert_eq!(point.attributes, [text("one", odd), text("two", "")]);
        assert_eq!(point.value, Some(Value::AsDouble(3.0)));
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (1, 2));
    }

    #[test]
    fn a_histogram_keeps_its_bounds_its_sum_and_what_is_in_each_bucket() {
        let mut registry = Registry::default();
        let seconds = histogram::Histogram::new([0.5, 2.0]);
        for took in [0.1, 0.2, 1.0, 30.0] {
            seconds.observe(took);
        }
        registry.register("took_seconds", "How long", seconds);
        let found = figures(&registry);
        let Some(Data::Histogram(histogram)) = &found[0].data else {
            panic!("{found:#?}");
        };
        let point = &histogram.data_points[0];
        assert_eq!(point.explicit_bounds, [0.5, 2.0]);
        assert_eq!(point.bucket_counts, [2, 1, 1]);
        assert_eq!((point.count, point.sum), (4, Some(31.3)));
    }
}
