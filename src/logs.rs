//! Logs on stderr: a line of JSON with the names of the Elastic Common Schema per event, or a line for people, which is
//! the rule on a terminal. Values are shown without control characters, whatever they came from.

mod about;
mod escape;

use core::any::Any;
use core::fmt;
use core::panic::Location;
use std::io;

use json_subscriber::JsonLayer;
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata};
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{self, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::clock;
use escape::escaped;

pub(crate) use about::{about, several};

/// The version of the schema whose names are used.
const ECS: &str = "8.11.0";

/// The target of the line that says why the process ends, which no filter silences.
pub(crate) const LAST_WORD: &str = "scanhook::end";

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum NoLogs {
    /// The filter cannot be read.
    #[error("SCANHOOK_LOG (or RUST_LOG) is not a filter such as `info` or `scanhook=debug`: {0}")]
    Filter(#[from] ParseError),
    /// Something else in this process logs already.
    #[error("{0}")]
    Twice(#[from] TryInitError),
}

/// What a line is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogShape {
    Text,
    /// An object for programs.
    Json,
}

/// Logs on stderr from now on, narrowed by `filter`, such as `info` or `scanhook::worker=debug`.
///
/// # Errors
/// [`NoLogs`]. Where it is the filter that cannot be read, everything from `info` is logged, so that this can be told.
pub fn start(filter: &str, shape: LogShape) -> Result<(), NoLogs> {
    let (layer, told) = match layer(io::stderr, shape, filter) {
        Ok(layer) => (layer, Ok(())),
        Err(error) => (layer(io::stderr, shape, "info")?, Err(error)),
    };
    tracing_subscriber::registry().with(layer).try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        panicked(panic.payload(), panic.location())
    }));
    Ok(told?)
}

/// A fault of ours is a line like any other, and not several of another shape.
fn panicked(said: &dyn Any, at: Option<&Location<'_>>) {
    let fault = said
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| said.downcast_ref().copied());
    let at = at.map(ToString::to_string);
    tracing::error!(
        code = "panic",
        fault,
        at,
        "a fault of scanhook's own: please report it"
    );
}

type Chosen = Box<dyn Layer<Registry> + Send + Sync>;

fn layer<W>(writer: W, shape: LogShape, filter: &str) -> Result<Chosen, ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer: Chosen = match shape {
        LogShape::Text => for_people(writer).boxed(),
        LogShape::Json => for_programs(writer).boxed(),
    };
    let wanted = EnvFilter::try_new(filter)?.or(filter_fn(is_last_word));
    Ok(layer
        .with_filter(wanted)
        .with_filter(filter_fn(ours_or_plain))
        .boxed())
}

/// Why the process does not start is told whatever is wanted: nobody would know otherwise.
fn is_last_word(about: &Metadata<'_>) -> bool {
    about.target() == LAST_WORD
}

/// Libraries tell what passes through them, headers included, in their details: those are never logged.
fn ours_or_plain(about: &Metadata<'_>) -> bool {
    about.target().split("::").next() == Some("scanhook") || *about.level() <= Level::INFO
}

fn for_programs<W>(writer: W) -> JsonLayer<Registry, W>
where
    W: for<'w> MakeWriter<'w> + 'static,
{
    let mut layer = JsonLayer::new(writer);
    layer.with_timer("@timestamp", Clock);
    layer.with_level("log.level");
    layer.with_target("log.logger");
    layer.add_static_field("ecs.version", ECS.into());
    layer.add_static_field("service.name", "scanhook".into());
    layer.add_static_field("service.version", env!("CARGO_PKG_VERSION").into());
    layer.add_multiple_dynamic_fields(|event, _, out| {
        event.record(&mut Fields(|name: String, value: serde_json::Value| {
            let _ = out.write_field(&name, value);
        }));
    });
    layer
}

fn for_people<S, W>(writer: W) -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'l> LookupSpan<'l>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let fields = format::debug_fn(|out, field, value| {
        let text = format!("{value:?}");
        match field.name() {
            "message" => write!(out, "{}", escaped(&text)),
            name => write!(out, "{name}={}", about::for_people(name, &text)),
        }
    });
    tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .with_target(false)
        .with_timer(Clock)
        .fmt_fields(fields.delimited(" "))
}

/// The time, from the one clock.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        write!(out, "{}", clock::now())
    }
}

/// Passes on the fields of an event by their names in the schema.
struct Fields<F>(F);

impl<F: FnMut(String, serde_json::Value)> Fields<F> {
    fn pass(&mut self, field: &Field, value: impl Into<serde_json::Value>) {
        let name = match field.name() {
            "message" => "message".to_owned(),
            "error" => "error.message".to_owned(),
            "code" => "error.code".to_owned(),
            "name" => "host.name".to_owned(),
            "machine" => "host.id".to_owned(),
            "rule" => "rule.name".to_owned(),
            "reason" => "event.reason".to_owned(),
            "who" => "user.name".to_owned(),
            "peer" => "source.ip".to_owned(),
            own => format!("scanhook.{own}"),
        };
        (self.0)(name, value.into());
    }
}

