//! Details of one tenant: its scans, its quota and its token.

use super::lines::StatusLines;
use crate::api::{QuotaView, TenantView};
use crate::cli::table::{time, time_of};

pub(super) fn tenant_text(lines: &mut StatusLines, tenant: &TenantView) {
    lines.head(&format!("tenant {}", tenant.name));
    lines.say("mode", &tenant.mode);
    let scans: Vec<_> = tenant
        .scans
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let since = |since: &Option<String>| {
        since.as_ref().map_or_else(String::new, |since| {
            format!(", the oldest since {} UTC", time(since))
        })
    };
    lines.say(
        "scans",
        if scans.is_empty() {
            "none yet".to_owned()
        } else {
            scans.join(", ")
        }
        .as_str(),
    );
    if tenant.waiting_since.is_some() {
        lines.say(
            "waiting",
            since(&tenant.waiting_since).trim_start_matches(", "),
        );
    }
    if tenant.held > 0 {
        lines.say(
            "held",
            &format!("{} for a person{}", tenant.held, since(&tenant.held_since)),
        );
    }
    if tenant.resolving > 0 {
        lines.say(
            "resolving",
            &format!("{} for Defender's directory", tenant.resolving),
        );
    }
    tenant
        .quota
        .iter()
        .for_each(|(api, used)| quota_text(lines, api, used));
    let lane = &tenant.lane;
    if let Some(credential) = &lane.credential {
        lines.say("proof", &credential.sentence());
    }
    match &lane.audience {
        Some(audience) => {
            let (expires, id) = (
                time_of(lane.token_expires_at.as_ref()),
                lane.tenant_id.as_deref().unwrap_or("unknown"),
            );
            let roles = lane.roles.join(", ");
            lines.say(
                "token",
                &format!("for {audience}, tenant {id}, with {roles}, until {expires} UTC"),
            );
        }
        None => lines.say("token", "none yet"),
    }
}

/// Scan calls, and of the other APIs those whose quota is half spent or used by others: `-o json` has them all.
fn quota_text(lines: &mut StatusLines, api: &str, used: &QuotaView) {
    let others = used.used_by_others_per_minute > 0 || used.used_by_others_per_hour > 0;
    let half =
        used.minute * 2 >= used.effective_per_minute || used.hour * 2 >= used.effective_per_hour;
    if api != "scan" && !others && !half {
        return;
    }
    let (minute, hour) = (
        format!("{}/{}", used.minute, used.per_minute),
        format!("{}/{}", used.hour, used.per_hour),
    );
    lines.say(
        "quota",
        &format!("{api}: {minute} in the last minute, {hour} in the last hour"),
    );
    if others {
        let others = format!(
            "{} a minute, {} an hour",
            used.used_by_others_per_minute, used.used_by_others_per_hour
        );
        let left = format!(
            "{} and {}",
            used.effective_per_minute, used.effective_per_hour
        );
        lines.say(
            "others",
            &format!("{api}: others use {others} of it, so {left} are left for now"),
        );
    }
}
