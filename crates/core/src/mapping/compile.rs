//! From a map as written to one that can be applied: every pointer parsed, every fault named by its key.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};

use super::condition::BodyCondition;
use super::map::{Conditions, DeviceMap, Map, MapValue, OneOrMany, OtherBody, SeverityMap, Taken};
use super::nothing::Nothing;
use super::path::Path;
use super::severity::Scale;
use super::source::{Nodes, Piece, Source, SourceOf};

/// A map ready for use.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) each: Vec<Source>,
    pub(super) join: Option<Join>,
    pub(super) when: Vec<Vec<BodyCondition>>,
    pub(super) unless: Vec<BodyCondition>,
    pub(super) versions: Vec<BodyCondition>,
    pub(super) other_bodies: Vec<Other>,
    pub(super) id: Vec<Source>,
    pub(super) shared_id: Vec<Source>,
    pub(super) dedupe: Vec<Vec<Source>>,
    pub(super) title: Vec<Source>,
    pub(super) severity: Option<(Vec<Source>, Scale)>,
    pub(super) category: Vec<Source>,
    pub(super) techniques: Vec<Source>,
    pub(super) status: Vec<Source>,
    pub(super) detector: Vec<Source>,
    pub(super) time: Vec<Source>,
    pub(super) user: Vec<Source>,
    pub(super) tenant: Vec<Source>,
    pub(super) url: Vec<Source>,
    pub(super) references: Vec<(String, Vec<Source>)>,
    pub(super) left_out: Vec<Source>,
    pub(super) nothing: Nothing,
    pub(super) devices: Vec<Devices>,
    pub(super) acting: Option<TenantChoice>,
    lacks: BTreeSet<String>,
    headers: BTreeSet<String>,
}

/// Which tenant an alert is for.
#[derive(Clone, Debug)]
pub(super) struct TenantChoice {
    pub(super) from: Vec<Source>,
    /// By the value in lower case.
    pub(super) tenants: BTreeMap<String, String>,
}

/// Which other record of a delivery belongs to an alert.
#[derive(Clone, Debug)]
pub(super) struct Join {
    pub(super) each: Vec<Source>,
    pub(super) only: Vec<BodyCondition>,
    pub(super) on: Vec<Source>,
}

/// A body that the map does not read, by what tells it, and what to say of it.
#[derive(Clone, Debug)]
pub(super) struct Other {
    pub(super) only: Vec<BodyCondition>,
    pub(super) hint: String,
}

/// Something in a map that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFault {
    /// The key below `map`, such as `devices.name`.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

#[derive(Clone, Debug)]
pub(super) struct Devices {
    pub(super) each: Vec<Source>,
    pub(super) only: Vec<BodyCondition>,
    pub(super) unless: Vec<BodyCondition>,
    pub(super) also: bool,
    pub(super) mde_id: Vec<Source>,
    pub(super) name: Vec<Source>,
    pub(super) aad_id: Vec<Source>,
    pub(super) ip: Vec<Source>,
}

/// What a sender's bodies can lack.
const LACKS: [&str; 3] = ["device", "severity", "title"];

