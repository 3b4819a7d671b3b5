//! How it runs: flags, environment and `scanhook.toml`, in this order of precedence, become [`Settings`].
//! The only reader of the environment. Every fault of all three is reported at once, and no value of a secret ever.

mod admin;
mod agreement;
mod auth;
mod authorities;
mod cloud;
mod credential;
mod email;
mod fault;
mod handed;
mod in_part;
mod include;
mod inputs;
mod journal;
mod journal_location;
mod limits;
mod locate;
mod named;
mod network;
mod place;
mod postgres;
mod process;
mod receiver;
mod retention;
mod secret;
mod server;
mod source;
mod telemetry;
mod tenant;
#[cfg(test)]
mod tests;
mod tls;
mod write_back;
mod write_back_receivers;

use core::mem::take;
use std::path::{Path, PathBuf};

pub use admin::{AdminSettings, OpenIdSettings, SessionLimits};
pub use credential::TenantCredential;
pub use email::{MailLogin, MailProtection, MailRelay};
pub use fault::SettingsFault;
pub use handed::{HandedError, HandedSockets};
pub use in_part::SettingsInPart;
pub use inputs::{Flags, Inputs};
pub use journal::{JournalSettings, there_is};
pub use journal_location::JournalLocation;
pub use limits::{FailureBudget, TrustedProxies};
pub use named::{named_database, sqlite_path};
pub use postgres::PostgresSettings;
pub use process::{program, scratch_directory};
pub use receiver::{Channel, Receiver};
pub use server::{Connections, Server};
pub use source::Source;
pub use telemetry::TelemetrySettings;
pub use tenant::{Tenant, app_of};
pub use tls::ListenerTls;
pub use write_back::{
    ALERT_REFERENCE, INCIDENT_REFERENCE, TenantWriteBack, WriteBack, WriteBackTarget,
};

use crate::certificate::PlacedCertificate;
use crate::defender::network::NetworkSettings;
use crate::file::FileDigests;
use place::Context;
use scanhook_core::rules::Rules;
use scanhook_core::signature::{Key, KeyEncoding};

/// Everything `serve` needs to know.
#[derive(Clone)]
pub struct Settings {
    /// `[server]`.
    pub server: Server,
    /// `[server.tls]`; without it the public listener speaks plain http.
    pub tls: Option<ListenerTls>,
    /// `[admin.tls]`; the same of the admin listener.
    pub admin_tls: Option<ListenerTls>,
    /// `[admin]`.
    pub admin: AdminSettings,
    /// `[journal]`.
    pub journal: JournalSettings,
    /// `[network]`.
    pub network: NetworkSettings,
    /// `[telemetry]`; `None`: nothing is sent to a collector.
    pub telemetry: Option<TelemetrySettings>,
    /// `[tenants.*]`, by name.
    pub tenants: Vec<Tenant>,
    /// `[sources.*]`, by name.
    pub sources: Vec<Source>,
    /// `[receivers.*]`, by name, and after them what `[sources.*.write_back]` is for each tenant.
    pub receivers: Vec<Receiver>,
    pub rules: PathBuf,
    /// Decide and show, send nothing.
    pub dry_run: bool,
    /// Send nothing until somebody resumes.
    pub paused: bool,
    /// Play the built-in simulator in place of Defender.
    pub simulate: bool,
    /// What the operator should change.
    pub warnings: Vec<String>,
    /// What a person should look at, or do elsewhere. What is as it should be is not told.
    pub notes: Vec<String>,
    /// Every file they were read from, as it was read: scanhook.toml and those of the secrets.
    pub files: FileDigests,
}

/// The webhook secret in one file, as safe as one that the configuration names.
///
/// # Errors
/// A sentence, without anything of the secret.
pub fn webhook_key(path: &Path, encoding: KeyEncoding) -> Result<Key, String> {
    secret::key_in(path, encoding)
}

impl Settings {
    /// Every certificate in use, with where it is used.
    #[must_use]
    pub fn certificates(&self) -> Vec<PlacedCertificate> {
        let listeners = [("server", &self.tls), ("admin", &self.admin_tls)];
        let tenants = self.tenants.iter().filter_map(Tenant::certificate);
        listeners
            .into_iter()
            .filter_map(|(place, tls)| Some((place.to_owned(), tls.as_ref()?.valid)))
            .chain(tenants)
            .collect()
    }

