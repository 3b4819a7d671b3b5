//! What is configured here, as far as an explanation needs it: sources, tenants, the rules and where the journal lies.

use std::path::PathBuf;

use super::args::ExplainArgs;
use crate::cli::load;
use crate::cli::send;
use crate::cli::trouble::{CliError, Exit};
use crate::policy::{Ceiling, Terms};
use crate::presets;
use crate::settings::{Flags, Inputs, JournalLocation, Source, Tenant};
use scanhook_core::scan::Mode;

/// What is configured, as far as it matters here.
pub(super) struct Office {
    /// Whether there is a scanhook.toml.
    configured: bool,
    sources: Vec<Source>,
    tenants: Vec<Tenant>,
    /// Where the journal lies, as far as that is known.
    pub(super) journal: Option<JournalLocation>,
    /// The rules file, where there is one.
    pub(super) rules: Option<PathBuf>,
}

impl Office {
    pub(super) fn of(args: &ExplainArgs) -> Result<Office, CliError> {
        let (data_dir, rules) = (args.data_dir.clone(), args.rules.clone());
        // Nothing is called, so no tenant needs its credential.
        let flags = Flags {
            credential_free: true,
            data_dir,
            rules,
            ..Flags::default()
        };
        let inputs = Inputs::from_process(args.config.clone(), flags);
        let (configured, rules) = (inputs.file.is_some(), inputs.rules_if_any());
        if !configured && args.delivery.is_none() && args.device.is_none() {
            return Ok(Office {
                configured,
                sources: Vec::new(),
                tenants: Vec::new(),
                journal: None,
                rules,
            });
        }
        let settings = load::settings(&inputs)?;
        let (sources, tenants, journal) = (
            settings.sources,
            settings.tenants,
            settings.journal.location(),
        );
        Ok(Office {
            configured,
            sources,
            tenants,
            journal: Some(journal),
            rules,
        })
    }

    /// A source by its name.
    pub(super) fn source(&self, name: &str) -> Result<Source, CliError> {
        if !self.configured {
            let names: Vec<_> = presets::names().map(str::to_owned).collect();
            return Source::of_preset(name).ok_or_else(|| send::unknown(name, "preset", &names));
        }
        let found = self
            .sources
            .iter()
            .find(|source| source.name == name)
            .cloned();
        found.ok_or_else(|| send::unknown(name, "source", &self.names()))
    }

    /// The source that is meant where none is named.
    pub(super) fn usual(&self) -> Result<Source, CliError> {
        match self.sources.as_slice() {
            [] if !self.configured => self.source("generic"),
            [only] => Ok(only.clone()),
            _ => {
                let sentence = format!(
                    "whose map reads it? Name one with --source: {}",
                    self.names().join(", ")
                );
                Err(CliError::new(Exit::Usage, sentence))
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.sources
            .iter()
            .map(|source| source.name.clone())
            .collect()
    }

    /// What a tenant allows its rules.
    pub(super) fn terms(&self, tenant: &str) -> Terms {
        let tenant = self.tenants.iter().find(|known| known.name == tenant);
        let mode = tenant
            .and_then(|tenant| tenant.mode)
            .unwrap_or(Mode::Enforce);
        Terms {
            ceiling: Ceiling::AtMost(mode),
            limit: tenant.map(|tenant| tenant.limit),
        }
    }
}
