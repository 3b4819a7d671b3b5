//! The last three acts: Defender pushes back, an answer is lost, the responder dies.

use core::time::Duration;

use super::far::FarRecord;
use super::samples::{self, DemoDevice};
use super::show::{Show, ends, is_over, tally};
use crate::api::ScanView;
use scanhook_core::counted::counted;
use scanhook_core::time::Timestamp;
use scanhook_simulator::{Fault, How};

/// What Defender asks for, in seconds.
const RETRY_AFTER: u32 = 3;
/// How slow Defender is while the responder dies, so that it dies with calls on their way.
const SLOW: u64 = 900;
/// How long the responder is dead.
const DEAD: Duration = Duration::from_secs(1);

fn next_scan_call(how: How) -> Vec<Fault> {
    vec![Fault {
        route: "scan".to_owned(),
        nth: 1,
        times: 1,
        how,
    }]
}

/// 429 with Retry-After: nothing at all is sent before that time is over.
pub(super) async fn throttled(show: &mut Show) -> anyhow::Result<()> {
    let about =
        format!("Defender answers the next scan call with 429 and Retry-After: {RETRY_AFTER}.");
    show.screen.act("Defender says wait", &about)?;
    let how = How::Status {
        status: 429,
        code: "TooManyRequests".to_owned(),
        message: Some("Too many requests".to_owned()),
        retry_after: Some(RETRY_AFTER.to_string()),
    };
    show.stage.far.with(|far| far.faults(next_scan_call(how)));
    let sample = samples::single("throttled-1", "medium", "ws-201");
    show.deliver(&sample).await?;
    let scans = show.follow(std::slice::from_ref(&sample.device)).await?;

    let calls = FarRecord::of(&show.stage.far).calls;
    let Some(refused) = calls.iter().rposition(|call| call.status == Some(429)) else {
        show.expect(false, || "Defender never answered 429".to_owned());
        return show.sum("Nothing was throttled.");
    };
    let waits: Vec<f64> = calls[refused + 1..]
        .iter()
        .map(|call| (call.at - calls[refused].at).as_secs_f64())
        .collect();
    let inside = waits
        .iter()
        .filter(|wait| **wait < f64::from(RETRY_AFTER))
        .count();
    let next = waits.first().copied().unwrap_or_default();
    let tries: u32 = scans.iter().map(|scan| scan.tries).sum();
    show.expect(inside == 0, || {
        format!("{} were made inside the pause", counted(inside, "call"))
    });
    show.expect(tries == 2, || {
        format!("the scan was sent {tries} times, not twice")
    });
    show.sum(&format!(
        "429 asked for {RETRY_AFTER} s: {inside} calls of any kind inside that pause, the next one after {next:.1} s; \
         sent {tries} times, {}.",
        ends(&scans)
    ))
}

/// The call is carried out, but nobody hears of it.
pub(super) async fn lost_answer(show: &mut Show) -> anyhow::Result<()> {
    show.screen.act(
        "A lost answer",
        "Defender starts the scan, then the connection breaks before its answer.",
    )?;
    show.stage
        .far
        .with(|far| far.faults(next_scan_call(How::LostAnswer)));
    let sample = samples::single("lost-answer-1", "medium", "ws-202");
    show.deliver(&sample).await?;
    let scans = show.follow(std::slice::from_ref(&sample.device)).await?;

    let far = FarRecord::of(&show.stage.far);
    let Some(scan) = scans.first() else {
        return show.sum("No scan was begun.");
    };
    let history = show.stage.scan(&scan.id).await?.events;
    for event in &history {
        show.screen.quote(&format!(
            "{}  {}  {}",
            event.at,
            event.what,
            event.detail.as_deref().unwrap_or_default()
        ))?;
    }
    let at = |what: &str| {
        history
            .iter()
            .find(|event| event.what == what)
            .and_then(|e| Timestamp::parse(&e.at))
    };
    let unsure = at("unknown")
        .zip(at("adopted"))
        .map(|(from, to)| to.since(from).as_secs_f64());
    show.expect(unsure.is_some(), || {
        "the scan was not found again in Defender's list".to_owned()
    });
    let (calls, started) = (far.scan_calls(&scan.id).count(), far.started(&scan.id));
    show.expect(calls == 1 && started == 1, || {
        format!("{calls} calls were made and {started} scans started")
    });
    show.sum(&format!(
        "1 answer was lost: the scan was unknown for {:.1} s, then found in Defender's list; {} and {} by Defender's \
         log, {}.",
        unsure.unwrap_or_default(),
        counted(calls, "call"),
        counted(started as usize, "started scan"),
        ends(&scans),
    ))
}

/// The responder dies while scans run, calls are on their way and others wait; then it starts again.
pub(super) async fn killed(show: &mut Show) -> anyhow::Result<()> {
    show.screen.act(
        "Kill and resume",
        "The responder dies with scans in every state, and starts on the same journal.",
    )?;
    show.screen.say("Before the kill:")?;
    let samples: Vec<_> = (1..=8)
        .map(|n| samples::single(&format!("killed-{n}"), "high", &format!("ws-30{n}")))
        .collect();
    let devices: Vec<DemoDevice> = samples.iter().map(|sample| sample.device.clone()).collect();
    let (early, late) = samples.split_at(2);
    show.deliver_all(early).await?;
    show.watch(&devices[..2], |scans| {
        scans.len() == 2 && scans.iter().all(|scan| scan.state == "running")
    })
    .await?;
    show.stage.latency(Some(SLOW));
    show.deliver_all(late).await?;
    let in_state = |scans: &[ScanView], state: &str| scans.iter().any(|scan| scan.state == state);
    let dying = show
        .watch(&devices, |scans| {
            scans.len() == 8 && (in_state(scans, "sending") || !in_state(scans, "waiting"))
        })
        .await?;
    show.stage.kill().await;
    let last = tally(dying.iter().map(|scan| scan.state.as_str()));
    show.screen
        .quote(&format!("killed, as it was last seen: {last}"))?;
    let open = dying.iter().filter(|scan| !is_over(scan)).count();
    show.expect(open > 0, || {
        "no scan was under way when it was killed".to_owned()
    });

    tokio::time::sleep(DEAD).await;
    show.stage.latency(None);
    show.stage.start().await?;
    show.screen.quote("started again on the same journal")?;
    show.screen.say("After the restart:")?;
    let scans = show.follow(&devices).await?;
    let far = FarRecord::of(&show.stage.far);
    let started: u32 = scans.iter().map(|scan| far.started(&scan.id)).sum();
    let twice = scans
        .iter()
        .filter(|scan| far.started(&scan.id) > 1)
        .count();
    show.expect(same_scans(&dying, &scans), || {
        "the scans after the kill are not those before it".to_owned()
    });
    show.expect(twice == 0, || format!("{twice} scans were started twice"));
    show.sum(&format!(
        "{open} of {} open when it was killed ({last}), all {} ended: {}; Defender started {started}, {twice} twice.",
        counted(dying.len(), "scan"),
        scans.len(),
        ends(&scans),
    ))
}

fn same_scans(before: &[ScanView], after: &[ScanView]) -> bool {
    let ids = |scans: &[ScanView]| scans.iter().map(|scan| scan.id.clone()).collect::<Vec<_>>();
    ids(before) == ids(after)
}
