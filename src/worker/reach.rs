//! Who cannot be reached: told once when it begins and once when it is over, and shown for as long as it lasts.

use std::collections::BTreeMap;

use crate::defender::{Answer, LATE, Unsent};
use crate::journal::Api;
use scanhook_core::obstacles::FarSide;
use scanhook_core::time::Timestamp;

/// What is known of the way to the far sides.
#[derive(Default)]
pub(super) struct Reach {
    pub(super) entra: SideReach,
    pub(super) defender: SideReach,
}

/// What is known of the way to one of them.
#[derive(Default)]
pub(super) struct SideReach {
    /// It has answered since the lane was loaded.
    answered: bool,
    pub(super) silent: Option<Silent>,
}

/// Since when it does not answer, and what came instead.
pub(super) struct Silent {
    pub(super) since: Timestamp,
    pub(super) code: String,
    /// Of a call that did not leave.
    pub(super) unsent: Option<Unsent>,
}

/// What came instead of an answer.
pub(super) struct NoReply {
    pub(super) code: String,
    pub(super) unsent: Option<Unsent>,
}

/// What has changed.
pub(super) enum ReachChange {
    /// It is the first that cannot be reached.
    Began,
    /// It was silent since then, and nobody is any more.
    Ended(Timestamp),
}

impl Reach {
    /// The side that this API belongs to.
    pub(super) fn side(api: Api) -> FarSide {
        if api == Api::Token {
            FarSide::Entra
        } else {
            FarSide::Defender
        }
    }

    /// Takes what came of a call. One change is told when the first side falls silent, and one when the last is back.
    pub(super) fn heard(
        &mut self,
        side: FarSide,
        nothing: Option<NoReply>,
        now: Timestamp,
    ) -> Option<ReachChange> {
        let all_well = !self.is_any_silent();
        let of = match side {
            FarSide::Entra => &mut self.entra,
            FarSide::Defender => &mut self.defender,
        };
        match nothing {
            Some(NoReply { code, unsent }) => {
                let since = of.silent.as_ref().map_or(now, |silent| silent.since);
                of.silent = Some(Silent {
                    since,
                    code,
                    unsent,
                });
                all_well.then_some(ReachChange::Began)
            }
            None => {
                of.answered = true;
                let was = of.silent.take()?;
                (!self.is_any_silent()).then_some(ReachChange::Ended(was.since))
            }
        }
    }

    /// Whether this side cannot be reached.
    pub(super) fn is_silent(&self, side: FarSide) -> bool {
        match side {
            FarSide::Entra => self.entra.silent.is_some(),
            FarSide::Defender => self.defender.silent.is_some(),
        }
    }

    pub(super) fn is_any_silent(&self) -> bool {
        FarSide::ALL.iter().any(|side| self.is_silent(*side))
    }

    /// By operation, whether it can be reached. Of Defender nothing is said before it was asked for the first time, unless
    /// Entra ID is out of reach as well.
    pub(super) fn up(&self) -> BTreeMap<String, bool> {
        let up = |side: &SideReach| side.answered && side.silent.is_none();
        let defender = self.defender.answered || self.is_any_silent();
        let apis = Api::ALL
            .iter()
            .filter(|api| **api == Api::Token || (defender && **api != Api::Alert));
        apis.map(|api| {
            let side = match Reach::side(*api) {
                FarSide::Entra => &self.entra,
                FarSide::Defender => &self.defender,
            };
            (api.code().to_owned(), up(side))
        })
        .collect()
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        for side in [&mut self.entra, &mut self.defender] {
            if let Some(silent) = &mut side.silent {
                silent.since = silent.since.moved(by);
            }
        }
    }
}

/// What an answer says of the way to the far side: `Some(None)`: it is there; `None`: nothing.
pub(super) fn heard(api: Api, answer: &Answer) -> Option<Option<NoReply>> {
    let nothing = |code: String| Some(Some(NoReply { code, unsent: None }));
    match answer {
        // Nobody was tried.
        Answer::NotSent(unsent) if unsent.code == LATE => None,
        Answer::NotSent(unsent) => Some(Some(NoReply {
            code: unsent.code.to_owned(),
            unsent: Some(unsent.clone()),
        })),
        // Look-ups and reads of single actions have ways of their own to be slow, and rest alone.
        Answer::Unknown(_) if !matches!(api, Api::Token | Api::Scan | Api::Cancel | Api::List) => {
            None
        }
        // What cannot be read is an answer all the same.
        Answer::Unknown(code) => {
            let lost = matches!(
                code.as_str(),
                "timeout" | "connection-lost" | "answer-cut-off"
            );
            if lost { nothing(code.clone()) } else { None }
        }
        Answer::Http(response) => {
            let status = response.status();
            // A gateway that stands before it answers so; any other error of the server is an answer of Defender.
            let gateway =
                matches!(status.as_u16(), 502..=504) && matches!(api, Api::Scan | Api::Cancel);
            let silent = if api == Api::Token {
                status.is_server_error()
            } else {
                gateway
            };
            match (silent, status.is_server_error()) {
                (true, _) => nothing(format!("http-{}", status.as_u16())),
                (false, true) => None,
                (false, false) => Some(None),
            }
        }
    }
}