impl Mapping {
    /// Checks a map and makes it ready.
    ///
    /// # Errors
    /// Every fault of the map, not only the first.
    pub fn compile(map: Map) -> Result<Mapping, Vec<MapFault>> {
        let mut check = Check::default();
        let references = map.references.unwrap_or_default().into_iter();
        let references = references.map(|(name, values)| {
            let sources = check.sources(&format!("references.{name}"), Some(values));
            (name, sources)
        });
        let references = references.collect();
        let mapping = Mapping {
            each: check.each("each", map.each),
            join: map.join.map(|join| Join {
                each: check.each("join.each", Some(join.each)),
                only: check.conditions("join.where", join.only),
                on: check.sources("join.on", Some(join.on)),
            }),
            when: check.alternatives("when", map.when),
            unless: check.conditions("unless", map.unless),
            versions: check.conditions("versions", map.versions),
            other_bodies: map
                .other_bodies
                .unwrap_or_default()
                .0
                .into_iter()
                .map(|other| check.other(other))
                .collect(),
            id: check.sources("id", map.id),
            shared_id: check.sources("shared_id", map.shared_id),
            dedupe: match map.dedupe {
                Some(key) if key.all.is_empty() => check.fault("dedupe.all", "names no part"),
                Some(key) => key
                    .all
                    .into_iter()
                    .map(|part| check.sources("dedupe.all", Some(part)))
                    .collect(),
                None => Vec::new(),
            },
            title: check.sources("title", map.title),
            severity: map.severity.map(|severity| check.severity(severity)),
            category: check.sources("category", map.category),
            techniques: check.sources("techniques", map.techniques),
            status: check.sources("status", map.status),
            detector: check.sources("detector", map.detector),
            time: check.sources("time", map.time),
            user: check.sources("user", map.user),
            tenant: check.sources("tenant", map.tenant),
            url: check.sources("url", map.url),
            references,
            left_out: check.sources("left_out", map.left_out),
            nothing: Nothing::with(&map.nothing.unwrap_or_default().0),
            devices: map
                .devices
                .unwrap_or_default()
                .0
                .into_iter()
                .map(|d| check.devices(d))
                .collect(),
            acting: None,
            lacks: check.lacks(map.lacks),
            headers: BTreeSet::new(),
        };
        check.end(mapping)
    }

    /// The same mapping for a source that acts for several tenants: `from` is the value that tells which, `tenants` the
    /// configured name of each value, whose letter case does not count.
    ///
    /// # Errors
    /// Every fault of `from`.
    pub fn acting(
        mut self,
        from: OneOrMany<MapValue>,
        tenants: &BTreeMap<String, String>,
    ) -> Result<Mapping, Vec<MapFault>> {
        let mut check = Check {
            headers: core::mem::take(&mut self.headers),
            ..Check::default()
        };
        let tenants = tenants
            .iter()
            .map(|(value, name)| (value.to_lowercase(), name.clone()))
            .collect();
        self.acting = Some(TenantChoice {
            from: check.sources("", Some(from)),
            tenants,
        });
        check.end(self)
    }

    /// What this sender's bodies never carry.
    #[must_use]
    pub fn lacks(&self) -> &BTreeSet<String> {
        &self.lacks
    }

    /// The request headers it reads, in lower case.
    #[must_use]
    pub fn headers(&self) -> &BTreeSet<String> {
        &self.headers
    }
}

#[derive(Default)]
struct Check {
    faults: Vec<MapFault>,
    headers: BTreeSet<String>,
}

impl Check {
    fn end(self, mapping: Mapping) -> Result<Mapping, Vec<MapFault>> {
        if self.faults.is_empty() {
            Ok(Mapping {
                headers: self.headers,
                ..mapping
            })
        } else {
            Err(self.faults)
        }
    }

    /// Notes a fault; what it returns is never used, because a map with faults is not.
    fn fault<T: Default>(&mut self, key: &str, message: impl ToString) -> T {
        self.faults.push(MapFault {
            key: key.to_owned(),
            message: message.to_string(),
        });
        T::default()
    }

    fn path(&mut self, key: &str, text: &str) -> Option<Path> {
        Path::parse(text)
            .map_err(|why| self.fault::<()>(key, why))
            .ok()
    }

    fn header(&mut self, key: &str, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        if name.is_empty()
            || !name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        {
            return self.fault(key, format!("`header:{name}` names no header"));
        }
        self.headers.insert(name.clone());
        Some(name)
    }

    /// Places: what stands there is meant itself, not its text.
    fn each(&mut self, key: &str, values: Option<OneOrMany<MapValue>>) -> Vec<Source> {
        let values = values.unwrap_or_else(|| OneOrMany(vec![MapValue::Pointer(String::new())]));
        if values.0.is_empty() {
            return self.fault(key, "names no pointer; \"\" is the whole");
        }
        let sources = self.sources(key, Some(values));
        if !sources.iter().all(is_place) {
            self.fault::<()>(
                key,
                "must say where things stand: pointers, `parse`, `where`, `unless` and `then`, no text",
            );
        }
        sources
    }

