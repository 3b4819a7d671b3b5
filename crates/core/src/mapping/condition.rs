//! Conditions: which texts have to stand, or must not stand, at a place of the body.

use super::path::{At, Path};
use crate::json::Json;

/// What stands before a pointer whose text is compared with.
const SAME: &str = "same:";

/// A pointer with the texts it allows.
#[derive(Clone, Debug)]
pub(super) struct BodyCondition {
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
        let (rest, open_end) = text
            .strip_suffix('*')
            .map_or((text, false), |rest| (rest, true));
        let (rest, open_start) = rest
            .strip_prefix('*')
            .map_or((rest, false), |rest| (rest, true));
        let bare = bare(rest);
        Ok(match (open_start, open_end) {
            (true, true) => Allowed::Inside(bare),
            (true, false) => Allowed::Suffix(bare),
            (false, true) => Allowed::Prefix(bare),
            (false, false) => Allowed::Whole(bare),
        })
    }
}

impl BodyCondition {
    /// # Errors
    /// What is wrong with one of the texts.
    pub(super) fn new(path: Path, texts: &[String]) -> Result<BodyCondition, String> {
        Ok(BodyCondition {
            path,
            allowed: texts
                .iter()
                .map(|text| Allowed::new(text))
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn allows(&self, text: &str, at: At<'_, '_>) -> bool {
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

    pub(super) fn allows_missing(&self) -> bool {
        self.allowed
            .iter()
            .any(|allowed| matches!(allowed, Allowed::Missing))
    }
}

/// Senders write the same word as `False Positive`, `false_positive` and `FalsePositive`.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether two names are of one host. Where one of them has no domain, only the first label counts.
fn same_host(one: &str, other: &str) -> bool {
    fn host(text: &str) -> String {
        let name = text.trim().trim_end_matches(['.', '$']);
        name.rsplit('\\').next().unwrap_or(name).to_lowercase()
    }
    let (one, other) = (host(one), host(other));
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    !one.is_empty()
        && (one == other
            || (one.contains('.') != other.contains('.') && first(&one) == first(&other)))
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
