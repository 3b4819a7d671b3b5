//! Why an order of an operator is not carried out. Unlike a sender, who is told a fixed sentence, an operator also
//! reads which key, or which decision or scan, is meant.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::api::refusals::{Code, row};
use crate::api::{ItemView, ReloadView};
use crate::journal::Done;

/// What is wrong with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// A page of another origin sent it.
    ForeignOrigin,
    /// It was sent to a name that is not this listener's.
    ForeignHost,
    /// A key that means nothing there.
    UnknownKey(String),
    /// A key with a value it cannot have, and what it takes.
    BadValue(&'static str, &'static str),
    /// A key of a query that the list does not have, and those that it has.
    UnknownParameter { key: String, takes: String },
    /// A value that a key does not take, and those that it takes.
    BadParameter { key: &'static str, takes: String },
    /// No receiver of that name is configured.
    UnknownReceiver,
    /// The events that are asked for are forgotten; those from this one on are there.
    EventsGone(i64),
    /// As many programs follow the events as may.
    TooManyListeners,
    /// It names nothing, or names ids and selects as well.
    NothingSelected,
    /// It cannot be carried out on this one.
    NotDone(Done, Box<ItemView>),
    /// It means something else than whoever gives it expects: what it means now.
    ChangedSince(Meant),
    /// A file has faults, so that the old stays in force.
    NotReloaded(Box<ReloadView>),
}

/// What an order means now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    pub machines: usize,
    pub decisions: usize,
    pub digest: String,
}