    fn alternatives(
        &mut self,
        key: &str,
        all: Option<OneOrMany<Conditions>>,
    ) -> Vec<Vec<BodyCondition>> {
        let OneOrMany(all) = all.unwrap_or_default();
        if all.len() > 1 && all.iter().any(BTreeMap::is_empty) {
            self.fault::<()>(key, "one of the alternatives asks for nothing");
        }
        all.into_iter()
            .map(|conditions| self.conditions(key, Some(conditions)))
            .collect()
    }

    fn conditions(&mut self, key: &str, conditions: Option<Conditions>) -> Vec<BodyCondition> {
        let mut compiled = Vec::new();
        for (pointer, OneOrMany(texts)) in conditions.unwrap_or_default() {
            if texts.is_empty() {
                self.fault::<()>(key, format!("`{pointer}` allows nothing"));
            }
            if let Some(path) = self.path(key, &pointer) {
                match BodyCondition::new(path, &texts) {
                    Ok(condition) => compiled.push(condition),
                    Err(why) => self.fault(key, why),
                }
            }
        }
        compiled
    }

    fn sources(&mut self, key: &str, values: Option<OneOrMany<MapValue>>) -> Vec<Source> {
        values
            .unwrap_or_default()
            .0
            .into_iter()
            .filter_map(|value| self.source(key, value))
            .collect()
    }

    fn source(&mut self, key: &str, value: MapValue) -> Option<Source> {
        let taken = match value {
            MapValue::Pointer(text) => return self.pointer(key, &text),
            MapValue::Table(taken) => *taken,
        };
        let Taken {
            path,
            concat,
            parse,
            only,
            unless,
            then,
            split,
            capture,
        } = taken;
        let what = match (path, concat) {
            (Some(path), None) => {
                let path = self.path(key, &path);
                let (only, then) = (
                    self.conditions(key, only),
                    then.map(|then| self.sources(key, Some(then))),
                );
                if then.as_ref().is_some_and(Vec::is_empty) {
                    self.fault::<()>(key, "`then` names no value");
                }
                let then = then.unwrap_or_default();
                let unless = self.conditions(key, unless);
                SourceOf::Nodes(Nodes {
                    path: path?,
                    parse: parse.is_some(),
                    only,
                    unless,
                    then,
                })
            }
            (None, Some(pieces)) => {
                if parse.is_some() || only.is_some() || unless.is_some() || then.is_some() {
                    self.fault::<()>(
                        key,
                        "`parse`, `where`, `unless` and `then` go on from a `path`",
                    );
                }
                SourceOf::Concat(self.pieces(key, pieces)?)
            }
            _ => return self.fault(key, "must have either `path` or `concat`"),
        };
        if split.as_deref() == Some("") {
            self.fault::<()>(key, "`split` needs a separator");
        }
        let capture = capture.and_then(|pattern| self.capture(key, &pattern));
        Some(Source {
            what,
            split,
            capture,
            every: key == "techniques",
        })
    }

    /// A value that is only a text: a pointer, or the name of a header.
    fn pointer(&mut self, key: &str, text: &str) -> Option<Source> {
        let what = match text.strip_prefix("header:") {
            Some(name) => SourceOf::Header(self.header(key, name)?),
            None => SourceOf::Nodes(Nodes::of(self.path(key, text)?)),
        };
        Some(Source {
            what,
            split: None,
            capture: None,
            every: false,
        })
    }

    /// The pattern that takes a part out of a text; its size is bounded, because it comes from a file.
    fn capture(&mut self, key: &str, pattern: &str) -> Option<Regex> {
        // Tags are written `T1486` and `attack.t1486`.
        let built = RegexBuilder::new(pattern)
            .size_limit(1 << 18)
            .case_insensitive(key == "techniques")
            .build();
        match built {
            Ok(built) => Some(built),
            Err(why) => self.fault(key, format!("`capture`: {why}")),
        }
    }

    /// Where a severity stands, and the scale that its words and numbers are read by.
    fn severity(&mut self, severity: SeverityMap) -> (Vec<Source>, Scale) {
        let scale = Scale::new(severity.words, severity.bands);
        if !scale.rises() {
            self.fault::<()>(
                "severity.bands",
                "each band must start above the one before it",
            );
        }
        if severity.path.0.is_empty() {
            self.fault::<()>(
                "severity.path",
                "names no value, and there is no preset that does",
            );
        }
        (self.sources("severity", Some(severity.path)), scale)
    }

