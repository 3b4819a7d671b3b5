//! `[telemetry]`: what it says without a word, what a whole one says, and every fault at its key.

use super::*;

fn telemetry(table: &str) -> Setting {
    with(&format!("[telemetry]\n{table}\n"))
}

#[test]
fn nothing_is_sent_without_an_address_and_all_of_it_with_one() {
    assert!(with("").load().telemetry.is_none());
    assert!(telemetry("sample_percent = 5").load().telemetry.is_none());
    let told = telemetry("otlp_endpoint = \"https://c.example:4318/\"").load();
    let told = told.telemetry.unwrap();
    assert_eq!(told.endpoint, "https://c.example:4318");
    assert_eq!(
        (told.traces, told.metrics, told.sample_percent),
        (true, true, 100)
    );
    assert_eq!(told.metrics_every, Duration::from_secs(60));
    assert!(told.header.is_none());
}

#[test]
fn a_collector_is_shown_a_secret_in_the_header_that_it_asks_for() {
    let setting = telemetry(
        "otlp_endpoint = \"https://c.example\"\nheader = \"X-Team\"\nsecret_file = \"otlp.secret\"\n\
         signals = [\"metrics\"]\nsample_percent = 0\nmetrics_every = \"15s\"",
    );
    setting.secret("otlp.secret", "Api-Token canary\n", 0o600);
    let settings = setting.load();
    let told = settings.telemetry.as_ref().unwrap();
    let (name, secret) = told.header.as_ref().unwrap();
    assert_eq!(
        (name.as_str(), secret.expose_secret()),
        ("x-team", "Api-Token canary")
    );
    assert_eq!(
        (told.traces, told.metrics, told.sample_percent),
        (false, true, 0)
    );
    assert_eq!(told.metrics_every, Duration::from_secs(15));
    let file = setting.folder.path().join("otlp.secret");
    assert!(settings.files.hold(&file), "it is looked at for changes");
    let by_variable = with("")
        .env("SCANHOOK_TELEMETRY__OTLP_ENDPOINT", "http://collector:4318")
        .env("SCANHOOK_TELEMETRY__PLAIN_HTTP", "true")
        .load();
    assert_eq!(
        by_variable.telemetry.unwrap().endpoint,
        "http://collector:4318"
    );
}

#[test]
fn every_fault_of_it_stands_at_its_key_and_shows_no_secret() {
    let secret = "header = \"Authorization\"\nsecret_file = \"otlp.secret\"";
    for (table, key, says) in [
        (
            "otlp_endpoint = \"http://collector:4318\"",
            "otlp_endpoint",
            "`plain_http = true`",
        ),
        (
            "otlp_endpoint = \"collector:4317\"",
            "otlp_endpoint",
            "URL of http or https",
        ),
        (
            &format!("otlp_endpoint = \"http://collector:4318\"\nplain_http = true\n{secret}"),
            "otlp_endpoint",
            "where a secret is sent",
        ),
        (
            "header = \"Authorization\"",
            "secret_file",
            "beside `header`",
        ),
        (
            "secret_file = \"otlp.secret\"",
            "header",
            "beside the secret",
        ),
        (
            "header = \"Content-Type\"\nsecret_file = \"otlp.secret\"",
            "header",
            "authenticates",
        ),
        (
            "header = \"Authorization\"\nsecret_file = \"lines.secret\"",
            "secret_file",
            "one line of ASCII",
        ),
        (
            "signals = [\"logs\"]",
            "signals",
            "\"traces\" and \"metrics\"",
        ),
        ("signals = []", "signals", "\"traces\" and \"metrics\""),
        ("sample_percent = 101", "sample_percent", "from 0 to 100"),
        (
            "metrics_every = \"100ms\"",
            "metrics_every",
            "from \"1s\" to \"1h\"",
        ),
        ("headers = \"x\"", "headers", "did you mean `header`"),
    ] {
        let setting = telemetry(table);
        setting.secret("otlp.secret", "Bearer canary", 0o600);
        setting.secret("lines.secret", "Bearer canary\nX-More: canary", 0o600);
        let faults = setting.faults();
        assert_eq!(faults.len(), 1, "{table}: {}", shown(&faults));
        assert_eq!(faults[0].key, format!("telemetry.{key}"), "{table}");
        assert!(faults[0].message.contains(says), "{table}: {}", faults[0]);
        assert!(!shown(&faults).contains("canary"), "{table}");
    }
}
