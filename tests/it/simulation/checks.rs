//! What must hold after every run, by the far side's own log and clock.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use scanhook::api::{DecisionView, MessageView};
use scanhook_core::message::words_before_mark;
use scanhook_core::quota::Share;
use scanhook_core::time::Timestamp;

use super::world::World;
use super::world::mail::{NAMES, PUBLIC};

pub fn all(world: &mut World) {
    ended(world);
    if !world.may_double {
        not_doubled(world);
    }
    truthful(world);
    obeyed(world);
    two_agreed(world);
    not_guessed(world);
    within_quota(world);
    kept(world);
}

/// What must hold after a run whatever it was like, and once the outbox is empty.
pub fn everything(world: &mut World) {
    all(world);
    told(world);
    written_back(world);
}

/// What happened reached each receiver that wants it, at least once, by one id, in order for each subject; and people
/// hear of a group no more often than they asked.
fn told(world: &mut World) {
    world.empty_the_outbox();
    let ended: BTreeSet<String> = world
        .letters_of("soar", "scan.ended")
        .map(|letter| {
            letter.body["data"]["scan"]["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    for scan in world.scans() {
        let over = matches!(scan.state.as_str(), "finished" | "dropped");
        if over && scan.outcome.as_deref() != Some("merged") {
            assert!(
                ended.contains(&scan.id),
                "nobody was told of scan {}",
                scan.id
            );
        }
    }
    let happened = world
        .store
        .read(|reader| reader.events_after(0, usize::MAX, None).unwrap());
    for kind in [
        "decision.held",
        "decision.expired",
        "limit.reached",
        "pause.set",
        "pause.ended",
    ] {
        let happened = happened
            .iter()
            .filter(|notice| notice.kind.code() == kind && !notice.said.resolved);
        let happened: u64 = happened.map(|notice| u64::from(1 + notice.more)).sum();
        for receiver in ["soar", "soc"] {
            let told: u64 = world.things_told(receiver, kind).values().sum();
            assert_eq!(told, happened, "{kind} to {receiver}");
        }
    }
    let mut ids: BTreeMap<(String, i64), String> = BTreeMap::new();
    let mut last: BTreeMap<(String, String), i64> = BTreeMap::new();
    for letter in &world.mail.letters {
        let seq = letter.body["data"]["seq"].as_i64().unwrap();
        let id = ids
            .entry((letter.receiver.clone(), seq))
            .or_insert_with(|| letter.id.clone());
        assert_eq!(*id, letter.id, "one event under two ids: {}", letter.body);
        let subject = letter.body["data"]["subject"].as_str().unwrap().to_owned();
        let last = last
            .entry((letter.receiver.clone(), subject))
            .or_insert(seq);
        assert!(seq >= *last, "{seq} after {last}: {}", letter.body);
        *last = seq;
    }
}

/// Each scan that ended is told of where its alerts came from: one comment for each machine at an incident, which says what
/// was last known, and one for each scan at an alert, whatever was lost on the way.
fn written_back(world: &World) {
    if world.mail.receivers.len() == 2 {
        return;
    }
    let comments = world.far.incident_comments();
    let mut ids = BTreeSet::new();
    for comment in comments {
        assert!(
            ids.insert((&comment.incident, &comment.id)),
            "{comment:?} twice"
        );
        assert!(
            !comment.message.contains("waits for its turn"),
            "{comment:?}"
        );
    }
    let messages = world.messages();
    for scan in world.scans() {
        let outcome = scan.outcome.as_deref();
        if outcome.is_none() || matches!(outcome, Some("merged" | "dry_run")) {
            continue;
        }
        let link = format!("{PUBLIC}/scans/{}", scan.id);
        let told = |alert: &String| {
            let told = world.far.alert_comments(alert);
            told.iter().any(|text| text.contains(&link))
        };
        // What came once it was over is answered by it as well, and not commented; what was tried again is answered by
        // another scan.
        assert!(
            scan.alerts.is_empty()
                || given_up(&messages, &scan.alerts)
                || scan.alerts.iter().any(told),
            "nobody knows of {scan:?}: {messages:?}"
        );
        for alert in &scan.alerts {
            let told = world.far.alert_comments(alert);
            let words: Vec<&str> = told
                .iter()
                .filter_map(|text| words_before_mark(text))
                .collect();
            assert_eq!(words.len(), told.len(), "one has no mark: {told:?}");
            assert!(
                words.windows(2).all(|two| two[0] != two[1]),
                "an alert is told the same twice: {told:?}"
            );
        }
    }
    incidents_are_told(world);
}

/// Where others spend the whole quota for a day, every try is answered 429 until it is given up; a 403 is given up at once. Both
/// are shown.
fn given_up(messages: &[MessageView], alerts: &[String]) -> bool {
    messages.iter().any(|message| {
        let at = message.subject.split('/').next().unwrap_or_default();
        message.receiver == NAMES[3]
            && message.state == "dead"
            && alerts.iter().any(|alert| alert == at)
            && message
                .answer
                .as_ref()
                .is_some_and(|answer| answer.starts_with("429") || answer.starts_with("403"))
    })
}

/// Each machine that was scanned has a comment at the incident of one of the alerts that led to it: of one of its scans, or of
/// what was held of it last.
fn incidents_are_told(world: &World) {
    let (of_alert, decisions) = (world.incidents(), world.decisions());
    for scan in world.scans() {
        let outcome = scan.outcome.as_deref();
        if outcome.is_none() || matches!(outcome, Some("merged" | "dry_run")) {
            continue;
        }
        let incidents: BTreeSet<&String> = scan
            .alerts
            .iter()
            .filter_map(|alert| of_alert.get(alert))
            .flatten()
            .collect();
        let mut links: Vec<String> = world
            .scans()
            .iter()
            .filter(|other| other.machine == scan.machine)
            .map(|other| format!("{PUBLIC}/scans/{}", other.id))
            .collect();
        let of_it = |decision: &&DecisionView| decision.machine.as_ref() == Some(&scan.machine);
        let said: BTreeSet<&Option<String>> = decisions
            .iter()
            .filter(of_it)
            .map(|decision| &decision.device.said)
            .collect();
        let of_it = decisions
            .iter()
            .filter(|decision| of_it(decision) || said.contains(&decision.device.said));
        links.extend(of_it.map(|decision| format!("{PUBLIC}/held/{}", decision.id)));
        let told = |incident: &&String| {
            let mut comments = world.far.incident_comments().iter();
            comments.any(|comment| {
                comment.incident == **incident
                    && links.iter().any(|link| comment.message.contains(link))
            })
        };
        assert!(
            incidents.is_empty() || incidents.iter().any(told),
            "no incident of {incidents:?} hears of {scan:?}: {:?}",
            world.far.incident_comments()
        );
    }
}

/// Nothing of ours was begun on a machine that could be another one, that is unknown, or that cannot be scanned.
fn not_guessed(world: &World) {
    for action in world.far.scans().iter().filter(|action| !action.foreign) {
        assert!(
            !world.forbidden.contains(&action.machine),
            "{} was guessed",
            action.machine
        );
    }
}

/// What takes two people has a scan only if two of them said yes, each once.
fn two_agreed(world: &World) {
    let broken: Vec<_> = begun_by_two(world)
        .into_iter()
        .filter(|given| !are_two(given))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
}

/// Who approved what takes two people and has a scan, once for each decision.
pub fn begun_by_two(world: &World) -> Vec<Vec<String>> {
    let begun = world.decisions().into_iter();
    let begun = begun.filter(|decision| decision.state == "scan");
    begun
        .filter_map(|decision| decision.people)
        .map(|people| people.given)
        .collect()
}

/// Whether these are two people, each once.
pub fn are_two(given: &[String]) -> bool {
    given.len() == 2 && given[0] != given[1]
}

/// Every decision and every scan is final.
fn ended(world: &World) {
    assert_eq!(world.store.read(|reader| reader.unsettled().unwrap()), 0);
}

/// No scan of ours was executed twice, whatever was lost on the way. Without an echoed `ExternalId` the token at the
/// end of the comment tells them apart.
fn not_doubled(world: &World) {
    let mut executed: BTreeMap<&str, u32> = BTreeMap::new();
    for action in world.far.scans().iter().filter(|action| !action.foreign) {
        let token = action
            .comment
            .rfind("[sh-")
            .map(|at| &action.comment[at..])
            .expect("every comment has our token");
        *executed.entry(token).or_default() += 1;
    }
    for (token, times) in executed {
        let tail = token.trim_start_matches("[sh-").trim_end_matches(']');
        // Once more each time that the database has lost what it knew of it.
        let most = 1 + world.standby.lost_of(tail);
        assert!(times <= most, "{token} was executed {times} times");
    }
}

/// What the journal says of an outcome is what the far side did; what it says was never sent was never executed.
fn truthful(world: &World) {
    let now = world.now.to_jiff();
    for scan in world.scans() {
        let tail = &scan.id[scan.id.len() - 12..];
        if world.standby.lost_of(tail) > 0 {
            // What it says is what it knows.
            continue;
        }
        let ours: Vec<_> = world
            .far
            .scans()
            .iter()
            .filter(|action| action.comment.contains(tail))
            .collect();
        match scan.outcome.as_deref() {
            Some("cancelled") if scan.state == "dropped" => {
                assert!(
                    ours.is_empty(),
                    "{} was executed, and is called off as if it were not",
                    scan.id
                );
            }
            Some("succeeded" | "failed" | "timeout" | "cancelled") => {
                let id = scan.action.as_deref().expect("an ended scan has an action");
                let action = world
                    .far
                    .scans()
                    .iter()
                    .find(|action| action.id == id)
                    .expect("it exists at Defender");
                assert!(
                    !action.is_open(now),
                    "{} is called over and is not",
                    scan.id
                );
                assert_eq!(action.machine, scan.machine);
                let kinds = (action.kind.to_lowercase(), scan.kind.clone());
                assert!(
                    !scan.ours || kinds.0 == kinds.1,
                    "{} is told to be what it was not: {kinds:?}",
                    scan.id
                );
                // Not ours may be one of an earlier scan of ours that was given up as lost.
                assert!(
                    !(action.foreign && scan.ours),
                    "{} takes somebody else's action for ours",
                    scan.id
                );
            }
            Some("lost") => {}
            Some(
                "merged" | "too_old" | "no_such_machine" | "unsupported" | "refused" | "dry_run",
            ) => {
                assert!(ours.is_empty(), "{} was executed and is not told", scan.id);
            }
            other => panic!("scan {} ended as {other:?}", scan.id),
        }
    }
    for action in world.far.scans().iter().filter(|action| !action.foreign) {
        assert!(
            action.comment.contains("a-"),
            "the comment cites the alert: {}",
            action.comment
        );
    }
}

/// What people were told is what happened, and nobody else's action was called off.
fn obeyed(world: &World) {
    for call in world
        .far
        .calls()
        .iter()
        .filter(|call| call.route == "cancel")
    {
        let id = call.path.split('/').rev().nth(1).unwrap();
        let action = world
            .far
            .scans()
            .iter()
            .find(|action| action.id == id)
            .expect("it is an action");
        assert!(!action.foreign, "{id} is somebody else's");
        let tail = action
            .comment
            .rsplit("[sh-")
            .next()
            .unwrap()
            .trim_end_matches(']');
        if world.standby.lost_of(tail) > 0 {
            continue;
        }
        assert!(
            call.comment.as_ref().unwrap().contains("anna: as she says"),
            "{call:?}"
        );
        let scans = world.scans();
        let scan = scans
            .iter()
            .find(|scan| scan.id.ends_with(tail))
            .expect("it is a scan of ours");
        assert!(
            scan.called_off.is_some(),
            "nobody asked for {} to be called off",
            scan.id
        );
    }
    if world.standby.has_lost() {
        // An order may be lost after it was obeyed, and is given again then.
        return;
    }
    let scans = world.scans();
    for item in &world.steered {
        let scan = scans.iter().find(|scan| scan.id == item.id);
        match item.result.as_deref().unwrap() {
            "cancelled" => assert_eq!(scan.unwrap().outcome.as_deref(), Some("cancelled")),
            "cancelling" => assert!(scan.unwrap().called_off.is_some()),
            "approved" => assert!(
                ["scan", "dropped"].contains(&item.state.as_deref().unwrap()),
                "{item:?}"
            ),
            // Held for another person still, or whatever the next one said.
            "approved_once" => assert_eq!(item.needs, Some(1), "{item:?}"),
            "second-person-needed" => assert!(item.people.is_some(), "{item:?}"),
            "denied" => assert_eq!(
                (item.state.as_deref(), item.reason.as_deref()),
                (Some("dropped"), Some("denied"))
            ),
            "retried" | "already" | "already-over" | "not-held" | "not-retryable"
            | "foreign-action" => {}
            // Held before it was known which machine it is.
            "machine-needed" => assert_eq!(item.scan_id, None),
            other => panic!("{other}: {item:?}"),
        }
    }
}

/// Nobody starves: what is wanted of a machine that is free leaves within a minute, whatever the others are like, and is
/// called no more often than needed.
pub fn not_starved(world: &World, free: impl Fn(&str) -> bool) {
    for scan in world.scans().iter().filter(|scan| free(&scan.machine)) {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let sent = scan
            .sent_at
            .as_deref()
            .unwrap_or_else(|| panic!("{} was never sent", scan.id));
        let waited = at(sent).since(at(&scan.created_at));
        assert!(
            waited <= Duration::from_secs(60),
            "{} of a free machine waited {waited:?}",
            scan.id
        );
        assert_eq!(scan.outcome.as_deref(), Some("succeeded"));
    }
}

/// By the far side's own count over sliding windows.
fn within_quota(world: &World) {
    for route in [
        "scan",
        "list",
        "get",
        "cancel",
        "machine",
        "machines",
        "findbyip",
        "alert",
        "alert_comment",
    ] {
        let (minute, hour) = world.far.quota_peak(route);
        // Of what was lost the journal cannot know.
        let (minute, hour) = (
            minute.saturating_sub(world.standby.calls),
            hour.saturating_sub(world.standby.calls),
        );
        assert!(
            minute <= world.share.per_minute,
            "{route}: {minute} calls in a minute"
        );
        assert!(
            hour <= world.share.per_hour,
            "{route}: {hour} calls in an hour"
        );
    }
    if world.alone && !world.standby.has_lost() {
        assert!(
            world.far.calls().iter().all(|call| !call.refused_by_quota),
            "no call was refused by the quota"
        );
    }
}

/// In any hour of these, through which work waited, 95 % of what the hour allows was used, or of four fifths of what its
/// minutes allow; or all but two calls, where that is more. Where some of it is urgent, a reserve is kept at the start of
/// an hour and spent by its end: then in each hour from the first call on. What does not count: the time in which the
/// process was down, and some seconds for answers, since a call is free again an hour and a second after its answer.
pub fn used(world: &World, hours: u32, urgent: bool) {
    let hour = 3_605_000 + i64::try_from(world.idle.as_millis()).unwrap();
    let Share {
        per_minute,
        per_hour,
    } = world.share;
    let least = (0.95 * f64::from(per_hour).min(0.8 * 60.0 * f64::from(per_minute)))
        .min(f64::from(per_hour) - 2.0);
    let calls = world.far.calls().iter().filter(|call| call.route == "scan");
    let times: Vec<i64> = calls.map(|call| call.at.as_millisecond()).collect();
    let last = times[0] + i64::from(hours - 1) * hour;
    let begins: Vec<i64> = if urgent {
        (0..i64::from(hours))
            .map(|n| times[0] - 1 + n * hour)
            .collect()
    } else {
        // The emptiest hours begin just after a call.
        times.iter().copied().take_while(|at| *at <= last).collect()
    };
    for begins in begins {
        let within = times
            .iter()
            .filter(|at| (begins + 1..=begins + hour).contains(*at))
            .count();
        assert!(
            within as f64 >= least,
            "{within} calls in the hour after {begins}, and {least} are due"
        );
    }
}

/// Every acknowledged delivery is still there, with the same alerts.
fn kept(world: &mut World) {
    for (n, receipt) in &world.promised.clone() {
        let found = world.redeliver(*n);
        assert!(found.duplicate, "delivery {n} was acknowledged and is gone");
        assert_eq!(found.delivery, receipt.delivery);
        let ids = |receipt: &scanhook::api::Receipt| {
            receipt
                .alerts
                .iter()
                .map(|a| a.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&found), ids(receipt), "delivery {n}");
        for (before, after) in receipt.alerts.iter().zip(&found.alerts) {
            assert_eq!(before.decisions.len(), after.decisions.len());
        }
    }
}
