//! Who cannot be reached: told once when it begins and once when it is over, and shown for as long as it lasts.

use crate::defender::Answer;
use crate::journal::Api;
use scanhook_core::obstacles::FarSide;
use scanhook_core::time::Timestamp;

/// Far sides that do not answer.
#[derive(Default)]
pub(super) struct Reach {
    pub(super) entra: Option<Silent>,
    pub(super) defender: Option<Silent>,
}

/// Since when, and what came instead of an answer.
pub(super) struct Silent {
    pub(super) since: Timestamp,
    pub(super) code: String,
}

impl Reach {
    pub(super) fn of(&mut self, side: FarSide) -> &mut Option<Silent> {
        match side {
            FarSide::Entra => &mut self.entra,
            FarSide::Defender => &mut self.defender,
        }
    }

    /// Whether this side cannot be reached.
    pub(super) fn is_silent(&self, side: FarSide) -> bool {
        match side {
            FarSide::Entra => self.entra.is_some(),
            FarSide::Defender => self.defender.is_some(),
        }
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        for silent in [&mut self.entra, &mut self.defender].into_iter().flatten() {
            silent.since = silent.since.moved(by);
        }
    }
}

/// What an answer says of the way to the far side: `Some(None)`: it is there; `None`: nothing.
pub(super) fn heard(api: Api, answer: &Answer) -> Option<Option<String>> {
    match answer {
        Answer::NotSent(code) => Some(Some(code.clone())),
        // Look-ups and reads of single actions have ways of their own to be slow, and rest alone.
        Answer::Unknown(_) if !matches!(api, Api::Token | Api::Scan | Api::Cancel | Api::List) => {
            None
        }
        // What cannot be read is an answer all the same.
        Answer::Unknown(code) => matches!(
            code.as_str(),
            "timeout" | "connection-lost" | "answer-cut-off"
        )
        .then(|| Some(code.clone())),
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
                (true, _) => Some(Some(format!("http-{}", status.as_u16()))),
                (false, true) => None,
                (false, false) => Some(None),
            }
        }
    }
}
