//! A source that is begun with: the tables of its guide under its own name, and the secrets they name.

use std::path::Path;

use super::args::{CREDENTIAL, EXAMPLE, InitArgs};
use super::steps;
use crate::cli::output::{self, plain};
use crate::cli::trouble::{CliError, Exit};
use crate::presets::Guide;

/// A new source.
pub(super) struct NewSource {
    pub(super) name: String,
    /// Its tables, for scanhook.toml.
    pub(super) config: String,
    /// The files of its secrets, as the tables name them.
    pub(super) secrets: Vec<String>,
    /// Where scanhook is reached, without a slash at the end.
    pub(super) address: String,
    guide: Guide,
    /// As the guide calls it.
    usual: String,
}

impl NewSource {
    pub(super) fn of(args: &InitArgs, guide: Guide) -> Result<NewSource, CliError> {
        let usual = guide
            .config
            .split("[sources.")
            .nth(1)
            .and_then(|rest| rest.split([']', '.']).next());
        let usual = usual.unwrap_or_default().to_owned();
        let name = args.name.clone().unwrap_or_else(|| usual.clone());
        if !(1..=64).contains(&name.len())
            || !name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            let sentence = format!(
                "--name: `{}` has more than letters, digits, `-` and `_`",
                plain(&name)
            );
            return Err(CliError::new(Exit::Usage, sentence));
        }
        // One page may serve several presets.
        let line = |line: &str| match line.split_once('=') {
            Some((key, _)) if key.trim() == "preset" => format!("{key}= \"{}\"\n", args.source),
            _ => format!("{line}\n"),
        };
        let config: String = guide.config.lines().map(line).collect();
        let config = config.replace(&format!("sources.{usual}"), &format!("sources.{name}"));
        let config = config.replace(&format!("\"secrets/{usual}"), &format!("\"secrets/{name}"));
        let mut secrets: Vec<String> = Vec::new();
        for secret in config
            .split('"')
            .filter(|text| text.starts_with("secrets/"))
        {
            if !secrets.iter().any(|known| known == secret) {
                secrets.push(secret.to_owned());
            }
        }
        if secrets.iter().any(|secret| secret == CREDENTIAL) {
            return Err(CliError::new(
                Exit::Usage,
                format!("--name: {CREDENTIAL} is the tenant's own secret"),
            ));
        }
        let address = args.url.trim_end_matches('/').to_owned();
        Ok(NewSource {
            name,
            config,
            secrets,
            address,
            guide,
            usual,
        })
    }

    /// Its tables as they fit into a configuration that is there.
    pub(super) fn beside(&self, file: &Path, tenant: Option<&str>) -> Result<String, CliError> {
        let text =
            std::fs::read_to_string(file).map_err(|error| CliError::reading(file, &error))?;
        let unusable = |why: String| {
            CliError::new(
                Exit::Usage,
                format!("{}: {why}; nothing was written", file.display()),
            )
        };
        let there: toml::Table = text
            .parse()
            .map_err(|_| unusable("it is not TOML, and `scanhook check` says where".to_owned()))?;
        let names = |key: &str| -> Vec<&String> {
            there
                .get(key)
                .and_then(toml::Value::as_table)
                .map_or_else(Vec::new, |table| table.keys().collect())
        };
        if names("sources").contains(&&self.name) {
            let why = format!(
                "it has a source `{}`; --name gives this one another",
                self.name
            );
            return Err(unusable(why));
        }
        let tenants = names("tenants");
        match tenant {
            Some(tenant) if !tenants.iter().any(|known| *known == tenant) => {
                Err(unusable(format!("it has no tenant `{}`", plain(tenant))))
            }
            Some(tenant) => {
                let header = format!("[sources.{}]\n", self.name);
                Ok(self
                    .config
                    .replacen(&header, &format!("{header}tenants = [\"{tenant}\"]\n"), 1))
            }
            None if tenants.len() > 1 => {
                let tenants = tenants
                    .iter()
                    .map(|name| name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ");
                Err(unusable(format!(
                    "it has several tenants, so --tenant must say for which this one acts: {tenants}"
                )))
            }
            None => Ok(self.config.clone()),
        }
    }

    /// What to do at the sender, with its own address and name in it.
    pub(super) fn steps(&self, secret: &str) -> String {
        let own = self.guide.steps.replace(
            &format!("/webhooks/{}", self.usual),
            &format!("/webhooks/{}", self.name),
        );
        // Where the address stands in a pattern, its dots are escaped.
        let own = own
            .replace(&regex::escape(EXAMPLE), &regex::escape(&self.address))
            .replace(EXAMPLE, &self.address);
        steps::readable(&own.replace("<the secret>", secret), output::columns())
    }
}
