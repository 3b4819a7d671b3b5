//! The grammar of a mapping: what `[sources.x.map]` and the preset files hold.
//!
//! * A **pointer** is an RFC 6901 text. A segment `*` is every element or member; a literal key `*` is written `~2`.
//!   It starts at the current item (inside `devices` at the current device); `root:` before it starts at the whole
//!   body.
//! * A **value** is a pointer or `{ concat = ["/hostName", ".", "/dnsDomain"] }`, whose pieces are pointers where
//!   they start with `/` or `root:` and literal text otherwise. One missing piece makes the whole value missing.
//! * A **list of values is a fallback list**: the first that is not missing wins. Missing is absent, `null`, `""`,
//!   `[]` and `{}`.
//! * A **compound key** is not a list but says so: `dedupe = { all = ["/workspaceId", ["/number", "/name"]] }`. Every
//!   part counts (each may be a fallback list of its own), and a missing part counts as missing.
//! * A **condition** is a pointer with the texts it allows; a trailing `*` allows every text that starts so; letter
//!   case does not count; `true`, `false` and numbers are compared as written.

use core::fmt;
use core::marker::PhantomData;
use std::collections::BTreeMap;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::domain::alert::Severity;

/// How one sender's body is read; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Where the alerts stand: the first pointer that yields objects wins; `""` is the whole body (the default).
    pub each: Option<OneOrMany<String>>,
    /// All must hold, else the alert is ignored. A missing value does not hold.
    pub when: Option<Conditions>,
    /// None may hold, else the alert is ignored. A missing value passes.
    pub unless: Option<Conditions>,
    /// The alert's id.
    pub id: Option<OneOrMany<Value>>,
    /// What makes two alerts the same; the id by default.
    pub dedupe: Option<Compound>,
    /// Headline.
    pub title: Option<OneOrMany<Value>>,
    /// How bad.
    pub severity: Option<SeverityMap>,
    /// Categories or tactics: texts or lists of texts.
    pub category: Option<OneOrMany<Value>>,
    /// ATT&CK technique ids: texts or lists of texts.
    pub techniques: Option<OneOrMany<Value>>,
    /// The sender's status word.
    pub status: Option<OneOrMany<Value>>,
    /// What found it.
    pub detector: Option<OneOrMany<Value>>,
    /// When: RFC 3339, or Unix seconds or milliseconds.
    pub time: Option<OneOrMany<Value>>,
    /// The account involved.
    pub user: Option<OneOrMany<Value>>,
    /// The tenant id in the body; shown, never compared.
    pub tenant: Option<OneOrMany<Value>>,
    /// Where a person reads on.
    pub url: Option<OneOrMany<Value>>,
    /// Where the devices stand: one table, or several of which the first that yields a device wins.
    pub devices: Option<OneOrMany<DeviceMap>>,
}

/// How the devices of one alert are read.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceMap {
    /// Where the devices stand, from the alert: the first pointer that yields any wins; `""` is the alert itself
    /// (the default).
    pub each: Option<OneOrMany<String>>,
    /// What stands there is a device only if all of these hold.
    #[serde(rename = "where")]
    pub only: Option<Conditions>,
    /// The machine's id at Defender. Of a fallback list the first that is an id wins.
    pub mde_id: Option<OneOrMany<Value>>,
    /// Host name. Of a fallback list the first that is a usable name wins.
    pub name: Option<OneOrMany<Value>>,
    /// Entra device id.
    pub aad_id: Option<OneOrMany<Value>>,
    /// Address. Of a fallback list the first that is a usable address wins.
    pub ip: Option<OneOrMany<Value>>,
}

/// Pointers with the texts they allow.
pub type Conditions = BTreeMap<String, OneOrMany<String>>;

/// A compound key.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a compound key such as { all = [\"/fingerprint\", \"/startsAt\"] }")]
pub struct Compound {
    /// Its parts, each with its own fallbacks.
    pub all: Vec<OneOrMany<Value>>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A pointer.
    Pointer(String),
    /// Pointers and literal text, joined.
    Concat(Vec<String>),
}

/// Where the severity stands, and what its words and numbers mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeverityMap {
    /// The value, as a fallback list.
    pub path: OneOrMany<Value>,
    /// The sender's words (or numbers, as written), beside `informational`, `info`, `low`, `medium`, `high` and
    /// `critical`, which need no entry.
    pub words: BTreeMap<String, Severity>,
    /// From this number on, rising; a number below the first band is off the scale.
    pub bands: Vec<(f64, Severity)>,
}

impl Map {
    /// This map with `preset` filling the keys it leaves out. Two single `devices` tables are filled up key by key.
    #[must_use]
    pub fn over(self, preset: Map) -> Map {
        Map {
            each: self.each.or(preset.each),
            when: self.when.or(preset.when),
            unless: self.unless.or(preset.unless),
            id: self.id.or(preset.id),
            dedupe: self.dedupe.or(preset.dedupe),
            title: self.title.or(preset.title),
            severity: self.severity.or(preset.severity),
            category: self.category.or(preset.category),
            techniques: self.techniques.or(preset.techniques),
            status: self.status.or(preset.status),
            detector: self.detector.or(preset.detector),
            time: self.time.or(preset.time),
            user: self.user.or(preset.user),
            tenant: self.tenant.or(preset.tenant),
            url: self.url.or(preset.url),
            devices: match (self.devices, preset.devices) {
                (Some(OneOrMany(mine)), Some(OneOrMany(theirs))) => Some(OneOrMany(devices_over(mine, theirs))),
                (mine, theirs) => mine.or(theirs),
            },
        }
    }
}

fn devices_over(mut mine: Vec<DeviceMap>, mut theirs: Vec<DeviceMap>) -> Vec<DeviceMap> {
    match (mine.pop(), theirs.pop()) {
        (Some(own), Some(preset)) if mine.is_empty() && theirs.is_empty() => vec![DeviceMap {
            each: own.each.or(preset.each),
            only: own.only.or(preset.only),
            mde_id: own.mde_id.or(preset.mde_id),
            name: own.name.or(preset.name),
            aad_id: own.aad_id.or(preset.aad_id),
            ip: own.ip.or(preset.ip),
        }],
        (own, _) => {
            mine.extend(own);
            mine
        }
    }
}

/// One, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        OneOrMany(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of values")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(|one| OneOrMany(vec![one]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMany(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON pointer or { concat = [...] }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Pointer(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            concat: Vec<String>,
        }
        Table::deserialize(MapAccessDeserializer::new(map)).map(|table| Value::Concat(table.concat))
    }
}

impl<'de> Deserialize<'de> for SeverityMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeverityVisitor)
    }
}

struct SeverityVisitor;

impl<'de> Visitor<'de> for SeverityVisitor {
    type Value = SeverityMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON pointer, a list of them, or { path = [...], words = {...}, bands = [...] }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SeverityMap, E> {
        Ok(SeverityMap { path: OneOrMany(vec![Value::Pointer(text.to_owned())]), ..SeverityMap::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<SeverityMap, A::Error> {
        let path = Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)?;
        Ok(SeverityMap { path, ..SeverityMap::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SeverityMap, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            path: OneOrMany<Value>,
            #[serde(default)]
            words: BTreeMap<String, Severity>,
            #[serde(default)]
            bands: Vec<(f64, Severity)>,
        }
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(SeverityMap { path: table.path, words: table.words, bands: table.bands })
    }
}