    fn pieces(&mut self, key: &str, pieces: Vec<String>) -> Option<Vec<Piece>> {
        if pieces.is_empty() {
            return self.fault(key, "`concat` joins nothing");
        }
        let piece = |text: String| {
            if Path::is_meant(&text) {
                self.path(key, &text).map(Piece::Path)
            } else if let Some(name) = text.strip_prefix("header:") {
                self.header(key, name).map(Piece::Header)
            } else {
                Some(Piece::Literal(text))
            }
        };
        pieces.into_iter().map(piece).collect()
    }

    fn devices(&mut self, map: DeviceMap) -> Devices {
        Devices {
            each: self.each("devices.each", map.each),
            only: self.conditions("devices.where", map.only),
            unless: self.conditions("devices.unless", map.unless),
            also: map.also.unwrap_or(false),
            mde_id: self.sources("devices.mde_id", map.mde_id),
            name: self.sources("devices.name", map.name),
            aad_id: self.sources("devices.aad_id", map.aad_id),
            ip: self.sources("devices.ip", map.ip),
        }
    }

    fn other(&mut self, other: OtherBody) -> Other {
        if other.only.is_empty() {
            self.fault::<()>("other_bodies.where", "asks for nothing");
        }
        Other {
            only: self.conditions("other_bodies.where", Some(other.only)),
            hint: other.hint,
        }
    }

    fn lacks(&mut self, lacks: Option<OneOrMany<String>>) -> BTreeSet<String> {
        let OneOrMany(lacks) = lacks.unwrap_or_default();
        for unknown in lacks.iter().filter(|what| !LACKS.contains(&what.as_str())) {
            self.fault::<()>(
                "lacks",
                format!("`{unknown}` is none of {}", LACKS.join(", ")),
            );
        }
        lacks.into_iter().collect()
    }
}

fn is_place(source: &Source) -> bool {
    let SourceOf::Nodes(nodes) = &source.what else {
        return false;
    };
    source.split.is_none() && source.capture.is_none() && nodes.then.iter().all(is_place)
}

impl Nodes {
    fn of(path: Path) -> Nodes {
        Nodes {
            path,
            parse: false,
            only: Vec::new(),
            unless: Vec::new(),
            then: Vec::new(),
        }
    }

    /// Whether it is no more than a pointer.
    pub(super) const fn is_plain(&self) -> bool {
        !self.parse && self.only.is_empty() && self.unless.is_empty() && self.then.is_empty()
    }
}

impl Source {
    /// As an operator reads it: a pointer, with `#json` where a text is a document of its own.
    pub(super) fn shown(&self) -> String {
        match &self.what {
            SourceOf::Nodes(nodes) => {
                let json = if nodes.parse { "#json" } else { "" };
                let then: Vec<_> = nodes.then.iter().map(Source::shown).collect();
                format!("{}{json}{}", nodes.path.text, then.join(" or "))
            }
            SourceOf::Concat(pieces) => pieces
                .iter()
                .map(Piece::shown)
                .collect::<Vec<_>>()
                .join(" + "),
            SourceOf::Header(name) => format!("header:{name}"),
        }
    }
}