    /// What the rules ask of these settings that they do not give.
    #[must_use]
    pub fn unfit_for(&self, rules: &Rules) -> Vec<SettingsFault> {
        let mut faults = self.journal.too_forgetful(rules);
        faults.extend(self.admin.no_second_person(rules));
        faults
    }

    /// Whether comments are written on alerts of Defender for this tenant.
    #[must_use]
    pub fn comments_alerts_of(&self, tenant: &str) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|source| source.comments_alerts_of(tenant))
    }

    /// Reads everything, the secrets included.
    ///
    /// # Errors
    /// Every fault found, in the order of the keys.
    pub fn load(inputs: &Inputs) -> Result<Settings, Vec<SettingsFault>> {
        Settings::load_for(inputs, false).0
    }

    /// The same for whoever serves, with every file that was looked for, whether it was there or not: a tenant whose secret
    /// or certificate is not as it should be has none, and the others are served.
    pub fn load_with_files(inputs: &Inputs) -> (Result<Settings, Vec<SettingsFault>>, FileDigests) {
        Settings::load_for(inputs, true)
    }

    fn load_for(
        inputs: &Inputs,
        tenants_alone: bool,
    ) -> (Result<Settings, Vec<SettingsFault>>, FileDigests) {
        let (read, files) = Settings::load_in_part(inputs, tenants_alone);
        let settings = read.whole(inputs).map(|settings| Settings {
            files: files.clone(),
            ..settings
        });
        (settings, files)
    }

    /// As much of them as can be used, with all that is wrong. `tenants_alone`: that a tenant's secret or certificate is not
    /// as it should be is told by that tenant.
    pub fn load_in_part(inputs: &Inputs, tenants_alone: bool) -> (SettingsInPart, FileDigests) {
        let mut files = FileDigests::default();
        let text = match inputs
            .file
            .as_deref()
            .map(|path| read(path, &mut files))
            .transpose()
        {
            Ok(text) => text.unwrap_or_default(),
            Err(fault) => {
                let faults = vec![fault];
                return (
                    SettingsInPart {
                        faults,
                        ..SettingsInPart::default()
                    },
                    files,
                );
            }
        };
        let main = inputs.file.as_deref();
        let mut included = main
            .map(|main| include::read(main, &text, &mut files))
            .unwrap_or_default();
        let texts = take(&mut included.texts);
        let mut ctx = Context::new(&text, &texts, inputs);
        ctx.faults = included.faults;
        ctx.warnings = included.warnings;
        ctx.tenants_alone = tenants_alone;
        let read = SettingsInPart::read(inputs, &mut ctx);
        files.add(take(&mut ctx.files));
        (read, files)
    }
}

impl SettingsInPart {
    /// The settings, if nothing is wrong with them.
    fn whole(self, inputs: &Inputs) -> Result<Settings, Vec<SettingsFault>> {
        let flags = &inputs.flags;
        match (self.server, self.journal, self.network, self.admin) {
            (Some(server), Some(journal), Some(network), Some(admin)) if self.faults.is_empty() => {
                let back =
                    write_back_receivers::receivers(&self.sources, &self.tenants, flags.dry_run);
                Ok(Settings {
                    server,
                    tls: self.tls,
                    admin_tls: self.admin_tls,
                    admin,
                    journal,
                    network,
                    telemetry: self.telemetry,
                    tenants: self.tenants,
                    receivers: self.receivers.into_iter().chain(back).collect(),
                    sources: self.sources,
                    rules: inputs.rules_by(self.policy.as_deref()),
                    dry_run: flags.dry_run,
                    paused: flags.paused,
                    simulate: flags.simulate,
                    warnings: self.warnings,
                    notes: self.notes,
                    files: FileDigests::default(),
                })
            }
            _ => Err(self.faults),
        }
    }
}

fn read(path: &Path, files: &mut FileDigests) -> Result<String, SettingsFault> {
    let fault = |message: String| SettingsFault {
        code: "unreadable",
        key: String::new(),
        file: None,
        line: None,
        column: None,
        message: format!("{}: {message}", path.display()),
    };
    let content = files
        .read(path, locate::LARGEST)
        .map_err(|e| fault(e.to_string()))?;
    if content.bytes.len() as u64 > locate::LARGEST {
        return Err(fault("larger than 4 MiB".to_owned()));
    }
    content.text().map_err(|e| fault(e.to_string()))
}
