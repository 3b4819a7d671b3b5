//! Node-RED, from npm: a SOAR's flow whose function node signs what the next node posts.

use serde_json::json;

use crate::harness::{SIEM_SECRET, machine};
use crate::program::{self, Program};
use crate::{alerts, brief, scans, site};

#[tokio::test]
async fn a_flow_that_signs_its_alert_is_believed_and_scans_the_machine() {
    let hmac = "auth = { hmac = { header = \"X-Signature\", prefix = \"sha256=\", encoding = \"hex\", signed = \"{body}\", secret_file = \"siem.secret\" } }";
    let site = site(&format!("preset = \"generic\"\n{hmac}")).await;
    let alert = json!({ "alert_id": "3212", "title": "from the flow", "severity": "high", "mde_id": machine(1) });
    let sign = format!(
        "const body = JSON.stringify(msg.payload); msg.headers = {{'content-type': 'application/json', 'x-signature': \
         'sha256=' + crypto.createHmac('sha256', '{SIEM_SECRET}').update(body).digest('hex')}}; msg.payload = body; return msg;"
    );
    let flow = json!([
        { "id": "t", "type": "tab", "label": "soar" },
        { "id": "i", "type": "inject", "z": "t", "once": true, "onceDelay": 0.5, "repeat": "", "payload": alert.to_string(), "payloadType": "json", "wires": [["f"]] },
        { "id": "f", "type": "function", "z": "t", "libs": [{ "var": "crypto", "module": "crypto" }], "wires": [["h"]], "func": sign },
        { "id": "h", "type": "http request", "z": "t", "method": "POST", "ret": "txt", "url": format!("http://{}/webhooks/sender", site.public), "wires": [[]] }
    ]);
    let folder = program::folder();
    std::fs::write(folder.path().join("flows.json"), flow.to_string()).unwrap();
    let red = program::installed("node_modules/node-red/red.js");
    let (at, port) = (
        folder.path().to_str().unwrap().to_owned(),
        program::free_port().to_string(),
    );
    let arguments = [
        red.to_str().unwrap(),
        "-u",
        &at,
        "-p",
        &port,
        "-D",
        "uiHost=127.0.0.1",
        "flows.json",
    ];
    let _sender = Program::start(folder, "node", &arguments);

    let briefs: Vec<_> = alerts(&site, 1).await.iter().map(brief).collect();
    assert_eq!(briefs, ["3212 decided from the flow"]);
    assert_eq!(scans(&site, 1).await, [(machine(1), "Full".to_owned())]);
}