impl Piece {
    fn shown(&self) -> String {
        match self {
            Piece::Literal(text) => format!("\"{text}\""),
            Piece::Path(path) => path.text.clone(),
            Piece::Header(name) => format!("header:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn faults(map: &str) -> Vec<String> {
        let map: Map = toml::from_str(map).unwrap();
        Mapping::compile(map)
            .map_or_else(|f| f.into_iter().map(|f| f.key).collect(), |_| Vec::new())
    }

    #[test]
    fn every_fault_of_a_map_is_named_by_its_key() {
        let map = r#"
            each = []
            id = ["alertId", "/ok"]
            shared_id = { path = "/a", concat = ["/b"] }
            dedupe = { all = [] }
            title = { concat = ["/a~3", "-"] }
            when = { "/status" = [] }
            versions = { "version" = "4" }
            severity = { path = "/s", bands = [[5, "low"], [5, "high"]] }
            category = { path = "/c", capture = "(" }
            techniques = { path = "/t", split = "" }
            user = { path = "/u", parse = "json", then = [] }
            url = "header:"
            tenant = { concat = ["/a"], then = "/b" }
            status = { split = "," }
            lacks = "hostname"
            join = { each = [], on = "x" }
            references = { incident = "x" }
            devices = { name = "root:host", each = { concat = ["/a"] }, unless = { "/a" = "same:b" } }
            other_bodies = { where = {}, hint = "x" }
        "#;
        let mut keys = faults(map);
        keys.sort();
        let expected = [
            "category",
            "dedupe.all",
            "devices.each",
            "devices.name",
            "devices.unless",
            "each",
            "id",
            "join.each",
            "join.on",
            "lacks",
            "other_bodies.where",
            "references.incident",
            "severity.bands",
            "shared_id",
            "status",
            "techniques",
            "tenant",
            "title",
            "url",
            "user",
            "versions",
            "when",
        ];
        assert_eq!(keys, expected);
        assert_eq!(
            faults("severity = { words = { urgent = \"high\" } }"),
            ["severity.path"]
        );
        assert_eq!(faults("when = [{ \"/a\" = \"b\" }, {}]"), ["when"]);
        assert_eq!(
            faults("title = { path = \"/a\", capture = \"(a{1000}){1000}\" }"),
            ["title"],
            "too large a pattern"
        );
    }

    #[test]
    fn an_unknown_key_or_a_bare_list_as_compound_key_is_an_error() {
        for map in [
            "ids = \"/a\"",
            "dedupe = [\"/a\", \"/b\"]",
            "id = { join = [] }",
            "id = { path = \"/a\", parse = \"xml\" }",
            "[devices]\nmachine = \"/a\"",
            "severity = { path = \"/s\", word = {} }",
            "severity = { path = \"/s\", words = { x = \"severe\" } }",
        ] {
            assert!(toml::from_str::<Map>(map).is_err(), "{map}");
        }
    }

    #[test]
    fn own_keys_override_the_presets_one_by_one() {
        let over = |preset: &str, own: &str| {
            toml::from_str::<Map>(own)
                .unwrap()
                .over(toml::from_str::<Map>(preset).unwrap())
        };
        for (preset, own, both) in [
            (
                "id = \"/a\"\ntitle = \"/b\"\n[devices]\nname = \"/n\"\nip = \"/i\"",
                "id = [\"/x\", \"/y\"]\n[devices]\nname = \"/m\"",
                "id = [\"/x\", \"/y\"]\ntitle = \"/b\"\n[devices]\nname = \"/m\"\nip = \"/i\"",
            ),
            (
                "severity = { path = \"/s\", words = { a = \"low\", b = \"low\" }, bands = [[0, \"low\"]] }",
                "severity = { words = { b = \"high\" } }",
                "severity = { path = \"/s\", words = { a = \"low\", b = \"high\" }, bands = [[0, \"low\"]] }",
            ),
            (
                "severity = { path = \"/level\", bands = [[0, \"critical\"]] }",
                "severity = \"/score\"",
                "severity = \"/score\"",
            ),
            (
                "references = { incident = \"/i\", case = \"/c\" }",
                "references = { incident = \"/j\" }",
                "references = { incident = \"/j\", case = \"/c\" }",
            ),
            (
                "lacks = \"device\"",
                "devices = { name = \"/n\" }",
                "devices = { name = \"/n\" }",
            ),
        ] {
            assert_eq!(over(preset, own), toml::from_str(both).unwrap(), "{own}");
        }
    }

    #[test]
    fn the_headers_a_map_reads_are_known() {
        let map =
            "id = [\"header:Webhook-Id\", \"/id\"]\ntitle = { concat = [\"header:x-a\", \"/t\"] }";
        let mapping = Mapping::compile(toml::from_str(map).unwrap()).unwrap();
        assert_eq!(
            mapping
                .headers()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            ["webhook-id", "x-a"]
        );
    }
}
