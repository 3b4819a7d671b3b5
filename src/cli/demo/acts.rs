//! The first six acts: what becomes of alerts while nothing is in the way.

use std::collections::BTreeMap;

use super::far::FarRecord;
use super::samples::{self, DemoDevice, Sample};
use super::show::{Show, ends, tally};
use crate::api::ScanView;
use scanhook_core::counted::counted;
use scanhook_core::time::Timestamp;

/// A high alert: one Full scan, and the very call that Defender saw.
pub(super) async fn high(show: &mut Show) -> anyhow::Result<()> {
    show.screen.act(
        "A high alert",
        "Sentinel reports stolen credentials on lt-042: a Full scan of that machine.",
    )?;
    let sample = samples::incident();
    one_scan(show, &sample).await
}

/// A medium alert: one Quick scan.
pub(super) async fn medium(show: &mut Show) -> anyhow::Result<()> {
    show.screen.act(
        "A medium alert",
        "An alert of Defender itself, of medium severity: a Quick scan is enough.",
    )?;
    let sample = samples::medium();
    one_scan(show, &sample).await
}

async fn one_scan(show: &mut Show, sample: &Sample) -> anyhow::Result<()> {
    let receipt = show.deliver(sample).await?;
    let decisions: Vec<_> = receipt
        .alerts
        .iter()
        .flat_map(|alert| &alert.decisions)
        .collect();
    for decision in &decisions {
        show.screen.quote(&format!("why: {}", decision.why))?;
    }
    let scans = show.follow(std::slice::from_ref(&sample.device)).await?;
    let far = FarRecord::of(&show.stage.far);
    let mut calls = 0;
    for call in scans.iter().flat_map(|scan| far.scan_calls(&scan.id)) {
        calls += 1;
        let status = call
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        show.screen
            .quote(&format!("{} {}  ({status})", call.method, call.path))?;
        let body: BTreeMap<String, String> = serde_json::from_str(&call.body)?;
        for (key, value) in body {
            show.screen.quote(&format!("  {key}: {value}"))?;
        }
    }
    show.expect(calls == 1, || {
        format!("Defender saw {calls} calls for one scan")
    });
    let took = scans.first().and_then(took).unwrap_or_default();
    let kind = scans.first().map_or("no", |scan| scan.kind.as_str());
    show.sum(&format!(
        "{} became {}, {} to Defender and {} {kind} scan: {} after {took}.",
        counted(receipt.alerts.len(), "alert"),
        counted(decisions.len(), "decision"),
        counted(calls, "call"),
        scans.len(),
        ends(&scans),
    ))
}

/// From sending to the end.
fn took(scan: &ScanView) -> Option<String> {
    let (sent, ended) = (scan.sent_at.as_deref()?, scan.ended_at.as_deref()?);
    let span = Timestamp::parse(ended)?.since(Timestamp::parse(sent)?);
    Some(format!("{:.1} s", span.as_secs_f64()))
}

/// The first delivery once more, byte for byte.
pub(super) async fn again(show: &mut Show) -> anyhow::Result<()> {
    show.screen.act(
        "The same delivery again",
        "Senders repeat themselves. The first receipt comes back; no new scan.",
    )?;
    let sample = samples::incident();
    let before = show.stage.scans().await?.len();
    let answered = show.stage.post(&sample).await?;
    let (status, receipt) = (answered.status.as_u16(), answered.receipt()?);
    let begun = show.stage.scans().await?.len() - before;
    let calls = FarRecord::of(&show.stage.far)
        .calls
        .iter()
        .filter(|call| cites(call.comment.as_deref(), &sample))
        .count();
    show.screen.quote(&format!(
        "{status}  \"duplicate\": {}, delivery {}",
        receipt.duplicate, receipt.delivery
    ))?;
    show.expect(status == 200 && receipt.duplicate, || {
        format!("a repeated delivery was answered {status}")
    });
    show.expect(begun == 0 && calls == 1, || {
        format!("{begun} more scans, {calls} calls for one alert")
    });
    show.sum(&format!(
        "1 delivery, posted again, was answered {status}: {begun} new scans, {} for alert {} in Defender's log.",
        counted(calls, "call"),
        sample.name
    ))
}

fn cites(comment: Option<&str>, sample: &Sample) -> bool {
    comment.is_some_and(|comment| comment.contains(&format!("alert {} ", sample.name)))
}

