//! syslog-ng's `http()` destination, as Debian packages it: a forwarder that posts several records as one list.

use crate::harness::{SIEM_SECRET, machine};
use crate::program::{self, Program};
use crate::{BEARER, alerts, brief, scans, site};

#[tokio::test]
async fn a_batch_of_records_is_one_delivery_and_scans_each_machine() {
    let site = site(&format!("preset = \"generic\"\n{BEARER}")).await;
    let folder = program::folder();
    let at = folder.path().to_str().unwrap().to_owned();
    let config = format!(
        r#"@version: 3.38
source s {{ file("{at}/in.log" flags(no-parse) follow-freq(0.2)); }};
destination d {{ http(url("http://{}/webhooks/sender") method("POST")
  headers("Content-Type: application/json", "Authorization: Bearer {SIEM_SECRET}")
  body-prefix("[") delimiter(",") body-suffix("]") batch-lines(3) batch-timeout(5000)
  body("${{MESSAGE}}") timeout(5)); }};
log {{ source(s); destination(d); }};
"#,
        site.public
    );
    std::fs::write(folder.path().join("sng.conf"), config).unwrap();
    let record = |n: u32, severity: &str| {
        format!(
            "{{\"alert_id\":\"a{n}\",\"title\":\"record {n}\",\"severity\":\"{severity}\",\"mde_id\":\"{}\"}}\n",
            machine(n)
        )
    };
    let records = [record(1, "high"), record(2, "medium"), record(3, "low")].concat();
    std::fs::write(folder.path().join("in.log"), records).unwrap();
    let files = ["sng.conf", "persist", "pid", "control"].map(|file| format!("{at}/{file}"));
    let [config, persist, pid, control] = &files;
    let arguments = [
        "-F",
        "--no-caps",
        "-f",
        config,
        "-R",
        persist,
        "-p",
        pid,
        "-c",
        control,
    ];
    let _sender = Program::start(folder, "/usr/sbin/syslog-ng", &arguments);

    let arrived = alerts(&site, 3).await;
    let briefs: Vec<_> = arrived.iter().map(brief).collect();
    assert_eq!(
        briefs,
        [
            "a1 decided record 1",
            "a2 decided record 2",
            "a3 decided record 3"
        ]
    );
    assert!(
        arrived
            .iter()
            .all(|alert| alert["delivery"] == arrived[0]["delivery"]),
        "one delivery"
    );
    assert_eq!(
        scans(&site, 2).await,
        [
            (machine(1), "Full".to_owned()),
            (machine(2), "Quick".to_owned())
        ]
    );
}
