//! Watches from outside that a 429 is obeyed: no call before its time, then one alone until one is let through.

use std::collections::BTreeMap;

use core::time::Duration;

use scanhook::defender::Answer;
use scanhook::journal::CallId;
use scanhook::worker::{Call, OutgoingCall};
use scanhook_core::time::Timestamp;

/// What an answer says of the throttle.
pub enum Seen {
    Refused(Duration),
    LetThrough,
    Nothing,
}

impl Seen {
    pub fn of(answer: &Answer) -> Seen {
        let Answer::Http(response) = answer else {
            return Seen::Nothing;
        };
        match response.status().as_u16() {
            429 => {
                let after = response
                    .headers()
                    .get("retry-after")
                    .and_then(|value| value.to_str().ok()?.parse().ok());
                Seen::Refused(Duration::from_secs(after.unwrap_or(60)))
            }
            status if status < 500 => Seen::LetThrough,
            _ => Seen::Nothing,
        }
    }
}

#[derive(Default)]
pub struct Watch {
    until: Timestamp,
    /// No call was let through since then.
    probing: bool,
    under_way: BTreeMap<CallId, Timestamp>,
    /// How often each pause was followed by a probe.
    pub probes: u32,
}

impl Watch {
    pub fn leaves(&mut self, outgoing: &OutgoingCall, now: Timestamp) {
        if matches!(outgoing.call, Call::Token(_)) {
            return;
        }
        assert!(
            now >= self.until,
            "a call inside the pause after a 429, which ends at {}",
            self.until
        );
        if self.probing {
            assert!(
                self.under_way.is_empty(),
                "a second call before the first one after a 429 was let through"
            );
            self.probes += 1;
        }
        self.under_way.insert(outgoing.id, now);
    }

    pub fn answered(&mut self, id: CallId, seen: &Seen, now: Timestamp) {
        let Some(left) = self.under_way.remove(&id) else {
            return;
        };
        match seen {
            Seen::Refused(span) => {
                self.until = self.until.max(now.plus(*span));
                self.probing = true;
            }
            Seen::LetThrough => self.probing &= left < self.until,
            Seen::Nothing => {}
        }
    }

    /// This answer may or may not have been written down before the process died.
    pub fn perhaps_answered(&mut self, seen: &Seen) {
        self.probing &= !matches!(seen, Seen::LetThrough);
    }

    /// Whoever waited for answers is gone.
    pub fn forgets(&mut self) {
        self.under_way.clear();
    }
}
