#![allow(clippy::too_many_lines, reason = "a table of every sentence")]

use super::*;
use crate::obstacles::TlsFault;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_default()
}

fn ten() -> Timestamp {
    at("2026-11-02T10:00:00Z")
}

fn eleven() -> Timestamp {
    at("2026-11-02T11:00:00Z")
}

fn outage(side: FarSide, code: &str) -> Outage {
    Outage {
        side,
        address: "https://far.example".to_owned(),
        code: code.to_owned(),
        tls: None,
        proxy: None,
        since: ten(),
        again: Some(eleven()),
    }
}

fn spent(kept: bool) -> Spent {
    Spent {
        used: (20, 90),
        of: (20, 300),
        until: eleven(),
        kept,
    }
}

fn pause() -> Pause {
    Pause {
        scope: "device `dc-*` is".to_owned(),
        resume: "scanhook resume --device 'dc-*'".to_owned(),
        by: "anna".to_owned(),
        since: ten(),
        until: Some(eleven()),
        reason: Some("change freeze".to_owned()),
    }
}

/// Every thing that can be waited for, with the whole sentence: who or what, the number or the time, and what to do.
fn told() -> Vec<(Wait, Cause, &'static str)> {
    vec![
        (
            Wait::NotConfigured("berlin".to_owned()),
            Cause::NotConfigured,
            "scanhook.toml names no tenant `berlin` any more: name it again, and its work goes on",
        ),
        (
            Wait::DryRun,
            Cause::DryRun,
            "the process or the tenant is in dry run, so nothing is sent: take `--dry-run` or `mode = \"dry_run\"` away",
        ),
        (
            Wait::Paused(pause()),
            Cause::Paused,
            "device `dc-*` is paused by anna since 2026-11-02 10:00:00 UTC until 2026-11-02 11:00:00 UTC (change freeze): \
             `scanhook resume --device 'dc-*'` ends it",
        ),
        (
            Wait::Stopped("Entra refuses a token (AADSTS7000215): the secret is wrong".to_owned()),
            Cause::Stopped,
            "the tenant is stopped: Entra refuses a token (AADSTS7000215): the secret is wrong",
        ),
        (
            Wait::Unreachable(outage(FarSide::Entra, "dns")),
            Cause::EntraUnreachable,
            "Entra ID at https://far.example cannot be reached since 2026-11-02 10:00:00 UTC: its name cannot be resolved \
             (`dns`); tried again at 2026-11-02 11:00:00 UTC; check the name resolution (DNS) of this computer; where only a proxy gets out, name it in [network]",
        ),
        (
            Wait::Unreachable(outage(FarSide::Defender, "refused")),
            Cause::DefenderUnreachable,
            "Defender at https://far.example cannot be reached since 2026-11-02 10:00:00 UTC: no connection can be made \
             (`refused`); tried again at 2026-11-02 11:00:00 UTC; check the network of this computer: routing, firewall, proxy",
        ),
        (
            Wait::Throttled(eleven()),
            Cause::Throttled,
            "Defender asked to wait until 2026-11-02 11:00:00 UTC (429); nothing to do",
        ),
        (
            Wait::BackingOff(eleven()),
            Cause::BackingOff,
            "the last calls failed; the next is made at 2026-11-02 11:00:00 UTC; nothing to do",
        ),
        (
            Wait::NoToken(Some(eleven()), None),
            Cause::NoToken,
            "there is no token of Entra ID: one is asked for at 2026-11-02 11:00:00 UTC; nothing to do",
        ),
        (
            Wait::NoToken(None, None),
            Cause::NoToken,
            "there is no token of Entra ID: one is being asked for; nothing to do",
        ),
        (
            Wait::DiskFull,
            Cause::DiskFull,
            "the disk of the journal is full: make room, and it is sent",
        ),
        (
            Wait::Window(
                vec!["evening".to_owned(), "nights".to_owned()],
                Some(eleven()),
            ),
            Cause::Window,
            "window `evening` or `nights` is closed until 2026-11-02 11:00:00 UTC: to send it before that, `scanhook cancel` \
             it, then `scanhook retry --now`",
        ),
        (
            Wait::Window(vec!["nights".to_owned()], None),
            Cause::Window,
            "window `nights` is not in the rules in force: put it back, or cancel the scan",
        ),
        (
            Wait::Behind("01a1".to_owned(), Kind::Quick),
            Cause::Behind,
            "the quick scan 01a1 of this machine must end first: `scanhook scans 01a1` shows it, `scanhook cancel 01a1` calls \
             it off",
        ),
        (
            Wait::Foreign("5be1".to_owned(), eleven()),
            Cause::Foreign,
            "somebody else's scan of this machine (machine action 5be1) must end first; looked at again at 2026-11-02 11:00:00 \
             UTC; nothing to do",
        ),
        (
            Wait::Busy(3, eleven()),
            Cause::Busy,
            "Defender says that the machine is busy with another scan; called 3 times, next at 2026-11-02 11:00:00 UTC; \
             nothing to do",
        ),
        (
            Wait::Forbidden(2, eleven()),
            Cause::Forbidden,
            "Defender forbids a scan of this machine; tried 2 of 6 times, next at 2026-11-02 11:00:00 UTC; check the device \
             groups that the app may act on",
        ),
        (
            Wait::Unanswered(ten(), eleven()),
            Cause::Unanswered,
            "it was sent at 2026-11-02 10:00:00 UTC, and the answer was lost; the list of machine actions is read at 2026-11-02 \
             11:00:00 UTC to see whether it has begun; nothing to do",
        ),
        (
            Wait::Sending(ten()),
            Cause::Sending,
            "its call left at 2026-11-02 10:00:00 UTC, and the answer is awaited; nothing to do",
        ),
        (
            Wait::Quota(spent(true)),
            Cause::KeptForUrgent,
            "the rest of the quota is kept for urgent scans (20 of 20 in the last minute, 90 of 300 in the last hour); the next \
             may leave at 2026-11-02 11:00:00 UTC; nothing to do",
        ),
        (
            Wait::Quota(spent(false)),
            Cause::Quota,
            "the quota of scan calls is spent (20 of 20 in the last minute, 90 of 300 in the last hour); the next may leave at \
             2026-11-02 11:00:00 UTC; `[tenants.x] quota` is our share",
        ),
        (
            Wait::Turn(Priority::URGENT),
            Cause::Turn,
            "it is sent in its turn, by priority (90) and age; nothing to do",
        ),
        (
            Wait::LookUp(Some(ten()), eleven()),
            Cause::LookUp,
            "Defender's directory was asked at 2026-11-02 10:00:00 UTC and has not answered yet; decided without it from \
             2026-11-02 11:00:00 UTC on; nothing to do",
        ),
        (
            Wait::LookUp(None, eleven()),
            Cause::LookUp,
            "Defender's directory has not been asked yet; decided without it from 2026-11-02 11:00:00 UTC on; nothing to do",
        ),
    ]
}

