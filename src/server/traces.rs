//! What operators learn of requests that came no further than the door: which source was meant, what came, how often.
//! Strangers write here, so everything is bounded: what is kept, what is shown of their text, and how often it is logged.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::handshake::HandshakeFault;
use super::refusal::HttpError;
use super::webhook::Answered;
use crate::api::DoorView;
use scanhook_core::time::Timestamp;

/// Kinds of refusals that are kept for each source, and for what belongs to none.
const KEPT: usize = 20;
/// The names of no source that are shown are shorter than the shortest secret in hex: one may stand in the wrong place.
const LONGEST_NAME: usize = 31;
/// Between two log lines of one kind, in milliseconds.
const QUIET: i64 = 60_000;
/// Addresses that are told to be untrusted proxies: from anywhere, and of a network of our own.
const FOREIGN_PROXIES: usize = 8;
const OWN_PROXIES: usize = 32;

/// A request that was refused at the door.
#[derive(Clone, Copy)]
struct RefusedTrace<'r> {
    /// The configured source; `None`: the path belongs to none.
    source: Option<&'r str>,
    /// What stands in the path in the place of a source's name, where no source has it.
    asked: Option<&'r str>,
    address: IpAddr,
    status: u16,
    code: &'static str,
    detail: &'r str,
}

/// All traces since the start.
#[derive(Default)]
pub struct Traces(Mutex<Trace>);

#[derive(Default)]
struct Trace {
    /// By source, the newest first; the empty name is no source.
    refused: BTreeMap<String, Vec<DoorView>>,
    logged: BTreeMap<(String, &'static str), LastTold>,
    untrusted: BTreeSet<IpAddr>,
    warnings: Vec<String>,
}

struct LastTold {
    at: Timestamp,
    /// Since then, without a line.
    unlogged: u64,
}

impl Traces {
    fn kept(&self) -> MutexGuard<'_, Trace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at an answer of the public listener: what was refused before anybody asked who sent it is kept.
    pub fn answered(&self, answered: &Answered<'_>, now: Timestamp) {
        let &Answered {
            source,
            asked,
            peer,
            status,
            refusal,
            ..
        } = answered;
        let Some(peer) = peer.filter(|_| source.is_some() || asked.is_some()) else {
            return;
        };
        if peer.unheard {
            self.untrusted_proxy(peer.socket.ip());
        }
        let Some(refusal) = refusal.filter(|refusal| is_at_the_door(refusal)) else {
            return;
        };
        let (address, status, code, detail) = (
            peer.address,
            status.as_u16(),
            refusal.code(),
            &refusal.detail(),
        );
        self.refused(
            RefusedTrace {
                source,
                asked,
                address,
                status,
                code,
                detail,
            },
            now,
        );
    }

    /// Keeps one, and writes a line about it unless one of its kind was written within the last minute.
    fn refused(&self, refused: RefusedTrace<'_>, now: Timestamp) {
        let name = refused.asked.map(shown);
        let Some(unlogged) = self.kept().note(refused, name.as_deref(), now) else {
            return;
        };
        let RefusedTrace {
            source,
            address,
            status,
            code,
            detail,
            ..
        } = refused;
        let (source, asked) = (source.unwrap_or_default(), name.unwrap_or_default());
        tracing::warn!(source, asked, peer = %address, status, code, detail, unlogged, "a request was refused");
    }

    /// A connection came to no handshake. It is told as what belongs to no source.
    pub fn handshake(&self, address: IpAddr, fault: HandshakeFault, now: Timestamp) {
        let ((status, code), detail) = (fault.code(), fault.detail());
        let refused = RefusedTrace {
            source: None,
            asked: None,
            address,
            status,
            code,
            detail,
        };
        let Some(unlogged) = self.kept().note(refused, None, now) else {
            return;
        };
        tracing::warn!(peer = %address, code, detail, unlogged, "a TLS connection was refused");
    }

    /// A request says for whom it was forwarded, and comes from no trusted proxy.
    fn untrusted_proxy(&self, address: IpAddr) {
        let own = is_own(address);
        let mut kept = self.kept();
        let room = if own { OWN_PROXIES } else { FOREIGN_PROXIES };
        if kept.untrusted.contains(&address) || kept.untrusted.len() >= room {
            return;
        }
        kept.untrusted.insert(address);
        drop(kept);
        tracing::warn!(peer = %address, "X-Forwarded-For or Forwarded comes from an address that is not in trusted_proxies");
    }

    /// Something the operator should know as long as this process runs.
    pub fn warn(&self, warning: String) {
        tracing::warn!("{warning}");
        self.kept().warnings.push(warning);
    }

    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let kept = self.kept();
        let untrusted = kept.untrusted.iter().map(|address| {
            format!(
                "requests from {address} carry X-Forwarded-For or Forwarded, but it is not in `[server] trusted_proxies`: \
                 if it is your proxy, all senders behind it count as one address"
            )
        });
        kept.warnings.iter().cloned().chain(untrusted).collect()
    }

