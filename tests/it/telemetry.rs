//! What a collector is sent, what it never is, and that nobody waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::docs::rows;
use crate::harness::{
    Answer, Collector, Far, SIEM_SECRET, Served, Wish, add, alert, attributes, client, credential,
    install, machine, never_in, until,
};

const PAGE: &str = "docs/telemetry.md";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// The program on an installation of its own.
struct Told {
    folder: TempDir,
    _far: Far,
    served: Served,
    http: reqwest::Client,
}

impl Told {
    async fn start(more: &str) -> Told {
        Told::with(more, &[]).await
    }

    async fn with(more: &str, variables: &[(&str, &str)]) -> Told {
        let far = Far::open(Wish::default().setup).await;
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), far.at, "", "");
        std::fs::write(folder.path().join("rules.toml"), crate::harness::RULES).unwrap();
        // As long as where nothing is said, so that it is not what ends the waiting.
        let file = folder.path().join("scanhook.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("grace = \"2s\"", "grace = \"20s\"")).unwrap();
        add(
            folder.path(),
            more,
            &[("otlp", "Bearer canary-of-the-collector")],
        );
        let mut command = Served::command(folder.path());
        command.envs(variables.iter().copied());
        Told {
            served: Served::run(command).await,
            folder,
            _far: far,
            http: client(),
        }
    }

    /// A proved delivery, with these headers beside the proof.
    async fn post(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let (name, value) = credential("siem", body.as_bytes());
        self.send(body, &[&[(name, value.as_str())], headers].concat())
            .await
    }

    async fn send(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self
            .http
            .post(format!("http://{}/webhooks/siem", self.served.public))
            .header("content-type", "application/json")
            .body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    async fn scrape(&self) -> BTreeMap<String, f64> {
        let url = format!("http://{}/metrics", self.served.admin);
        let text = self.http.get(url).send().await.unwrap().text().await;
        samples(&text.unwrap())
    }

    fn signal(&self, signal: &str) {
        let pid = self.served.pid().to_string();
        let status = std::process::Command::new("kill")
            .args([signal, &pid])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits until it has ended.
    async fn ended(&mut self) {
        let served = &mut self.served;
        until("it has ended", async || served.ended()).await;
    }

    /// Lines of the log with this message.
    fn lines(&self, message: &str) -> usize {
        log(self.folder.path()).matches(message).count()
    }
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("serve.log")).unwrap()
}

fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

fn says<'s>(key: &'s str, value: &'s str) -> impl Fn(&Span) -> bool + 's {
    move |span| attributes(&span.attributes).get(key).map(String::as_str) == Some(value)
}

fn named<'s>(name: &'s str) -> impl Fn(&Span) -> bool + 's {
    move |span| span.name == name
}

fn took(span: &Span) -> Duration {
    Duration::from_nanos(span.end_time_unix_nano - span.start_time_unix_nano)
}

