//! Whether conditions hold for a body, and what was seen where they do not.

use super::condition::BodyCondition;
use super::notes::Notes;
use super::path::{At, Path};
use crate::json::Json;

impl Notes {
    /// The first value because of which `unless` says no.
    pub(super) fn refused(&mut self, unless: &[BodyCondition], at: At<'_, '_>) -> Option<String> {
        unless.iter().find_map(|condition| {
            let words = self.words(condition, at);
            if words.is_empty() && condition.allows_missing() {
                return Some(
                    Broken {
                        path: &condition.path,
                        value: None,
                    }
                    .shown(),
                );
            }
            let text = words.into_iter().find(|text| condition.allows(text, at))?;
            Some(
                Broken {
                    path: &condition.path,
                    value: Some(text),
                }
                .shown(),
            )
        })
    }

    /// What `when` finds wrong, if none of its alternatives holds.
    pub(super) fn unfulfilled(
        &mut self,
        when: &[Vec<BodyCondition>],
        at: At<'_, '_>,
    ) -> Option<String> {
        let broken: Vec<_> = when.iter().map_while(|all| self.broken(all, at)).collect();
        if broken.len() < when.len() {
            return None;
        }
        broken
            .iter()
            .find(|broken| broken.value.is_some())
            .or(broken.first())
            .map(Broken::shown)
    }

    /// Whether all hold.
    pub(super) fn holds(&mut self, all: &[BodyCondition], at: At<'_, '_>) -> bool {
        self.broken(all, at).is_none()
    }

    /// A version of the sender's format that is not known.
    pub(super) fn unknown_version(
        &mut self,
        versions: &[BodyCondition],
        at: At<'_, '_>,
    ) -> Option<String> {
        for condition in versions {
            let words = self.words(condition, at);
            if !words.is_empty() && !words.iter().any(|text| condition.allows(text, at)) {
                return Some(
                    Broken {
                        path: &condition.path,
                        value: words.into_iter().next(),
                    }
                    .shown(),
                );
            }
        }
        None
    }

    /// The first condition that does not hold.
    fn broken<'c>(&mut self, all: &'c [BodyCondition], at: At<'_, '_>) -> Option<Broken<'c>> {
        for condition in all {
            let words = self.words(condition, at);
            let holds = if words.is_empty() {
                condition.allows_missing()
            } else {
                words.iter().any(|text| condition.allows(text, at))
            };
            if !holds {
                return Some(Broken {
                    path: &condition.path,
                    value: words.into_iter().next(),
                });
            }
        }
        None
    }

    fn words(&mut self, condition: &BodyCondition, at: At<'_, '_>) -> Vec<String> {
        self.look(&condition.path, at)
            .into_iter()
            .filter_map(word)
            .map(str::to_owned)
            .collect()
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