/// An alert signed by somebody who does not know the secret.
pub(super) async fn forged(show: &mut Show) -> anyhow::Result<()> {
    show.screen.act(
        "A forged signature",
        "Somebody signs with a guessed secret. They learn nothing; nothing is kept.",
    )?;
    let sample = samples::forged();
    let before = show.stage.status(sample.source).await?;
    let answered = show.stage.post_forged(&sample).await?;
    show.remember(&sample);
    let after = show.stage.status(sample.source).await?;
    let stored = show.stage.alerts(sample.source, &sample.name).await?.len();
    let status = answered.status.as_u16();
    let refusals: Vec<_> = after
        .sources
        .iter()
        .flat_map(|source| &source.refusals)
        .collect();
    for refusal in &refusals {
        show.screen.quote(&format!(
            "the operator sees: {} from {}",
            refusal.check, refusal.address
        ))?;
    }
    let deliveries = |status: &crate::api::StatusView| {
        status
            .sources
            .iter()
            .map(|source| source.deliveries)
            .sum::<u32>()
    };
    let new = deliveries(&after) - deliveries(&before);
    show.expect(status == 401, || {
        format!("a forged delivery was answered {status}")
    });
    show.expect(stored == 0 && new == 0, || {
        "something of a forged delivery was stored".to_owned()
    });
    show.expect(refusals.len() == 1, || {
        format!("{} refusals are shown, not one", refusals.len())
    });
    show.sum(&format!(
        "1 forged delivery was answered {status}: {new} deliveries and {stored} alerts stored, {} in status.",
        counted(refusals.len(), "refusal")
    ))
}

/// Many alerts about few machines, and some that come late.
pub(super) async fn storm(show: &mut Show) -> anyhow::Result<()> {
    let (storm, late) = (samples::storm(), samples::latecomers());
    let mut devices: Vec<DemoDevice> = Vec::new();
    for sample in &storm {
        if !devices.contains(&sample.device) {
            devices.push(sample.device.clone());
        }
    }
    let (alerts, machines) = (storm.len(), devices.len());
    let about = format!(
        "{alerts} alerts over {machines} machines at once, {} more when it is over.",
        late.len()
    );
    show.screen.act("A storm", &about)?;
    show.deliver_all(&storm).await?;
    show.follow(&devices).await?;
    show.deliver_all(&late).await?;
    let scans = show.follow(&devices).await?;

    let names: Vec<&str> = storm
        .iter()
        .chain(&late)
        .map(|sample| sample.name.as_str())
        .collect();
    let mut decisions = show.stage.decisions().await?;
    decisions.retain(|decision| names.contains(&decision.alert.as_str()));
    let far = FarRecord::of(&show.stage.far);
    let calls: usize = scans
        .iter()
        .map(|scan| far.scan_calls(&scan.id).count())
        .sum();
    let comments = scans
        .iter()
        .flat_map(|scan| far.scan_calls(&scan.id))
        .filter_map(|call| call.comment.as_deref());
    if let Some(longest) = comments.max_by_key(|comment| comment.len()) {
        show.screen
            .quote(&format!("one of the comments: {longest}"))?;
    }
    let (begun, asked) = (scans.len(), decisions.len());
    show.expect(begun == machines, || {
        format!("{begun} scans for {machines} machines")
    });
    show.expect(asked == names.len(), || {
        format!("{asked} decisions for {} alerts", names.len())
    });
    show.expect(calls == machines, || {
        format!("{calls} calls for {machines} machines")
    });
    show.sum(&format!(
        "{} became {}: {}; {} in Defender's log, {}.",
        counted(asked, "alert"),
        counted(begun, "scan"),
        tally(decisions.iter().map(|decision| decision.reason.as_str())),
        counted(calls, "call"),
        ends(&scans),
    ))
}

/// An alert that does not say which machine it means, and one that is over.
pub(super) async fn careful(show: &mut Show) -> anyhow::Result<()> {
    show.screen.act(
        "Nobody guesses",
        "One alert has a host name that Defender does not know; another is already resolved. Neither scans.",
    )?;
    let before = show.stage.scans().await?.len();
    let mut states = Vec::new();
    for sample in [samples::host_only(), samples::resolved()] {
        show.deliver(&sample).await?;
        for alert in show.resolved(&sample).await? {
            let alert = alert.receipt;
            if let Some(detail) = &alert.detail {
                show.screen
                    .quote(&format!("{}: {} because {detail}", alert.id, alert.state))?;
                states.push(alert.state.clone());
            }
            for decision in alert.decisions {
                show.screen.quote(&format!(
                    "{}: {} because {}",
                    alert.id, decision.state, decision.why
                ))?;
                states.push(format!("{} ({})", decision.state, decision.reason));
            }
        }
    }
    let begun = show.stage.scans().await?.len() - before;
    show.expect(begun == 0, || format!("{begun} scans were begun"));
    show.sum(&format!(
        "{}: {}; {begun} scans.",
        counted(states.len(), "alert"),
        states.join(", ")
    ))
}
