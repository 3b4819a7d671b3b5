//! From a map as written to one that can be applied: every pointer parsed, every fault named by its key.

use super::map::{Conditions, DeviceMap, Map, OneOrMany, Value};
use super::severity::Scale;
use crate::domain::json::Json;
use crate::domain::pointer::Pointer;

/// A map ready for use.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) each: Vec<Path>,
    pub(super) when: Vec<Condition>,
    pub(super) unless: Vec<Condition>,
    pub(super) id: Vec<Source>,
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
    pub(super) devices: Vec<Devices>,
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
    pub(super) each: Vec<Path>,
    pub(super) only: Vec<Condition>,
    pub(super) mde_id: Vec<Source>,
    pub(super) name: Vec<Source>,
    pub(super) aad_id: Vec<Source>,
    pub(super) ip: Vec<Source>,
}

/// A pointer from the current item, or from the whole body.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) text: String,
    from_root: bool,
    pointer: Pointer,
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    Path(Path),
    Concat(Vec<Piece>),
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Literal(String),
    Path(Path),
}

/// A pointer with the texts it allows, in lower case.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) path: Path,
    allowed: Vec<Allowed>,
}

#[derive(Clone, Debug)]
enum Allowed {
    Whole(String),
    Prefix(String),
}

/// Where pointers start.
#[derive(Clone, Copy)]
pub(super) struct At<'j, 'a> {
    pub(super) root: &'j Json<'a>,
    pub(super) here: &'j Json<'a>,
}

impl Mapping {
    /// Checks a map and makes it ready.
    ///
    /// # Errors
    /// Every fault of the map, not only the first.
    pub fn compile(map: Map) -> Result<Mapping, Vec<MapFault>> {
        let mut check = Check { faults: Vec::new() };
        let mapping = Mapping {
            each: check.each("each", map.each),
            when: check.conditions("when", map.when),
            unless: check.conditions("unless", map.unless),
            id: check.sources("id", map.id),
            dedupe: match map.dedupe {
                Some(key) if key.all.is_empty() => check.fault("dedupe.all", "names no part"),
                Some(key) => key.all.into_iter().map(|part| check.sources("dedupe.all", Some(part))).collect(),
                None => Vec::new(),
            },
            title: check.sources("title", map.title),
            severity: map.severity.map(|severity| {
                let scale = Scale::new(severity.words, severity.bands);
                if !scale.rises() {
                    check.fault::<()>("severity.bands", "each band must start above the one before it");
                }
                (check.sources("severity", Some(severity.path)), scale)
            }),
            category: check.sources("category", map.category),
            techniques: check.sources("techniques", map.techniques),
            status: check.sources("status", map.status),
            detector: check.sources("detector", map.detector),
            time: check.sources("time", map.time),
            user: check.sources("user", map.user),
            tenant: check.sources("tenant", map.tenant),
            url: check.sources("url", map.url),
            devices: map.devices.unwrap_or_default().0.into_iter().map(|d| check.devices(d)).collect(),
        };
        if check.faults.is_empty() { Ok(mapping) } else { Err(check.faults) }
    }
}

struct Check {
    faults: Vec<MapFault>,
}

impl Check {
    /// Notes a fault; what it returns is never used, because a map with faults is not.
    fn fault<T: Default>(&mut self, key: &str, message: impl ToString) -> T {
        self.faults.push(MapFault { key: key.to_owned(), message: message.to_string() });
        T::default()
    }

    fn path(&mut self, key: &str, text: &str) -> Option<Path> {
        let (from_root, pointer) = text.strip_prefix("root:").map_or((false, text), |rest| (true, rest));
        match Pointer::parse(pointer) {
            Ok(pointer) => Some(Path { text: text.to_owned(), from_root, pointer }),
            Err(why) => self.fault(key, format!("`{text}`: {why}")),
        }
    }

    fn each(&mut self, key: &str, texts: Option<OneOrMany<String>>) -> Vec<Path> {
        let texts = texts.map_or_else(|| vec![String::new()], |OneOrMany(texts)| texts);
        if texts.is_empty() {
            return self.fault(key, "names no pointer; \"\" is the whole");
        }
        texts.iter().filter_map(|text| self.path(key, text)).collect()
    }

    fn conditions(&mut self, key: &str, conditions: Option<Conditions>) -> Vec<Condition> {
        let mut compiled = Vec::new();
        for (pointer, OneOrMany(texts)) in conditions.unwrap_or_default() {
            if texts.is_empty() {
                self.fault::<()>(key, format!("`{pointer}` allows nothing"));
            }
            let allowed = texts.iter().map(|text| Allowed::new(text)).collect();
            compiled.extend(self.path(key, &pointer).map(|path| Condition { path, allowed }));
        }
        compiled
    }