const FOREIGN_ORIGIN: Code = row(
    StatusCode::FORBIDDEN,
    "foreign-origin",
    "A page of another origin sent this, or a browser that does not say which; it is not taken.",
    "Call the admin listener from a program or from its own pages, not from those of others.",
);
const FOREIGN_HOST: Code = row(
    StatusCode::FORBIDDEN,
    "foreign-host",
    "The request is for a name that is not this listener's.",
    "Use localhost or the loopback address itself, also through a tunnel.",
);
const UNKNOWN_KEY: Code = row(
    StatusCode::BAD_REQUEST,
    "unknown-key",
    "The body has a key that has no meaning here; `key` names it.",
    "Compare with docs/control.md: the keys are the long flags of the verb.",
);
const UNKNOWN_PARAMETER: Code = row(
    StatusCode::BAD_REQUEST,
    "unknown-parameter",
    "The query has a parameter that has no meaning here; `key` names it.",
    "Take one of those that `takes` names; they are the long flags of the verb.",
);
const BAD_VALUE: Code = row(
    StatusCode::BAD_REQUEST,
    "bad-value",
    "A key has a value it cannot have; `key` names it, `takes` says what it takes.",
    "Correct the value.",
);
const NOTHING_SELECTED: Code = row(
    StatusCode::BAD_REQUEST,
    "nothing-selected",
    "The order names neither ids nor a selection, or both.",
    "Give `ids`, or at least one of `group`, `rule`, `tenant`, `device`, `since`, `held`, `state`.",
);
const CHANGED_SINCE: Code = row(
    StatusCode::CONFLICT,
    "changed-since",
    "The order means something else than `expect` says; nothing was changed.",
    "Look at the preview again; `machines`, `decisions` and `digest` say what it means now.",
);
const UNKNOWN_RECEIVER: Code = row(
    StatusCode::NOT_FOUND,
    "unknown-receiver",
    "No receiver of this name is configured.",
    "The names are those of `[receivers.x]` in scanhook.toml; `scanhook status` lists them.",
);
const EVENTS_GONE: Code = row(
    StatusCode::GONE,
    "events-gone",
    "Events after this number are forgotten; `oldest` is the first that is kept.",
    "Read what there is without `after`, and look in the lists for what was missed.",
);
const TOO_MANY_LISTENERS: Code = row(
    StatusCode::SERVICE_UNAVAILABLE,
    "too-many-listeners",
    "As many programs follow the events as may: 32 in all, 4 with the same grant.",
    "End one of those that follow, give this program a token of its own, or read the events page by page.",
);
const UNKNOWN_ID: Code = row(
    StatusCode::NOT_FOUND,
    "unknown-id",
    "Nothing of the kind has this id.",
    "Ids stand in the lists of decisions, scans and alerts.",
);
const AMBIGUOUS_ID: Code = row(
    StatusCode::CONFLICT,
    "ambiguous-id",
    "Several things have an id that begins so; `candidates` in `item` names some of them.",
    "Write more of the id, or all of it.",
);
const NOT_HELD: Code = row(
    StatusCode::CONFLICT,
    "not-held",
    "The decision is not held, so there is nothing to approve or to deny.",
    "Look at its state and reason in `item`; one that was dropped is held again by a retry.",
);
const SECOND_PERSON_NEEDED: Code = row(
    StatusCode::CONFLICT,
    "second-person-needed",
    "Two people have to approve this, and whoever sent it has or may have approved it before; `given` names who has.",
    "Let somebody else approve it who comes in by a credential of their own; a program that acts for others is never the second. \
     One denial is enough.",
);
const MACHINE_NEEDED: Code = row(
    StatusCode::CONFLICT,
    "machine-needed",
    "The alert does not say which machine this is, and none is guessed.",
    "Look the device up and name its machine id; those the directory found stand in `item` as `candidates`.",
);
const MACHINE_KNOWN: Code = row(
    StatusCode::CONFLICT,
    "machine-known",
    "It is known which machine this is, and the order names another.",
    "Leave the machine out.",
);
const ALREADY_OVER: Code = row(
    StatusCode::CONFLICT,
    "already-over",
    "The scan is over, so it cannot be called off.",
    "Nothing: its outcome stands in `item`.",
);
const FOREIGN_ACTION: Code = row(
    StatusCode::CONFLICT,
    "foreign-action",
    "The machine action is somebody else's; scanhook calls off none but its own.",
    "Ask whoever began it, or call it off in the Defender portal.",
);
const DRY_RUN: Code = row(
    StatusCode::CONFLICT,
    "dry-run",
    "This would take a call to Defender, and nothing is sent in a dry run.",
    "Call it off in the Defender portal, or end the dry run.",
);
const NOT_CONFIGURED: Code = row(
    StatusCode::CONFLICT,
    "not-configured",
    "Its tenant, or its source, is not configured any more.",
    "Configure it again.",
);
const NOT_RETRYABLE: Code = row(
    StatusCode::CONFLICT,
    "not-retryable",
    "It has not come to nothing, so there is nothing to try again.",
    "Look at its state and reason in `item`; what is held waits for an approval, not for a retry.",
);
const BODY_GONE: Code = row(
    StatusCode::GONE,
    "body-gone",
    "The body of the delivery is past its retention, so it cannot be read again.",
    "Let the sender post the alert once more; `[journal] retention` says how long bodies are kept.",
);

const NOT_RELOADED: Code = row(
    StatusCode::UNPROCESSABLE_ENTITY,
    "not-reloaded",
    "A file has faults, so what was in force before stays in force; `faults` names them.",
    "Mend the files until `scanhook check` is content, then reload again.",
);

