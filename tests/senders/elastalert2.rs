//! ElastAlert2's HTTP alerters, from PyPI. They need no Elasticsearch: a match is handed to them.

use serde_json::json;

use crate::harness::{SIEM_SECRET, machine};
use crate::program::{self, Program};
use crate::{BEARER, alerts, brief, scans, site};

const SCRIPT: &str = r#"
import json, sys
from elastalert.alerters.httppost import HTTPPostAlerter
from elastalert.alerters.httppost2 import HTTPPost2Alerter
url, headers, matches = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
template = {"alert_id": "{{ _id }}", "title": "{{ rule_title }}", "severity": "{{ kibana.alert.severity }}",
            "host": "{{ host.name }}", "mde_id": "{{ defender.id }}"}
rule = {"name": "av", "type": "any", "alert": []}
HTTPPost2Alerter({**rule, "http_post2_url": url, "http_post2_headers": headers, "http_post2_payload": template,
                  "http_post2_timeout": 5}).alert(matches[:2])
HTTPPostAlerter({**rule, "http_post_url": url, "http_post_headers": headers, "http_post_timeout": 5,
                 "http_post_payload": {"mde_id": "defender.id", "severity": "kibana.alert.severity"},
                 "http_post_all_values": True}).alert(matches[2:])
"#;

#[tokio::test]
async fn each_match_by_template_or_whole_is_an_alert_and_scans_its_machine() {
    let site = site(&format!("preset = \"elastalert2\"\n{BEARER}")).await;
    let a_match = |n: u32, severity: &str| {
        json!({ "_id": format!("e{n}"), "_index": ".alerts", "num_hits": 1, "num_matches": 1, "@timestamp": "2026-11-02T08:15:42Z",
            "rule_title": format!("match {n}"), "title": format!("document {n}"), "host": { "name": format!("lt-{n:03}") },
            "kibana": { "alert": { "severity": severity } }, "defender": { "id": machine(n) } })
    };
    let folder = program::folder();
    std::fs::write(folder.path().join("post.py"), SCRIPT).unwrap();
    let url = format!("http://{}/webhooks/sender", site.public);
    let headers = json!({ "Authorization": format!("Bearer {SIEM_SECRET}") }).to_string();
    let matches = json!([
        a_match(1, "high"),
        a_match(2, "medium"),
        a_match(3, "critical")
    ])
    .to_string();
    let python = program::installed("elastalert2/bin/python");
    let mut sender = Program::start(folder, python, &["post.py", &url, &headers, &matches]);
    sender.ends_well().await;

    let briefs: Vec<_> = alerts(&site, 3).await.iter().map(brief).collect();
    assert_eq!(
        briefs,
        [
            "e1 decided match 1",
            "e2 decided match 2",
            "e3 decided document 3"
        ]
    );
    let expected =
        [(1, "Full"), (2, "Quick"), (3, "Full")].map(|(n, kind)| (machine(n), kind.to_owned()));
    assert_eq!(scans(&site, 3).await, expected);
}
