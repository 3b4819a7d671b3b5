//! From a map as written to one that can be applied: every pointer parsed, every fault named by its key.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{MapCheck, MapFault};
use super::compiled::{Devices, Join, Mapping, Other, TenantChoice};
use super::map::{DeviceMap, Map, MapValue, OneOrMany, OtherBody, SeverityMap};
use super::nothing::Nothing;
use super::severity::Scale;
use super::source::ValueSource;

impl Mapping {
    /// Checks a map and makes it ready.
    ///
    /// # Errors
    /// Every fault of the map, not only the first.
    pub fn compile(map: Map) -> Result<Mapping, Vec<MapFault>> {
        let mut check = MapCheck::default();
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
        let mut check = MapCheck {
            headers: core::mem::take(&mut self.headers),
            ..MapCheck::default()
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
}

/// What a sender's bodies can lack.
const LACKS: [&str; 3] = ["device", "severity", "title"];

impl MapCheck {
    pub(super) fn end(self, mapping: Mapping) -> Result<Mapping, Vec<MapFault>> {
        if self.faults.is_empty() {
            Ok(Mapping {
                headers: self.headers,
                ..mapping
            })
        } else {
            Err(self.faults)
        }
    }

    /// Where a severity stands, and the scale that its words and numbers are read by.
    pub(super) fn severity(&mut self, severity: SeverityMap) -> (Vec<ValueSource>, Scale) {
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

    pub(super) fn devices(&mut self, map: DeviceMap) -> Devices {
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

    pub(super) fn other(&mut self, other: OtherBody) -> Other {
        if other.only.is_empty() {
            self.fault::<()>("other_bodies.where", "asks for nothing");
        }
        Other {
            only: self.conditions("other_bodies.where", Some(other.only)),
            hint: other.hint,
        }
    }

    pub(super) fn lacks(&mut self, lacks: Option<OneOrMany<String>>) -> BTreeSet<String> {
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