    fn sources(&mut self, key: &str, values: Option<OneOrMany<Value>>) -> Vec<Source> {
        values.unwrap_or_default().0.into_iter().filter_map(|value| self.source(key, value)).collect()
    }

    fn source(&mut self, key: &str, value: Value) -> Option<Source> {
        let pieces = match value {
            Value::Pointer(text) => return self.path(key, &text).map(Source::Path),
            Value::Concat(pieces) => pieces,
        };
        if pieces.is_empty() {
            return self.fault(key, "`concat` joins nothing");
        }
        let piece = |text: String| {
            if text.starts_with('/') || text.starts_with("root:") {
                self.path(key, &text).map(Piece::Path)
            } else {
                Some(Piece::Literal(text))
            }
        };
        pieces.into_iter().map(piece).collect::<Option<_>>().map(Source::Concat)
    }

    fn devices(&mut self, map: DeviceMap) -> Devices {
        Devices {
            each: self.each("devices.each", map.each),
            only: self.conditions("devices.where", map.only),
            mde_id: self.sources("devices.mde_id", map.mde_id),
            name: self.sources("devices.name", map.name),
            aad_id: self.sources("devices.aad_id", map.aad_id),
            ip: self.sources("devices.ip", map.ip),
        }
    }
}

impl Path {
    /// Every value it names, in document order.
    pub(super) fn values<'j, 'a>(&self, at: At<'j, 'a>) -> Vec<&'j Json<'a>> {
        self.pointer.all(self.start(at))
    }

    /// A key it reads that stands there in another letter case, too.
    pub(super) fn ambiguous<'p>(&'p self, at: At<'_, '_>) -> Option<&'p str> {
        self.pointer.ambiguous(self.start(at))
    }

    const fn start<'j, 'a>(&self, at: At<'j, 'a>) -> &'j Json<'a> {
        if self.from_root { at.root } else { at.here }
    }
}

impl Allowed {
    fn new(text: &str) -> Allowed {
        let text = text.to_lowercase();
        match text.strip_suffix('*') {
            Some(prefix) => Allowed::Prefix(prefix.to_owned()),
            None => Allowed::Whole(text),
        }
    }
}

impl Condition {
    /// Whether this text is one of those allowed.
    pub(super) fn allows(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.allowed.iter().any(|allowed| match allowed {
            Allowed::Whole(whole) => text == *whole,
            Allowed::Prefix(prefix) => text.starts_with(prefix.as_str()),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn faults(map: &str) -> Vec<String> {
        let map: Map = toml::from_str(map).unwrap();
        Mapping::compile(map).map_or_else(|f| f.into_iter().map(|f| f.key).collect(), |_| Vec::new())
    }

    #[test]
    fn every_fault_of_a_map_is_named_by_its_key() {
        let map = r#"
            each = []
            id = ["alertId", "/ok"]
            dedupe = { all = [] }
            title = { concat = ["/a~3", "-"] }
            when = { "/status" = [] }
            severity = { path = "/s", bands = [[5, "low"], [5, "high"]] }
            devices = { name = "root:host" }
        "#;
        let mut keys = faults(map);
        keys.sort();
        assert_eq!(keys, ["dedupe.all", "devices.name", "each", "id", "severity.bands", "title", "when"]);
    }

    #[test]
    fn an_unknown_key_or_a_bare_list_as_compound_key_is_an_error() {
        for map in [
            "ids = \"/a\"",
            "dedupe = [\"/a\", \"/b\"]",
            "id = { join = [] }",
            "[devices]\nmachine = \"/a\"",
            "severity = { path = \"/s\", word = {} }",
            "severity = { path = \"/s\", words = { x = \"severe\" } }",
        ] {
            assert!(toml::from_str::<Map>(map).is_err(), "{map}");
        }
    }

    #[test]
    fn own_keys_override_the_presets_one_by_one() {
        let preset: Map = toml::from_str("id = \"/a\"\ntitle = \"/b\"\n[devices]\nname = \"/n\"\nip = \"/i\"").unwrap();
        let own: Map = toml::from_str("id = [\"/x\", \"/y\"]\n[devices]\nname = \"/m\"").unwrap();
        let both: Map =
            toml::from_str("id = [\"/x\", \"/y\"]\ntitle = \"/b\"\n[devices]\nname = \"/m\"\nip = \"/i\"").unwrap();
        assert_eq!(own.over(preset), both);
    }
}