impl<F: FnMut(String, serde_json::Value)> Visit for Fields<F> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.pass(
            field,
            about::for_programs(field.name(), &format!("{value:?}")),
        );
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.pass(field, escaped(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.pass(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.pass(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.pass(field, value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use scanhook_core::about::About;
    use scanhook_core::plain::shown;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are logged meanwhile.
    fn logged(shape: LogShape, filter: &str, act: impl FnOnce()) -> Vec<String> {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = layer(move || writer.clone(), shape, filter).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    const HOSTILE: &str = "a\u{1b}[2J\r\n{\"x\":1}\u{9b}\u{202e}";

    #[test]
    fn a_program_reads_one_object_a_line_with_the_names_of_the_schema() {
        let error = HOSTILE;
        let lines = logged(
            LogShape::Json,
            "info",
            || tracing::warn!(tenant = "t", n = 7, code = "c", %error, "two\nlines"),
        );
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["log.level"], "WARN");
        assert_eq!(event["log.logger"], "scanhook::logs::tests");
        assert_eq!(event["message"], r"two\nlines");
        assert_eq!(
            (&event["scanhook.tenant"], &event["scanhook.n"]),
            (&"t".into(), &7.into())
        );
        assert_eq!(
            (&event["error.code"], &event["service.name"]),
            (&"c".into(), &"scanhook".into())
        );
        assert_eq!(
            event["error.message"],
            r#"a\u{1b}[2J\r\n{"x":1}\u{9b}\u{202e}"#
        );
        assert!(event["@timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_person_reads_one_line_an_event_and_nothing_in_it_moves_the_cursor() {
        let lines = logged(
            LogShape::Text,
            "info",
            || tracing::info!(device = HOSTILE, seen = %HOSTILE, "hello"),
        );
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert!(line.contains("INFO hello device="), "{line}");
        assert!(line.contains(r"seen=a\u{1b}[2J\r\n"), "{line}");
        assert!(line.chars().all(|c| shown(c) == c), "{line:?}");
    }

    #[test]
    fn a_line_about_decisions_has_a_value_or_a_list_of_them_and_no_value_becomes_two() {
        let odd = "a\u{1f}b\n";
        let one = About {
            alerts: vec![odd.to_owned()],
            scan: Some("s".to_owned()),
            ..About::default()
        };
        let two = About {
            alerts: vec![odd.to_owned(), "c".to_owned()],
            name: Some("ws-1".to_owned()),
            ..one.clone()
        };
        let act = || {
            about!(info, &one, reason = "new", "decided");
            about!(info, &two, "scan sent");
        };
        let json = logged(LogShape::Json, "info", act);
        let events: Vec<serde_json::Value> = json
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let shown = r"a\u{1f}b\n";
        assert_eq!(
            (&events[0]["scanhook.alert"], &events[0]["scanhook.scan"]),
            (&shown.into(), &"s".into())
        );
        assert_eq!(events[0]["event.reason"], "new");
        assert_eq!(events[1]["scanhook.alert"], serde_json::json!([shown, "c"]));
        assert_eq!(
            (&events[1]["host.name"], &events[1]["scanhook.decision"]),
            (&"ws-1".into(), &serde_json::Value::Null)
        );
        let text = logged(LogShape::Text, "info", act);
        let alerts = r#"scan sent alert="a\\u{1f}b\n","c" name="ws-1" scan="s""#;
        assert!(text[1].contains(alerts), "{}", text[1]);
        let forged = "\"a\" decision=\"d\"".to_owned();
        let forged = About {
            alerts: vec![forged],
            ..About::default()
        };
        let text = logged(LogShape::Text, "info", || about!(info, &forged, "decided"));
        assert!(
            text[0].ends_with(r#"decided alert="\"a\" decision=\"d\"""#),
            "{}",
            text[0]
        );
    }

    #[test]
    fn a_panic_is_one_line_with_its_place() {
        let lines = logged(LogShape::Json, "info", || {
            panicked(&"two\nlines", Some(Location::caller()))
        });
        let event: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(
            (lines.len(), &event["error.code"], &event["scanhook.fault"]),
            (1, &"panic".into(), &r"two\nlines".into())
        );
        assert!(
            event["scanhook.at"].as_str().unwrap().contains("logs.rs:"),
            "{event}"
        );
    }

    #[test]
    fn the_filter_narrows_and_libraries_never_tell_details() {
        let act = || {
            tracing::debug!("ours");
            tracing::debug!(target: "hyper::proto", "authorization: Bearer x");
            tracing::info!(target: "hyper::proto", "plain");
        };
        assert_eq!(logged(LogShape::Text, "trace", act).len(), 2);
        assert_eq!(logged(LogShape::Text, "info", act).len(), 1);
        assert_eq!(logged(LogShape::Text, "error", act).len(), 0);
        assert!(layer(io::stderr, LogShape::Text, "scanhook=loud").is_err());
    }
}
