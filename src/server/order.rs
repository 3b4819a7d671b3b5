//! The body of an order: a JSON object whose keys are the long flags of the verb. A key that means nothing is refused,
//! so that a misspelt one cannot widen what is ordered.

use core::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::time::timeout;

use super::bodies::whole;
use super::refusal::{CommandError, HttpError};
use crate::journal::{GroupKey, IdPrefix, Selected, Selector, Wants};
use scanhook_core::alert::MachineId;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::json::{Json, Object};
use scanhook_core::rules::duration;
use scanhook_core::strict_json::{self, JsonFault};
use scanhook_core::time::Timestamp;

/// Ids of one order, and things it may select.
pub(super) const MOST: usize = 1_000;

/// Bytes of an order, and how long it may take to arrive.
const LARGEST: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// What narrows a selection.
pub(super) const SELECTING: &[&str] = &[
    "group", "rule", "tenant", "device", "since", "held", "state",
];

/// An instant that lies behind: itself, or how long ago it was.
pub(super) fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    duration::parse(text)
        .map(|span| now.minus(span))
        .or_else(|| Timestamp::parse(text))
}

/// Words to choose from, in one sentence.
pub(super) fn words(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}

/// The members of a body.
pub(super) struct OrderBody<'b>(Object<'b>);

/// Reads a body; an empty one is an order without any key.
pub(super) fn read<'b>(body: &'b [u8], keys: &[&'static str]) -> Result<OrderBody<'b>, HttpError> {
    if body.trim_ascii().is_empty() {
        return Ok(OrderBody(Object::default()));
    }
    let json = strict_json::read(body).map_err(|fault| HttpError::NotStrictJson {
        code: fault.fault.code(),
        detail: fault.fault.meaning(),
    })?;
    let Json::Object(members) = json else {
        return Err(CommandError::BadValue("", "an object").into());
    };
    if members.twice().is_some() {
        let fault = JsonFault::DuplicateKey;
        return Err(HttpError::NotStrictJson {
            code: fault.code(),
            detail: fault.meaning(),
        });
    }
    match members
        .iter()
        .find(|(key, _)| !keys.contains(&key.as_ref()))
    {
        Some((key, _)) => {
            Err(CommandError::UnknownKey(scanhook_core::plain::one_line(key, 80)).into())
        }
        None => Ok(OrderBody(members)),
    }
}

impl OrderBody<'_> {
    /// A member as it stands there; null is none.
    pub(super) fn get(&self, key: &str) -> Option<&Json<'_>> {
        self.0.get(key).filter(|value| **value != Json::Null)
    }

    fn text(&self, key: &'static str) -> Result<Option<&str>, HttpError> {
        match self.get(key) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(CommandError::BadValue(key, "a text").into()),
        }
    }

    fn parsed<T>(
        &self,
        key: &'static str,
        takes: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, HttpError> {
        let text = self.text(key)?;
        text.map(|text| parse(text).ok_or_else(|| CommandError::BadValue(key, takes).into()))
            .transpose()
    }

    pub(super) fn flag(&self, key: &'static str) -> Result<bool, HttpError> {
        match self.get(key) {
            None => Ok(false),
            Some(Json::Bool(flag)) => Ok(*flag),
            Some(_) => Err(CommandError::BadValue(key, "true or false").into()),
        }
    }

    /// The name that an order says it is given by.
    pub(super) fn named(&self) -> Result<Option<&str>, HttpError> {
        self.text("by")
    }

    pub(super) fn reason(&self) -> Result<Option<&str>, HttpError> {
        self.text("reason")
    }

    pub(super) fn receiver(&self) -> Result<Option<String>, HttpError> {
        Ok(self.text("receiver")?.map(str::to_owned))
    }

    /// Ids, or how they begin.
    pub(super) fn ids(&self) -> Result<Option<Vec<IdPrefix>>, HttpError> {
        let wrong = || {
            HttpError::from(CommandError::BadValue(
                "ids",
                "a list of 1 to 1000 ids, of each 6 digits at least",
            ))
        };
        match self.get("ids") {
            None => Ok(None),
            Some(Json::List(ids)) if (1..=MOST).contains(&ids.len()) => {
                let ids = ids.iter().map(|id| {
                    if let Json::Text(id) = id {
                        IdPrefix::parse(id)
                    } else {
                        None
                    }
                });
                ids.collect::<Option<Vec<_>>>().ok_or_else(wrong).map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    pub(super) fn machine(&self) -> Result<Option<MachineId>, HttpError> {
        self.parsed("machine", "a machine id of 40 hex digits", MachineId::parse)
    }

    pub(super) fn rule(&self) -> Result<Option<String>, HttpError> {
        self.parsed("rule", "a rule's name", |text| Some(text.to_owned()))
    }

    pub(super) fn tenant(&self) -> Result<Option<&str>, HttpError> {
        self.text("tenant")
    }

    pub(super) fn device(&self) -> Result<Option<DeviceGlob>, HttpError> {
        self.parsed("device", "a pattern such as dc-*", |text| {
            DeviceGlob::parse(text).ok()
        })
    }

    /// An instant ahead: itself, or how long from now.
    pub(super) fn until(&self, now: Timestamp) -> Result<Option<Timestamp>, HttpError> {
        let read = |text: &str| {
            duration::parse(text)
                .map(|span| now.plus(span))
                .or_else(|| Timestamp::parse(text))
        };
        let takes = "a time ahead: a span such as 2h, or an instant such as 2026-11-02T18:00:00Z";
        self.parsed("until", takes, |text| {
            read(text).filter(|until| *until > now)
        })
    }

    /// Where a selection goes on: the `next` of an earlier answer.
    pub(super) fn after(&self) -> Result<Option<String>, HttpError> {
        self.parsed("after", "the `next` of an earlier answer", |text| {
            Selected::is_place(text).then(|| text.to_owned())
        })
    }

    /// What it selects; `None` where nothing narrows.
    pub(super) fn selector(
        &self,
        wants: Wants,
        tenant: impl FnOnce(&str) -> Option<crate::journal::TenantId>,
        now: Timestamp,
    ) -> Result<Option<Selector>, HttpError> {
        if !SELECTING.iter().any(|key| self.get(key).is_some()) {
            return Ok(None);
        }
        let ago = |text: &str| ago(text, now);
        let key = if wants == Wants::Held {
            "held"
        } else {
            "state"
        };
        let known = Selector::words(wants);
        let word = match self.text(key)? {
            Some(word) if !known.contains(&word) => {
                return Err(CommandError::BadParameter {
                    key,
                    takes: words(&known),
                }
                .into());
            }
            word => word.map(str::to_owned),
        };
        Ok(Some(Selector {
            tenant: self.parsed("tenant", "the name of a configured tenant", tenant)?,
            rule: self.rule()?,
            device: self.device()?,
            since: self.parsed(
                "since",
                "a span such as 1h, or an instant such as 2026-11-02T08:00:00Z",
                ago,
            )?,
            word,
            group: self.parsed(
                "group",
                "the `key` of a group of what is held",
                GroupKey::parse,
            )?,
            ..Selector::default()
        }))
    }
}

/// The bytes of an order.
pub(super) async fn received(body: Body) -> Result<Bytes, HttpError> {
    timeout(PATIENCE, whole(body, LARGEST, |_| Ok(())))
        .await
        .map_err(|_| HttpError::BodyTimeout)?
}