#[tokio::test]
async fn a_delivery_and_the_calls_after_it_are_spans_that_say_what_is_documented_and_nothing_of_the_alert()
 {
    let collector = Collector::open().await;
    let told = Told::start(&collector.table("metrics_every = \"1s\"")).await;
    let body = json!({
        "alert_id": "canary-id", "title": "canary-title", "severity": "high",
        "devices": [{ "mde_id": machine(1), "name": "canary-name.corp.example" }],
    })
    .to_string();
    let answer = told.post(&body, &[]).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let delivery = answer.json()["delivery"].as_str().unwrap().to_owned();
    // What a sender without a secret gets.
    assert_eq!(told.send(&body, &[]).await.status, 401);

    let of = collector
        .span("the delivery", says("scanhook.delivery", &delivery))
        .await;
    assert_eq!((of.name.as_str(), of.kind), ("POST /webhooks/{source}", 2));
    let said = attributes(&of.attributes);
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/webhooks/{source}"),
        ("http.response.status_code", "202"),
        ("scanhook.source", "siem"),
    ] {
        assert_eq!(said[key], value);
    }
    assert!(of.parent_span_id.is_empty() && of.status.is_none());
    let below = |span: &Span| span.parent_span_id == of.span_id && span.trace_id == of.trace_id;
    let commit = collector.span("its transaction", below).await;
    assert_eq!(commit.name, "journal commit");
    assert!(Duration::ZERO < took(&commit) && took(&commit) <= took(&of));
    assert!(commit.start_time_unix_nano >= of.start_time_unix_nano);

    let scan = collector
        .span("the scan call", named("defender scan"))
        .await;
    let said = attributes(&scan.attributes);
    assert_eq!(
        (scan.kind, said["http.response.status_code"].as_str()),
        (3, "201")
    );
    assert_eq!(
        (
            said["scanhook.tenant"].as_str(),
            said["peer.service"].as_str()
        ),
        ("default", "defender")
    );
    let token = collector.span("the token call", named("entra token")).await;
    assert_eq!(attributes(&token.attributes)["scanhook.operation"], "token");
    let refused = collector
        .span("the refusal", says("error.type", "unauthenticated"))
        .await;
    assert_eq!(
        attributes(&refused.attributes)["http.response.status_code"],
        "401"
    );

    let metrics = collector.heard("/v1/metrics", 1).await;
    assert_eq!(metrics[0].resource()["service.name"], "scanhook");
    let known: BTreeSet<String> = rows(PAGE, "What a span says")
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect();
    let shown: BTreeSet<String> = collector
        .spans()
        .iter()
        .flat_map(|span| attributes(&span.attributes).into_keys())
        .collect();
    assert_eq!(shown, known);
    for exported in collector.all() {
        assert_eq!(exported.headers["content-type"], "application/x-protobuf");
        let bytes = String::from_utf8_lossy(&exported.body).into_owned();
        for secret in ["canary", machine(1).as_str(), SIEM_SECRET, "client-secret"] {
            assert!(!bytes.contains(secret), "{secret} in {}", exported.path);
        }
    }
}

#[tokio::test]
async fn the_metrics_at_the_collector_are_those_of_the_admin_listener() {
    let collector = Collector::open().await;
    let told = Told::start(&collector.table("metrics_every = \"1s\"")).await;
    for n in 1..=3 {
        let body = alert(&n.to_string(), "low", &machine(n));
        assert_eq!(told.post(&body, &[]).await.status, 202);
    }
    let before = told.scrape().await;
    let count = collector.of("/v1/metrics").len();
    // The one after the next was begun after the scrape.
    let exported = collector.heard("/v1/metrics", count + 2).await;
    let exported = exported.last().unwrap().samples();
    let after = told.scrape().await;
    let names = |samples: &BTreeMap<String, f64>| samples.keys().cloned().collect::<BTreeSet<_>>();
    assert!(names(&before).is_subset(&names(&exported)));
    assert!(names(&exported).is_subset(&names(&after)));
    // What stood still in between, without what the process is at each moment.
    let still = after
        .iter()
        .filter(|(name, value)| before.get(*name) == Some(value) && !name.starts_with("process_"));
    let still: BTreeMap<_, _> = still.collect();
    assert!(still.len() > 300, "{}", still.len());
    for (name, value) in still {
        assert_eq!(exported.get(name), Some(value), "{name}");
    }
    let deliveries = "scanhook_deliveries_total{source=\"siem\",status=\"202\"}";
    assert_eq!(exported[deliveries], 3.0);
    assert_eq!(
        exported["scanhook_journal_commit_duration_seconds_bucket{le=\"+Inf\"}"],
        exported["scanhook_journal_commit_duration_seconds_count"]
    );
}

