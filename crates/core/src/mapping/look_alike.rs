//! What in a body looks like something a map should read: hints for whoever writes one. Nothing acts on a hint.

use core::net::IpAddr;

use serde::Serialize;

use super::time::instant;
use crate::alert::{MachineId, Severity};
use crate::json::Json;
use crate::strict_json;

/// Values of one field that are shown.
const MOST: usize = 10;

/// Values that are looked at; what lies beyond is not worth the time.
const DEEPEST: usize = 20_000;

/// A value that looks like one of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LookAlike {
    /// The field, as rules name it.
    pub field: &'static str,
    /// Where it stands, as a JSON pointer from the top of the body; behind `#json` in a document that stands in a text.
    pub pointer: String,
    /// The first characters of it.
    pub text: String,
}

/// Everything below `value`, which stands at `pointer`, that looks like a field; in document order, by field.
pub(super) fn candidates(value: &Json<'_>, pointer: &str) -> Vec<LookAlike> {
    let mut search = Search {
        found: Vec::new(),
        left: DEEPEST,
    };
    search.walk(value, "", &mut pointer.to_owned(), false);
    search.found.sort_by_key(|candidate| {
        FIELDS
            .iter()
            .position(|(field, _)| *field == candidate.field)
    });
    search.found
}

/// A key as a segment of a pointer.
pub(super) fn escaped(key: &str) -> String {
    let key = key.replace('~', "~0").replace('/', "~1");
    if key == "*" { "~2".to_owned() } else { key }
}

/// Whether a text under a key (in lower case, letters and digits only) looks like a field.
type Resembles = fn(&str, &str) -> bool;

const FIELDS: [(&str, Resembles); 7] = [
    ("device.id", |key, text| {
        MachineId::parse(text).is_some() && !holds(key, &["sha1", "hash", "print"])
    }),
    ("device.name", |key, text| {
        let named = holds(
            key,
            &[
                "host",
                "computer",
                "machine",
                "device",
                "workstation",
                "endpoint",
                "agentname",
                "dest",
            ],
        );
        named && !ends(key, &["id", "type", "group", "os", "link", "url"]) && is_host(text)
    }),
    ("device.ip", |_, text| {
        text.parse::<IpAddr>()
            .is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
    }),
    ("severity", |key, text| {
        let scale = Severity::of_code(&text.to_lowercase()).is_some();
        let named = holds(
            key,
            &["sever", "priority", "urgency", "critical", "level", "risk"],
        );
        (named && text.len() <= 20) || (scale && !holds(key, &["status", "health"]))
    }),
    ("alert.id", |key, text| {
        let named = ends(key, &["id", "uuid", "key", "number", "fingerprint"]);
        let other = [
            "device", "host", "machine", "user", "account", "tenant", "process", "rule", "agent",
            "org",
        ];
        named && !holds(key, &other) && text.len() <= 128
    }),
    ("alert.title", |key, text| {
        let named = ends(
            key,
            &[
                "title",
                "subject",
                "summary",
                "headline",
                "rulename",
                "alertname",
                "message",
            ],
        );
        named || (key == "name" && text.contains(' '))
    }),
    ("alert.time", |key, text| {
        let named =
            holds(key, &["time", "date", "created", "seen", "started"]) || ends(key, &["at"]);
        named && instant(text.trim()).is_some()
    }),
];

fn holds(key: &str, words: &[&str]) -> bool {
    words.iter().any(|word| key.contains(word))
}

fn ends(key: &str, words: &[&str]) -> bool {
    words.iter().any(|word| key.ends_with(word))
}

fn is_host(text: &str) -> bool {
    let label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=253).contains(&text.len())
        && text.chars().all(label)
        && text.contains(|c: char| c.is_ascii_alphabetic())
        && MachineId::parse(text).is_none()
        && text.parse::<IpAddr>().is_err()
        && !text.eq_ignore_ascii_case("localhost")
}

struct Search {
    found: Vec<LookAlike>,
    left: usize,
}

impl Search {
    fn walk(&mut self, value: &Json<'_>, key: &str, pointer: &mut String, inside: bool) {
        let Some(left) = self.left.checked_sub(1) else {
            return;
        };
        self.left = left;
        let length = pointer.len();
        match value {
            Json::Object(members) => {
                for (key, member) in members {
                    pointer.push('/');
                    pointer.push_str(&escaped(key));
                    self.walk(member, key, pointer, inside);
                    pointer.truncate(length);
                }
            }
            Json::List(elements) => {
                for (n, element) in elements.iter().enumerate() {
                    pointer.push_str(&format!("/{n}"));
                    self.walk(element, key, pointer, inside);
                    pointer.truncate(length);
                }
            }
            Json::Text(text) | Json::Number(text) => {
                self.weigh(key, text, pointer);
                if !inside
                    && text.starts_with(['{', '['])
                    && let Ok(document) = strict_json::read(text.as_bytes())
                {
                    pointer.push_str("#json");
                    self.walk(&document, key, pointer, true);
                    pointer.truncate(length);
                }
            }
            Json::Null | Json::Bool(_) => {}
        }
    }

    fn weigh(&mut self, key: &str, text: &str, pointer: &str) {
        let key: String = key
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        for (field, looks) in FIELDS {
            let enough = self
                .found
                .iter()
                .filter(|known| known.field == field)
                .count()
                >= MOST;
            if !text.is_empty() && !enough && looks(&key, text) {
                let text = text.chars().filter(|c| !c.is_control()).take(120).collect();
                self.found.push(LookAlike {
                    field,
                    pointer: pointer.to_owned(),
                    text,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_looks_like_a_field_is_found_wherever_it_stands() {
        let body = br#"{
            "data": {"Severity Rating": 3, "src": {"HostName": "lt-042.corp.example", "ip": "10.1.2.3", "hostType": "laptop"},
                     "file": {"sha1": "3395856ce81f2b7382dee72602f798b642f14140"},
                     "a/b": [{"x": "1e5bc9d7e413ddd7902c2932e418702b84d0cc07"}]},
            "eventId": "e-1", "userId": "u-1", "headline": "Odd login", "createdAt": 1793607342, "note": "high",
            "loop": "127.0.0.1", "raw": "{\"computer\":\"pc-7\"}", "server": "localhost"
        }"#;
        let json = strict_json::read(body).unwrap();
        let found: Vec<_> = candidates(&json, "/at")
            .into_iter()
            .map(|one| format!("{} {} {}", one.field, one.pointer, one.text))
            .collect();
        let expected = [
            "device.id /at/data/a~1b/0/x 1e5bc9d7e413ddd7902c2932e418702b84d0cc07",
            "device.name /at/data/src/HostName lt-042.corp.example",
            "device.name /at/raw#json/computer pc-7",
            "device.ip /at/data/src/ip 10.1.2.3",
            "severity /at/data/Severity Rating 3",
            "severity /at/note high",
            "alert.id /at/eventId e-1",
            "alert.title /at/headline Odd login",
            "alert.time /at/createdAt 1793607342",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_large_body_gives_few_hints() {
        let body = format!("[{}]", vec![r#"{"host":"a-1"}"#; 30_000].join(","));
        assert_eq!(
            candidates(&strict_json::read(body.as_bytes()).unwrap(), "").len(),
            MOST
        );
    }
}
