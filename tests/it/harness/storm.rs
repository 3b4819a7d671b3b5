//! More devices at once than the directory can be asked about.

use serde_json::{Value, json};

use super::Site;

/// Alerts about devices that are only named, so that each takes a question: far more than can be asked in time.
pub async fn storm(site: &Site) {
    for batch in 0..12 {
        let devices: Vec<Value> = (0..50)
            .map(|n| json!({ "name": format!("lt-{batch}-{n}") }))
            .collect();
        let body = json!({ "alert_id": format!("s-{batch}"), "title": "Ransom note", "severity": "high", "devices": devices });
        site.accepted(body.to_string()).await;
    }
}