impl CommandError {
    /// Every code, for docs/errors.md.
    pub const ALL: &'static [Code] = &[
        FOREIGN_ORIGIN,
        FOREIGN_HOST,
        UNKNOWN_KEY,
        BAD_VALUE,
        UNKNOWN_PARAMETER,
        NOTHING_SELECTED,
        CHANGED_SINCE,
        UNKNOWN_RECEIVER,
        EVENTS_GONE,
        TOO_MANY_LISTENERS,
        UNKNOWN_ID,
        AMBIGUOUS_ID,
        NOT_HELD,
        SECOND_PERSON_NEEDED,
        MACHINE_NEEDED,
        MACHINE_KNOWN,
        ALREADY_OVER,
        FOREIGN_ACTION,
        DRY_RUN,
        NOT_CONFIGURED,
        NOT_RETRYABLE,
        BODY_GONE,
        NOT_RELOADED,
    ];

    /// The row of this objection.
    #[must_use]
    pub const fn entry(&self) -> Code {
        match self {
            CommandError::ForeignOrigin => FOREIGN_ORIGIN,
            CommandError::ForeignHost => FOREIGN_HOST,
            CommandError::UnknownKey(_) => UNKNOWN_KEY,
            CommandError::UnknownParameter { .. } => UNKNOWN_PARAMETER,
            CommandError::ChangedSince(_) => CHANGED_SINCE,
            CommandError::BadValue(..) | CommandError::BadParameter { .. } => BAD_VALUE,
            CommandError::NothingSelected => NOTHING_SELECTED,
            CommandError::UnknownReceiver => UNKNOWN_RECEIVER,
            CommandError::EventsGone(_) => EVENTS_GONE,
            CommandError::TooManyListeners => TOO_MANY_LISTENERS,
            CommandError::NotReloaded(_) => NOT_RELOADED,
            CommandError::NotDone(done, _) => match done {
                Done::AmbiguousId => AMBIGUOUS_ID,
                Done::NotHeld => NOT_HELD,
                Done::SecondPersonNeeded => SECOND_PERSON_NEEDED,
                Done::MachineNeeded => MACHINE_NEEDED,
                Done::MachineKnown => MACHINE_KNOWN,
                Done::AlreadyOver => ALREADY_OVER,
                Done::ForeignAction => FOREIGN_ACTION,
                Done::DryRun => DRY_RUN,
                Done::NotConfigured => NOT_CONFIGURED,
                Done::NotRetryable => NOT_RETRYABLE,
                Done::BodyGone => BODY_GONE,
                // What was done is answered with 200; of an id nothing more can be said.
                _ => UNKNOWN_ID,
            },
        }
    }

    /// What the answer says beyond its code.
    pub(super) fn members(&self) -> Map<String, Value> {
        let text = |key: &str, value: &str| (key.to_owned(), Value::from(value));
        match self {
            CommandError::UnknownKey(key) => Map::from_iter([text("key", key)]),
            CommandError::BadValue(key, takes) => {
                Map::from_iter([text("key", key), text("takes", takes)])
            }
            CommandError::UnknownParameter { key, takes } => {
                Map::from_iter([text("key", key), text("takes", takes)])
            }
            CommandError::BadParameter { key, takes } => {
                Map::from_iter([text("key", key), text("takes", takes)])
            }
            CommandError::EventsGone(oldest) => {
                Map::from_iter([("oldest".to_owned(), Value::from(*oldest))])
            }
            CommandError::NotDone(done, item) => {
                let mut members = serde_json::to_value(item).map_or_else(
                    |_| Map::new(),
                    |item| Map::from_iter([("item".to_owned(), item)]),
                );
                let people = item.people.as_ref();
                if let Some(people) = people.filter(|_| *done == Done::SecondPersonNeeded) {
                    members.insert("given".to_owned(), Value::from(people.given.clone()));
                }
                members
            }
            CommandError::ChangedSince(meant) => Map::from_iter([
                ("machines".to_owned(), Value::from(meant.machines)),
                ("decisions".to_owned(), Value::from(meant.decisions)),
                text("digest", &meant.digest),
            ]),
            CommandError::NotReloaded(view) => match serde_json::to_value(view) {
                Ok(Value::Object(members)) => members,
                _ => Map::new(),
            },
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_done_has_a_problem_of_the_same_code() {
        for done in Done::ALL.iter().filter(|done| !done.is_done()) {
            assert_eq!(
                CommandError::NotDone(*done, Box::default()).entry().code,
                done.code()
            );
        }
    }
}
