//! The grammar of a mapping: what `[sources.x.map]` and the preset files hold.
//!
//! * A **pointer** is an RFC 6901 text. A segment `*` is every element or member; a literal key `*` is written `~2`.
//!   It starts at the current item (inside `devices` at the current device); `root:` before it starts at the whole
//!   body, `parent:` at the object around the alert, `joined:` at the record that `join` finds. `header:x-id` is a
//!   request header.
//! * A **value** is a pointer or a table: `{ path = "/a/*", where = {…}, then = "/b" }` goes on from what stands there,
//!   with `parse = "json"` inside the document that a text holds; `{ concat = ["/hostName", ".", "/dnsDomain"] }` joins
//!   pointers (they start with `/` or one of these words) and literal text, and one missing piece makes the
//!   whole missing. `split` and `capture` then cut the text.
//! * A **list of values is a fallback list**: the first that is not missing wins. Missing is absent, `null`, `""`,
//!   `[]` and `{}`.
//! * A **compound key** is not a list but says so: `dedupe = { all = ["/workspaceId", ["/number", "/name"]] }`. Every
//!   part counts (each may be a fallback list of its own), and a missing part counts as missing.
//! * A **condition** is a pointer with the texts it allows. A `*` at the start or the end stands for any text, `""` for
//!   a value that is missing, `same:/pointer` for a name of the host that is named there. Letter case, blanks, `-` and
//!   `_` do not count; `true`, `false` and numbers are compared as written.

use std::collections::BTreeMap;

pub use super::value::{
    Band, Compound, Conditions, MapValue, OneOrMany, SeverityMap, Taken, TextFormat,
};

/// How one sender's body is read; every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Where the alerts stand: the first that yields objects wins; `""` is the whole body (the default).
    pub each: Option<OneOrMany<MapValue>>,
    /// Where another record of the same delivery tells more of an alert.
    pub join: Option<JoinMap>,
    /// All must hold, else the alert is ignored. A missing value does not hold. Of a list of tables one has to hold.
    pub when: Option<OneOrMany<Conditions>>,
    /// None may hold, else the alert is ignored. A missing value passes.
    pub unless: Option<Conditions>,
    /// The versions of the sender's format that this map was made for. Another one is parked; a missing one passes.
    pub versions: Option<Conditions>,
    /// Bodies of the same sender that this map does not read: they are parked, with what to do about it.
    pub other_bodies: Option<OneOrMany<OtherBody>>,
    /// The alert's id.
    pub id: Option<OneOrMany<MapValue>>,
    /// Stands in for a missing id, although several alerts of the sender may carry it, such as a search job's. It is
    /// flagged, and alone never makes two alerts the same.
    pub shared_id: Option<OneOrMany<MapValue>>,
    /// What makes two alerts the same; the id by default.
    pub dedupe: Option<Compound>,
    /// Headline.
    pub title: Option<OneOrMany<MapValue>>,
    /// How bad.
    pub severity: Option<SeverityMap>,
    /// Categories or tactics: texts or lists of texts.
    pub category: Option<OneOrMany<MapValue>>,
    /// ATT&CK techniques: whatever holds their ids.
    pub techniques: Option<OneOrMany<MapValue>>,
    /// The sender's status word.
    pub status: Option<OneOrMany<MapValue>>,
    /// What found it.
    pub detector: Option<OneOrMany<MapValue>>,
    /// When, in any form that says an instant.
    pub time: Option<OneOrMany<MapValue>>,
    /// The account involved.
    pub user: Option<OneOrMany<MapValue>>,
    /// The tenant id in the body; shown, never compared.
    pub tenant: Option<OneOrMany<MapValue>>,
    /// Where a person reads on.
    pub url: Option<OneOrMany<MapValue>>,
    /// Other ids of the same thing, by what they are called: shown to people, never compared.
    pub references: Option<BTreeMap<String, OneOrMany<MapValue>>>,
    /// Where the sender says how many alerts it left out of a delivery that was too large for it.
    pub left_out: Option<OneOrMany<MapValue>>,
    /// Words of this sender that say that there is no value, beside those that the product knows.
    pub nothing: Option<OneOrMany<String>>,
    /// What this sender's bodies never carry, so that somebody else has to add it: `device`, `severity`, `title`.
    pub lacks: Option<OneOrMany<String>>,
    /// Where the devices stand: one table, or several of which the first that yields a device wins.
    pub devices: Option<OneOrMany<DeviceMap>>,
}

