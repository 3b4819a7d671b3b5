//! Conditions: which texts have to stand, or must not stand, at a place of the body.

use super::compile::Mapping;
use super::field::Notes;
use super::path::{At, Path};
use crate::domain::json::Json;

/// What stands before a pointer whose text is compared with.
const SAME: &str = "same:";

/// A pointer with the texts it allows.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) path: Path,
    allowed: Vec<Allowed>,
}

#[derive(Clone, Debug)]
enum Allowed {
    /// Written `""`: nothing stands there.
    Missing,
    Whole(String),
    /// Written `text*`.
    Prefix(String),
    /// Written `*text`.
    Suffix(String),
    /// Written `*text*`; `*` alone is any text.
    Inside(String),
    /// Written `same:/pointer`: the name of the same host stands there.
    Same(Path),
}

impl Allowed {
    fn new(text: &str) -> Result<Allowed, String> {
        if text.is_empty() {
            return Ok(Allowed::Missing);
        }
        if let Some(pointer) = text.strip_prefix(SAME) {
            return Path::parse(pointer).map(Allowed::Same);
        }
        let (rest, open_end) = text.strip_suffix('*').map_or((text, false), |rest| (rest, true));
        let (rest, open_start) = rest.strip_prefix('*').map_or((rest, false), |rest| (rest, true));
        let bare = bare(rest);
        Ok(match (open_start, open_end) {
            (true, true) => Allowed::Inside(bare),
            (true, false) => Allowed::Suffix(bare),
            (false, true) => Allowed::Prefix(bare),
            (false, false) => Allowed::Whole(bare),
        })
    }
}

impl Condition {
    /// # Errors
    /// What is wrong with one of the texts.
    pub(super) fn new(path: Path, texts: &[String]) -> Result<Condition, String> {
        Ok(Condition { path, allowed: texts.iter().map(|text| Allowed::new(text)).collect::<Result<_, _>>()? })
    }

    fn allows(&self, text: &str, at: At<'_, '_>) -> bool {
        let bared = bare(text);
        self.allowed.iter().any(|allowed| match allowed {
            Allowed::Missing => false,
            Allowed::Whole(whole) => bared == *whole,
            Allowed::Prefix(prefix) => bared.starts_with(prefix.as_str()),
            Allowed::Suffix(suffix) => bared.ends_with(suffix.as_str()),
            Allowed::Inside(inside) => bared.contains(inside.as_str()),
            Allowed::Same(path) => path
                .values(at, &mut |one| one.text().is_some())
                .into_iter()
                .filter_map(Json::text)
                .any(|one| same_host(one, text)),
        })
    }

    fn allows_missing(&self) -> bool {
        self.allowed.iter().any(|allowed| matches!(allowed, Allowed::Missing))
    }
}

/// Senders write the same word as `False Positive`, `false_positive` and `FalsePositive`.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Whether two names are of one host. Where one of them has no domain, only the first label counts.
fn same_host(one: &str, other: &str) -> bool {
    fn host(text: &str) -> String {
        let name = text.trim().trim_end_matches(['.', '$']);
        name.rsplit('\\').next().unwrap_or(name).to_lowercase()
    }
    let (one, other) = (host(one), host(other));
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    !one.is_empty() && (one == other || (one.contains('.') != other.contains('.') && first(&one) == first(&other)))
}

impl Notes {
    /// The first value because of which `unless` says no.
    pub(super) fn refused(&mut self, unless: &[Condition], at: At<'_, '_>) -> Option<String> {
        unless.iter().find_map(|condition| {
            let words = self.words(condition, at);
            if words.is_empty() && condition.allows_missing() {
                return Some(Broken { path: &condition.path, value: None }.shown());
            }
            let text = words.into_iter().find(|text| condition.allows(text, at))?;
            Some(Broken { path: &condition.path, value: Some(text) }.shown())
        })
    }

    /// What `when` finds wrong, if none of its alternatives holds.
    pub(super) fn unfulfilled(&mut self, when: &[Vec<Condition>], at: At<'_, '_>) -> Option<String> {
        let broken: Vec<_> = when.iter().map_while(|all| self.broken(all, at)).collect();
        if broken.len() < when.len() {
            return None;
        }
        broken.iter().find(|broken| broken.value.is_some()).or(broken.first()).map(Broken::shown)
    }

    /// What to say of a body that the map does not read, if this is one.
    pub(super) fn other_body(&mut self, mapping: &Mapping, at: At<'_, '_>) -> Option<String> {
        let other = mapping.other_bodies.iter().find(|other| self.holds(&other.only, at))?;
        Some(other.hint.clone())
    }

    /// Whether all hold.
    pub(super) fn holds(&mut self, all: &[Condition], at: At<'_, '_>) -> bool {
        self.broken(all, at).is_none()
    }

    /// A version of the sender's format that is not known.
    pub(super) fn unknown_version(&mut self, versions: &[Condition], at: At<'_, '_>) -> Option<String> {
        for condition in versions {
            let words = self.words(condition, at);
            if !words.is_empty() && !words.iter().any(|text| condition.allows(text, at)) {
                return Some(Broken { path: &condition.path, value: words.into_iter().next() }.shown());
            }
        }
        None
    }

    /// The first condition that does not hold.
    fn broken<'c>(&mut self, all: &'c [Condition], at: At<'_, '_>) -> Option<Broken<'c>> {
        for condition in all {
            let words = self.words(condition, at);
            let holds = if words.is_empty() {
                condition.allows_missing()
            } else {
                words.iter().any(|text| condition.allows(text, at))
            };
            if !holds {
                return Some(Broken { path: &condition.path, value: words.into_iter().next() });
            }
        }
        None
    }

    fn words(&mut self, condition: &Condition, at: At<'_, '_>) -> Vec<String> {
        self.look(&condition.path, at).into_iter().filter_map(word).map(str::to_owned).collect()
    }
}

/// A condition that does not hold, and what it saw.
struct Broken<'c> {
    path: &'c Path,
    value: Option<String>,
}

impl Broken<'_> {
    fn shown(&self) -> String {
        let path = &self.path.text;
        self.value.as_ref().map_or_else(
            || format!("`{path}` is missing"),
            |text| {
                let short: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
                format!("`{path}` is `{short}`")
            },
        )
    }
}

/// A condition also compares truth values, as written.
fn word<'j>(value: &'j Json<'_>) -> Option<&'j str> {
    match value {
        Json::Bool(true) => Some("true"),
        Json::Bool(false) => Some("false"),
        value => value.text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_of_one_host_are_the_same() {
        for (one, other, same) in [
            ("LT-042", "lt-042", true),
            ("lt-042.corp.example", "LT-042", true),
            ("CORP\\LT-042", "lt-042.corp.example.", true),
            ("LT-042$", "lt-042", true),
            ("lt-042.corp.example", "lt-042.other.example", false),
            ("lt-042", "lt042", false),
            ("lt-042", "lt-043", false),
            ("", "", false),
        ] {
            assert_eq!(same_host(one, other), same, "{one} {other}");
        }
    }
}
