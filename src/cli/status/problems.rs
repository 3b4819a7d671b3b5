//! What somebody has to look at, of all tenants and sources. It comes first, whatever else was asked for.

use std::collections::BTreeMap;

use super::lines::StatusLines;
use crate::api::{ReceiverView, ReloadView, StatusView, TenantView};
use crate::cli::table::{count, time, time_of};

/// What somebody has to look at, of all tenants and sources.
pub(super) fn problems(lines: &mut StatusLines, status: &StatusView) {
    let mut found = StatusLines::default();
    outages(&mut found, &status.tenants);
    for tenant in &status.tenants {
        let of = |what: &str| format!("tenant {}: {what}", tenant.name);
        if let Some(why) = &tenant.lane.stopped {
            found.say("STOPPED", &of(why));
        }
        for note in &tenant.lane.notes {
            found.say("note", &of(note));
        }
        if let Some(until) = &tenant.lane.paused_until {
            found.say(
                "THROTTLED",
                &of(&format!("Defender asked to wait until {} UTC", time(until))),
            );
        }
    }
    for pause in &status.pauses {
        found.say("PAUSED", &format!("{}, {}", pause.scope(), pause.story()));
    }
    reload_text(&mut found, status.reload.as_ref());
    let held = status.tenants.iter().map(|tenant| tenant.held).sum::<u32>();
    if held > 0 {
        let what = count(held as usize, "decision");
        found.say(
            "HELD",
            &format!("{what} for a person: `scanhook decisions --state held`"),
        );
    }
    if status.parked > 0 {
        let last = time_of(status.parked_at.as_ref());
        let what = count(status.parked as usize, "alert");
        found.say(
            "PARKED",
            &format!("{what}, the last at {last} UTC: `scanhook alerts --state parked` says why"),
        );
    }
    for source in status
        .sources
        .iter()
        .filter(|source| source.silent_since.is_some())
    {
        let (since, every) = (
            time_of(source.silent_since.as_ref()),
            source.expect_every.as_deref().unwrap_or_default(),
        );
        found.say(
            "SILENT",
            &format!(
                "source {} since {since} UTC, though expected every {every}",
                source.name
            ),
        );
    }
    receivers_text(&mut found, &status.receivers);
    for warning in &status.warnings {
        found.say("warning", warning);
    }
    if !found.0.is_empty() {
        lines.head("problems");
        lines.0.push_str(&found.0);
    }
}

/// Outages that are told one by one; more of them, which then have one reason, are told together.
const MOST: usize = 4;

/// Who cannot be reached, before everything else and for all tenants in the first lines.
fn outages(lines: &mut StatusLines, tenants: &[TenantView]) {
    let all = tenants.iter().map(|tenant| tenant.lane.unreachable.len());
    if all.sum::<usize>() <= MOST {
        for tenant in tenants {
            for outage in &tenant.lane.unreachable {
                lines.say(
                    "NO ANSWER",
                    &format!("tenant {}: {}", tenant.name, outage.why),
                );
            }
        }
        return;
    }
    let mut kinds: BTreeMap<(&str, &str), (Vec<&str>, &str)> = BTreeMap::new();
    for tenant in tenants {
        for outage in &tenant.lane.unreachable {
            let kind = kinds.entry((&outage.side, &outage.code));
            let (names, _) = kind.or_insert_with(|| (Vec::new(), &outage.why));
            names.push(&tenant.name);
        }
    }
    for (names, why) in kinds.values() {
        let (first, names) = (names.first().unwrap_or(&""), names.join(", "));
        lines.say("NO ANSWER", &format!("tenants {names}; of {first}: {why}"));
    }
}

/// Which receivers do not take their messages.
fn receivers_text(lines: &mut StatusLines, receivers: &[ReceiverView]) {
    for receiver in receivers {
        let of = |what: &str| format!("receiver {}: {what}", receiver.name);
        if let Some(since) = &receiver.failing_since {
            let answer = receiver.answer.as_deref().unwrap_or("none");
            let since = time(since);
            lines.say(
                "FAILING",
                &of(&format!("since {since} UTC; its last answer: {answer}")),
            );
        }
        if receiver.dead > 0 {
            let what = count(receiver.dead as usize, "message");
            let dead = format!("{what} given up: `scanhook outbox --dead`");
            lines.say("DEAD", &of(&dead));
        }
    }
}

/// What the last reading of the files left undone.
fn reload_text(lines: &mut StatusLines, reload: Option<&ReloadView>) {
    let Some(reload) = reload else { return };
    if !reload.successful {
        let (at, since) = (time(&reload.at), time(&reload.policy_since));
        lines.say(
            "reload",
            &format!("REFUSED at {at} UTC; the policy in force is that of {since} UTC"),
        );
    }
    for fault in &reload.faults {
        let at = fault
            .line
            .zip(fault.column)
            .map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        lines.say(
            "fault",
            &format!("{}{at}: {} [{}]", fault.file, fault.message, fault.code),
        );
    }
    if reload.more_faults > 0 {
        lines.say("fault", &format!("and {} more", reload.more_faults));
    }
    for key in &reload.needs_restart {
        lines.say(
            "restart",
            &format!("{key} has a new value, which needs a restart"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{LaneView, OutageView};

    fn tenant(name: &str, code: &str) -> TenantView {
        let outage = OutageView {
            side: "entra".to_owned(),
            code: code.to_owned(),
            why: format!("no answer for {name}"),
            ..OutageView::default()
        };
        let lane = LaneView {
            unreachable: vec![outage],
            ..LaneView::default()
        };
        TenantView {
            name: name.to_owned(),
            lane,
            ..TenantView::default()
        }
    }

    fn told(tenants: &[TenantView]) -> Vec<String> {
        let mut lines = StatusLines::default();
        outages(&mut lines, tenants);
        lines.0.lines().map(str::to_owned).collect()
    }

    #[test]
    fn outages_of_many_tenants_take_a_line_for_each_reason_that_names_them_all() {
        let few: Vec<_> = (0..4).map(|n| tenant(&format!("t{n}"), "dns")).collect();
        assert_eq!(told(&few).len(), 4);
        let mut many: Vec<_> = (0..20).map(|n| tenant(&format!("t{n}"), "dns")).collect();
        many.push(tenant("other", "proxy-auth"));
        let lines = told(&many);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            (0..20).all(|n| lines[0].contains(&format!("t{n}"))),
            "{lines:?}"
        );
        assert!(lines[1].contains("tenants other; of other: no answer for other"));
    }
}