/// Which other record of a delivery belongs to an alert: the first that fulfils the conditions and has the same key.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinMap {
    /// Where the records stand, from the whole body: the first that yields any wins.
    pub each: OneOrMany<MapValue>,
    /// What stands there counts only if all of these hold.
    #[serde(rename = "where")]
    pub only: Option<Conditions>,
    /// The value that both have in common, from the record and from the alert.
    pub on: OneOrMany<MapValue>,
}

/// A body that a map does not read.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherBody {
    /// It is one if all of these hold.
    #[serde(rename = "where")]
    pub only: Conditions,
    /// What it is, and what to do about it: one sentence for the operator.
    pub hint: String,
}

/// How the devices of one alert are read.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceMap {
    /// Where the devices stand, from the alert: the first that yields any wins; `""` is the alert itself (the
    /// default).
    pub each: Option<OneOrMany<MapValue>>,
    /// What stands there is a device only if all of these hold.
    #[serde(rename = "where")]
    pub only: Option<Conditions>,
    /// It is none if one of these holds, such as a host that only collects the logs of others.
    pub unless: Option<Conditions>,
    /// Its devices are added to those of the table before, in place of standing in for them.
    pub also: Option<bool>,
    /// The machine's id at Defender. Of a fallback list the first that is an id wins.
    pub mde_id: Option<OneOrMany<MapValue>>,
    /// Host name. Of a fallback list the first that is a usable name wins.
    pub name: Option<OneOrMany<MapValue>>,
    /// Entra device id.
    pub aad_id: Option<OneOrMany<MapValue>>,
    /// Address. Of a fallback list the first that is a usable address wins.
    pub ip: Option<OneOrMany<MapValue>>,
}

impl Map {
    /// This map with `preset` filling the keys it leaves out. Two single `devices` tables are filled up key by key,
    /// and so are `references` and the words of a severity.
    #[must_use]
    pub fn over(self, preset: Map) -> Map {
        Map {
            each: self.each.or(preset.each),
            join: self.join.or(preset.join),
            when: self.when.or(preset.when),
            unless: self.unless.or(preset.unless),
            versions: self.versions.or(preset.versions),
            other_bodies: self.other_bodies.or(preset.other_bodies),
            id: self.id.or(preset.id),
            shared_id: self.shared_id.or(preset.shared_id),
            dedupe: self.dedupe.or(preset.dedupe),
            title: self.title.or(preset.title),
            severity: match (self.severity, preset.severity) {
                (Some(own), Some(preset)) => Some(own.over(preset)),
                (own, preset) => own.or(preset),
            },
            category: self.category.or(preset.category),
            techniques: self.techniques.or(preset.techniques),
            status: self.status.or(preset.status),
            detector: self.detector.or(preset.detector),
            time: self.time.or(preset.time),
            user: self.user.or(preset.user),
            tenant: self.tenant.or(preset.tenant),
            url: self.url.or(preset.url),
            references: match (self.references, preset.references) {
                (Some(own), Some(mut all)) => {
                    all.extend(own);
                    Some(all)
                }
                (own, preset) => own.or(preset),
            },
            left_out: self.left_out.or(preset.left_out),
            nothing: match (self.nothing, preset.nothing) {
                (Some(OneOrMany(own)), Some(OneOrMany(preset))) => {
                    Some(OneOrMany([preset, own].concat()))
                }
                (own, preset) => own.or(preset),
            },
            lacks: if self.devices.is_some() {
                self.lacks
            } else {
                self.lacks.or(preset.lacks)
            },
            devices: match (self.devices, preset.devices) {
                (Some(OneOrMany(mine)), Some(OneOrMany(theirs))) => {
                    Some(OneOrMany(devices_over(mine, theirs)))
                }
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
            unless: own.unless.or(preset.unless),
            also: own.also.or(preset.also),
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