#[test]
fn every_wait_says_who_or_what_when_and_what_to_do() {
    let told = told();
    for (wait, cause, sentence) in &told {
        assert_eq!(
            (wait.cause(), wait.sentence().as_str()),
            (*cause, *sentence)
        );
    }
    for cause in Cause::ALL {
        assert!(
            told.iter().any(|(_, told, _)| told == cause),
            "{cause} is told nowhere"
        );
    }
}

#[test]
fn an_outage_names_the_proxy_and_what_is_wrong_with_a_certificate() {
    for fault in TlsFault::ALL {
        let outage = Outage {
            tls: Some(*fault),
            proxy: Some("http://proxy.example:3128".to_owned()),
            ..outage(FarSide::Entra, "tls")
        };
        let (sentence, (what, helps)) = (outage.sentence(), fault.words());
        for part in [
            "cannot be reached through the proxy http://proxy.example:3128 since",
            what,
            "(`tls`)",
            helps,
        ] {
            assert!(sentence.contains(part), "{sentence}");
        }
    }
    assert!(
        TlsFault::UnknownIssuer
            .words()
            .1
            .contains("`ca_file` of [network]")
    );
}

#[test]
fn each_way_to_fail_is_told_with_what_to_look_at() {
    for (code, what, helps) in [
        ("dns", "its name cannot be resolved", "DNS"),
        ("refused", "no connection can be made", "firewall"),
        ("timeout", "does not answer in time", "firewall"),
        ("tls", "the TLS handshake fails", "certificate"),
        ("connection-lost", "the connection breaks off", "firewall"),
        ("proxy-auth", "wants other credentials", "`password_file`"),
        (
            "proxy-refused",
            "the proxy makes no connection",
            "lets this computer",
        ),
        ("proxy-dns", "the proxy's name", "`url`"),
        (
            "proxy-silent",
            "no connection came about",
            "reaches that host",
        ),
        ("proxy-tls", "handshake with the proxy", "`ca_file`"),
        (
            "http-503",
            "it answers that it cannot serve",
            "Microsoft's service health",
        ),
    ] {
        let sentence = outage(FarSide::Entra, code).sentence();
        assert!(
            sentence.contains(what) && sentence.contains(helps),
            "{code}: {sentence}"
        );
    }
}