#[tokio::test]
async fn a_stored_delivery_belongs_to_the_trace_of_its_sender_and_one_that_is_not_proved_does_not()
{
    let collector = Collector::open().await;
    let told = Told::start(&collector.table("signals = [\"traces\"]")).await;
    // The sender says that it does not trace.
    let parent = format!("00-{TRACE}-{PARENT}-00");
    let stranger = told.send("{}", &[("traceparent", &parent)]).await;
    assert_eq!(stranger.status, 401);
    let body = alert("1", "low", &machine(1));
    assert_eq!(
        told.post(&body, &[("traceparent", &parent)]).await.status,
        202
    );
    let stored = collector
        .span("the delivery", says("http.response.status_code", "202"))
        .await;
    assert_eq!(hex::encode(&stored.trace_id), TRACE);
    assert_eq!(hex::encode(&stored.parent_span_id), PARENT);
    let refused = collector
        .span("the refusal", says("http.response.status_code", "401"))
        .await;
    assert_ne!(hex::encode(&refused.trace_id), TRACE);
    assert!(refused.parent_span_id.is_empty());
    assert_eq!(
        collector.of("/v1/metrics").len(),
        0,
        "only traces are wanted"
    );
}

#[tokio::test]
async fn no_sender_makes_a_trace_where_none_is_wanted() {
    let collector = Collector::open().await;
    let told = Told::start(&collector.table("sample_percent = 0\nmetrics_every = \"1s\"")).await;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    for n in 1..=20 {
        let body = alert(&n.to_string(), "low", &machine(n));
        assert_eq!(
            told.post(&body, &[("traceparent", &parent)]).await.status,
            202
        );
    }
    let count = collector.of("/v1/metrics").len();
    collector.heard("/v1/metrics", count + 3).await;
    assert_eq!(collector.of("/v1/traces").len(), 0);
}

#[tokio::test]
async fn without_an_address_nobody_is_called_whatever_the_environment_says() {
    let collector = Collector::open().await;
    let url = format!("http://{}", collector.at);
    let loud = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
    ];
    let told = Told::with("[telemetry]\nmetrics_every = \"1s\"\n", &loud).await;
    let body = alert("1", "high", &machine(1));
    assert_eq!(told.post(&body, &[]).await.status, 202);
    never_in(Duration::from_millis(2500), "it was called", || {
        !collector.all().is_empty()
    })
    .await;
}

#[tokio::test]
async fn an_address_and_a_secret_are_taken_in_while_it_runs_and_the_collector_is_shown_the_secret()
{
    let collector = Collector::open().await;
    let told = Told::start("").await;
    let more = "header = \"Authorization\"\nsecret_file = \"otlp\"";
    add(told.folder.path(), &collector.table(more), &[]);
    told.served.hang_up();
    let mut n = 0;
    let exported = until("spans come", async || {
        n += 1;
        let body = alert(&n.to_string(), "low", &machine(1));
        assert_eq!(told.post(&body, &[]).await.status, 202);
        collector.of("/v1/traces").pop()
    })
    .await;
    assert_eq!(
        exported.headers["authorization"],
        "Bearer canary-of-the-collector"
    );
    assert!(!log(told.folder.path()).contains("canary-of-the-collector"));
}

#[tokio::test]
async fn what_a_collector_cannot_take_now_it_gets_again_and_what_it_refuses_it_does_not() {
    let collector = Collector::open().await;
    let told = Told::start(&collector.table("signals = [\"traces\"]")).await;
    let lost = "scanhook_telemetry_spans_lost_total";
    let refused = "does not take what is sent to it";
    let delivered = async |n: u32| {
        let answer = told
            .post(&alert(&n.to_string(), "low", &machine(n)), &[])
            .await;
        let id = answer.json()["delivery"].as_str().unwrap().to_owned();
        (answer.status, id)
    };
    collector.answers(503);
    let (_, again) = delivered(1).await;
    collector.heard("/v1/traces", 2).await;
    collector.answers(200);
    collector
        .span("it comes again", says("scanhook.delivery", &again))
        .await;
    assert_eq!(told.scrape().await[lost], 0.0);
    assert_eq!(told.lines(refused), 1, "it is told once");
    let again = "the collector takes it again";
    until("it is told", async || {
        (told.lines(again) == 1).then_some(())
    })
    .await;

    collector.answers(400);
    let (_, gone) = delivered(2).await;
    until("it is refused", async || {
        let mut spans = collector.of("/v1/traces").into_iter();
        spans.find(|one| {
            one.status == 400 && one.spans().iter().any(says("scanhook.delivery", &gone))
        })
    })
    .await;
    collector.answers(200);
    until("it is counted", async || {
        (told.scrape().await[lost] > 0.0).then_some(())
    })
    .await;
    let (_, later) = delivered(3).await;
    collector
        .span("the next comes", says("scanhook.delivery", &later))
        .await;
    assert!(
        !collector
            .spans()
            .iter()
            .any(says("scanhook.delivery", &gone))
    );
}

