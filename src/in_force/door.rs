//! What a source takes of a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::settings::Source;
use scanhook_core::signature::Check;

/// What one source takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDoor {
    pub content_types: Vec<String>,
    pub methods: Vec<String>,
    /// Whether bodies compressed by gzip are taken.
    pub gzip: bool,
    /// Cap of a body, in bytes; also of what it unpacks to.
    pub max_body: usize,
    /// Whether the URL ends in the secret: `/webhooks/{source}/{secret}`.
    pub secret_in_url: SecretInUrl,
}

impl SourceDoor {
    /// What a configured source takes.
    #[must_use]
    pub fn of(source: &Source) -> SourceDoor {
        let ways = &source.auth.alternatives;
        let in_url = |all: &&Vec<Check>| {
            all.iter()
                .any(|check| matches!(check, Check::UrlSecret { .. }))
        };
        let secret_in_url = match ways.iter().filter(in_url).count() {
            0 => SecretInUrl::Never,
            all if all == ways.len() => SecretInUrl::Always,
            _ => SecretInUrl::Sometimes,
        };
        SourceDoor {
            content_types: source.content_types.clone(),
            methods: source.methods.clone(),
            gzip: source.gzip,
            max_body: source.max_body,
            secret_in_url,
        }
    }
}

impl Default for SourceDoor {
    fn default() -> Self {
        SourceDoor {
            content_types: vec!["application/json".to_owned()],
            methods: vec!["POST".to_owned()],
            gzip: false,
            max_body: 1024 * 1024,
            secret_in_url: SecretInUrl::Never,
        }
    }
}

/// The sources' names and what each takes.
pub type Sources = Arc<BTreeMap<String, SourceDoor>>;

/// Whether a source's URL ends in its secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretInUrl {
    /// It never does.
    #[default]
    Never,
    /// One of the ways to prove it does, another does not.
    Sometimes,
    Always,
}