fn kept(own: Option<Wait>) -> ScanStanding {
    ScanStanding {
        dry: false,
        pause: None,
        own,
        priority: Priority::of_severity(None),
    }
}

fn causes(kept: ScanStanding, obstacles: &Obstacles) -> Vec<Cause> {
    Wait::of(kept, obstacles).iter().map(Wait::cause).collect()
}

#[test]
fn all_that_is_in_the_way_is_told_and_what_people_can_change_first() {
    let window = || Some(Wait::Window(vec!["nights".to_owned()], Some(eleven())));
    let free = Obstacles::default();
    let silent = |side| Obstacles {
        outages: vec![outage(side, "dns")],
        ..Obstacles::default()
    };
    assert_eq!(causes(kept(None), &free), [Cause::Turn]);
    assert_eq!(causes(kept(window()), &free), [Cause::Window]);
    let all = Obstacles {
        dry_run: true,
        disk_full: true,
        spent: Some(spent(false)),
        ..silent(FarSide::Defender)
    };
    let paused = ScanStanding {
        pause: Some(pause()),
        ..kept(window())
    };
    let told = [
        Cause::DryRun,
        Cause::Paused,
        Cause::Window,
        Cause::DefenderUnreachable,
        Cause::DiskFull,
    ];
    assert_eq!(causes(paused.clone(), &all), told);
    assert_eq!(
        causes(
            ScanStanding {
                dry: true,
                ..paused
            },
            &all
        ),
        [Cause::Window],
        "what is never sent is kept by nothing else"
    );

    let stopped = Obstacles {
        stopped: Some("no role".to_owned()),
        no_token: true,
        ..silent(FarSide::Entra)
    };
    assert_eq!(
        causes(kept(None), &stopped),
        [Cause::Stopped],
        "that there is no token says nothing more"
    );
    let no_token = Obstacles {
        no_token: true,
        ..Obstacles::default()
    };
    assert_eq!(causes(kept(None), &no_token), [Cause::NoToken]);
    let entra = Obstacles {
        no_token: true,
        ..silent(FarSide::Entra)
    };
    assert_eq!(causes(kept(None), &entra), [Cause::EntraUnreachable]);
    assert_eq!(
        causes(kept(None), &silent(FarSide::Entra)),
        [Cause::Turn],
        "the token at hand is still good"
    );
    let resting = Obstacles {
        resting_until: Some(eleven()),
        ..Obstacles::default()
    };
    assert_eq!(causes(kept(None), &resting), [Cause::BackingOff]);
    let throttled = Obstacles {
        throttled_until: Some(eleven()),
        ..resting
    };
    assert_eq!(causes(kept(None), &throttled), [Cause::Throttled]);
    let sending = kept(Some(Wait::Sending(ten())));
    assert_eq!(causes(sending, &free), [Cause::Sending]);
}

#[test]
fn what_is_kept_for_urgent_scans_keeps_no_urgent_one() {
    let full = |kept| Obstacles {
        spent: Some(spent(kept)),
        ..Obstacles::default()
    };
    let urgent = || ScanStanding {
        priority: Priority::URGENT,
        ..kept(None)
    };
    assert_eq!(causes(kept(None), &full(true)), [Cause::KeptForUrgent]);
    assert_eq!(causes(urgent(), &full(true)), [Cause::Turn]);
    assert_eq!(causes(urgent(), &full(false)), [Cause::Quota]);
}