    /// What was refused of a source, the newest first; `None`: of what belongs to none.
    #[must_use]
    pub fn of(&self, source: Option<&str>) -> Vec<DoorView> {
        self.kept()
            .refused
            .get(source.unwrap_or_default())
            .cloned()
            .unwrap_or_default()
    }
}

impl Trace {
    /// How many of its kind were not logged since the last line, if it is time for one.
    fn note(
        &mut self,
        refused: RefusedTrace<'_>,
        name: Option<&str>,
        now: Timestamp,
    ) -> Option<u64> {
        let source = refused.source.unwrap_or_default();
        let kept = self.refused.entry(source.to_owned()).or_default();
        let same = |view: &DoorView| {
            view.code == refused.code
                && view.detail == refused.detail
                && view.name.as_deref() == name
        };
        let mut view = match kept.iter().position(same) {
            Some(at) => kept.remove(at),
            None => DoorView {
                code: refused.code.to_owned(),
                status: refused.status,
                name: name.map(str::to_owned),
                detail: refused.detail.to_owned(),
                first_at: now.to_string(),
                ..DoorView::default()
            },
        };
        view.count += 1;
        view.last_at = now.to_string();
        view.address = refused.address.to_string();
        kept.insert(0, view);
        kept.truncate(KEPT);

        let kind = (source.to_owned(), refused.code);
        let Some(logged) = self.logged.get_mut(&kind) else {
            self.logged.insert(
                kind,
                LastTold {
                    at: now,
                    unlogged: 0,
                },
            );
            return Some(0);
        };
        // A clock that was set back must not silence the log.
        if (0..QUIET).contains(&now.millis().saturating_sub(logged.at.millis())) {
            logged.unlogged += 1;
            return None;
        }
        logged.at = now;
        Some(core::mem::take(&mut logged.unlogged))
    }
}

/// The name in a path as it may be shown: a source could have it, and it cannot be a secret in the wrong place.
fn shown(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain);
    if fits {
        name.to_owned()
    } else {
        "(not the name of a source)".to_owned()
    }
}

/// Whether it is refused before the credential is judged. What is refused after that is told by the reception.
const fn is_at_the_door(refusal: &HttpError) -> bool {
    matches!(
        refusal,
        HttpError::NotFound
            | HttpError::UnknownSource
            | HttpError::Method(_)
            | HttpError::MediaType(_)
            | HttpError::ContentEncoding(_)
            | HttpError::BodyTooLarge(_)
            | HttpError::BodyTimeout
            | HttpError::BodyUnreadable
            | HttpError::FailureBudget(_)
            | HttpError::Overloaded
    )
}

/// Of this computer, or of a private network: where one's own proxies are.
fn is_own(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn unknown(name: &str) -> RefusedTrace<'_> {
        let address = IpAddr::from([192, 0, 2, 1]);
        RefusedTrace {
            source: None,
            asked: Some(name),
            address,
            status: 404,
            code: "unknown-source",
            detail: "d",
        }
    }

    #[test]
    fn strangers_fill_no_more_than_their_room_and_show_no_text_that_is_no_name() {
        let traces = Traces::default();
        for n in 0..1000 {
            traces.refused(unknown(&format!("name-{n}")), at(n));
        }
        for name in [
            "a\u{1b}[31m",
            "%2e%2e",
            "",
            &"a".repeat(32),
            "5e884898da28047151d0e56f8dc62927",
        ] {
            traces.refused(unknown(name), at(2000));
        }
        let of = traces.of(None);
        assert_eq!(
            (of.len(), of[0].name.as_deref(), of[0].count),
            (KEPT, Some("(not the name of a source)"), 5)
        );
        assert_eq!(of[1].name.as_deref(), Some("name-999"));
        let logged = traces.kept().logged.len();
        assert_eq!((logged, traces.of(Some("siem")).len()), (1, 0));
    }

    #[test]
    fn a_kind_is_logged_once_a_minute_with_the_number_of_those_in_between() {
        let mut kept = Trace::default();
        let mut note = |seconds| kept.note(unknown("x"), Some("x"), at(seconds));
        assert_eq!(
            [note(0), note(1), note(59), note(60), note(61)],
            [Some(0), None, None, Some(2), None]
        );
        assert_eq!(note(-10), Some(1), "the clock was set back");
        let other = RefusedTrace {
            source: Some("siem"),
            code: "media-type",
            ..unknown("")
        };
        assert_eq!(kept.note(other, None, at(0)), Some(0));
    }

    #[test]
    fn addresses_of_strangers_leave_room_for_the_own_proxy() {
        let traces = Traces::default();
        for n in 0..100 {
            traces.untrusted_proxy(IpAddr::from([203, 0, 113, n]));
        }
        traces.untrusted_proxy(IpAddr::from([127, 0, 0, 1]));
        traces.untrusted_proxy(IpAddr::from([127, 0, 0, 1]));
        let warnings = traces.warnings();
        assert_eq!(warnings.len(), FOREIGN_PROXIES + 1);
        assert!(
            warnings[0].contains("requests from 127.0.0.1 carry"),
            "{warnings:?}"
        );
    }
}