#[tokio::test]
async fn a_collector_that_is_away_or_says_nothing_costs_no_sender_a_moment() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = nobody.local_addr().unwrap();
    drop(nobody);
    let mute = Collector::open().await;
    mute.answers(0);
    for (at, fails) in [(gone, true), (mute.at, false)] {
        let table =
            format!("[telemetry]\notlp_endpoint = \"http://{at}\"\nmetrics_every = \"1s\"\n");
        let told = Told::start(&table).await;
        let begun = Instant::now();
        let mut posted = 0;
        // Until it was tried, and for so long nobody waits.
        loop {
            posted += 1;
            let body = alert(&posted.to_string(), "low", &machine(posted));
            let each = Instant::now();
            assert_eq!(told.post(&body, &[]).await.status, 202);
            assert!(
                each.elapsed() < Duration::from_secs(2),
                "{:?}",
                each.elapsed()
            );
            let tried = match fails {
                true => told.lines("does not take what is sent to it") > 0,
                false => !mute.all().is_empty(),
            };
            if tried && posted >= 50 {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it is tried");
        }
    }
}

#[tokio::test]
async fn a_flood_while_the_collector_is_mute_loses_spans_counts_them_and_nothing_else() {
    let mute = Collector::open().await;
    mute.answers(0);
    let told = Told::start(&mute.table("signals = [\"traces\"]")).await;
    for _ in 0..3000 {
        let answer = told.send("{}", &[]).await;
        assert!([401, 503].contains(&answer.status), "{}", answer.status);
    }
    let lost = told.scrape().await["scanhook_telemetry_spans_lost_total"];
    assert!((400.0..3000.0).contains(&lost), "{lost}");
}

#[tokio::test]
async fn what_ends_with_the_process_is_sent_before_it_is_gone() {
    let collector = Collector::open().await;
    let mut told = Told::start(&collector.table("metrics_every = \"1h\"")).await;
    let answer = told.post(&alert("1", "low", &machine(1)), &[]).await;
    let delivery = answer.json()["delivery"].as_str().unwrap().to_owned();
    told.signal("-TERM");
    told.ended().await;
    let spans = collector.spans();
    assert!(
        spans.iter().any(says("scanhook.delivery", &delivery)),
        "{spans:#?}"
    );
    let metrics = collector.of("/v1/metrics");
    let counted = "scanhook_deliveries_total{source=\"siem\",status=\"202\"}";
    assert_eq!(metrics.last().unwrap().samples()[counted], 1.0);
}

#[tokio::test]
async fn a_collector_that_says_nothing_holds_up_the_end_for_three_seconds_at_most() {
    let mute = Collector::open().await;
    mute.answers(0);
    let mut told = Told::start(&mute.table("")).await;
    assert_eq!(
        told.post(&alert("1", "low", &machine(1)), &[]).await.status,
        202
    );
    mute.heard("/v1/traces", 1).await;
    let begun = Instant::now();
    told.signal("-TERM");
    told.ended().await;
    // Above that it would be the patience of a request, which is 10 s.
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
}
