//! How it runs: flags, environment and `scanhook.toml`, in this order of precedence, become [`Settings`].
//! The only reader of the environment. Every fault of all three is reported at once, and no value of a secret ever.

mod auth;
mod authorities;
mod cloud;
mod credential;
mod fault;
mod include;
mod inputs;
mod journal;
mod limits;
mod locate;
mod network;
mod place;
mod process;
mod retention;
mod secret;
mod server;
mod source;
mod tenant;
#[cfg(test)]
mod tests;
mod tls;

use core::mem::take;
use std::path::{Path, PathBuf};

pub use credential::TenantCredential;
pub use fault::SettingsFault;
pub use inputs::{Flags, Inputs};
pub use journal::{JournalSettings, there_is};
pub use limits::{FailureBudget, TrustedProxies};
pub use process::{program, scratch_directory};
pub use server::{Connections, Server};
pub use source::Source;
pub use tenant::Tenant;
pub use tls::ListenerTls;

use crate::certificate::PlacedCertificate;
use crate::defender::Endpoints;
use crate::defender::network::NetworkSettings;
use crate::file::FileDigests;
use place::{Context, Section};
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
    /// `[journal]`.
    pub journal: JournalSettings,
    /// `[network]`.
    pub network: NetworkSettings,
    /// `[tenants.*]`, by name.
    pub tenants: Vec<Tenant>,
    /// `[sources.*]`, by name.
    pub sources: Vec<Source>,
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

/// What can be used of settings that may have faults: for whoever looks for what is wrong.
#[derive(Default)]
pub struct SettingsInPart {
    pub server: Option<Server>,
    pub tls: Option<ListenerTls>,
    pub admin_tls: Option<ListenerTls>,
    pub journal: Option<JournalSettings>,
    pub network: Option<NetworkSettings>,
    /// Those without fault.
    pub tenants: Vec<Tenant>,
    /// Where the calls of each tenant go, as far as that is known.
    pub endpoints: Vec<(String, Endpoints)>,
    pub sources: Vec<Source>,
    pub faults: Vec<SettingsFault>,
    policy: Option<String>,
    warnings: Vec<String>,
    notes: Vec<String>,
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
    fn read<'i>(inputs: &'i Inputs, ctx: &mut Context<'i>) -> SettingsInPart {
        let (mut root, mut included) = match ctx.parse() {
            Ok(roots) => roots,
            Err(faults) => {
                return SettingsInPart {
                    faults,
                    ..SettingsInPart::default()
                };
            }
        };
        // Which files it names was looked up before: here only its type is told.
        let _ = root.texts(ctx, "include");
        let flags = &inputs.flags;
        let (server, [tls, admin_tls]) = listeners(&mut root, flags, ctx);
        let journal = root
            .section(ctx, "journal")
            .map(|s| journal::read(s, flags, ctx));
        let network = root
            .section(ctx, "network")
            .and_then(|s| network::read(s, ctx));
        let policy = root.section(ctx, "policy").and_then(|s| policy(s, ctx));
        let mut tenants = root.sections(ctx, &mut included, "tenants");
        if let Some(mut shared) = root.section(ctx, "tenant_defaults") {
            tenant::share(&mut shared, &mut tenants, ctx);
        }
        let credential_free = flags.simulate || flags.credential_free;
        if tenants.is_empty() && credential_free {
            tenants.push(("default".to_owned(), Section::empty("tenants.default")));
        }
        if tenants.is_empty() {
            ctx.fault(
                "missing-key",
                "tenants",
                "no tenant is configured: name one, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
            );
        }
        let names: Vec<String> = tenants.iter().map(|(name, _)| name.clone()).collect();
        let tenants: Vec<_> = tenants
            .into_iter()
            .filter_map(|(name, s)| tenant::read(name, s, credential_free, ctx))
            .collect();
        let sources = root.sections(ctx, &mut included, "sources");
        let max_body = server
            .as_ref()
            .map_or(server::MAX_BODY, |server| server.max_body);
        let sources: Vec<_> = sources
            .into_iter()
            .filter_map(|(name, s)| source::read(name, s, &names, max_body, ctx))
            .collect();
        root.finish(ctx);
        included
            .into_iter()
            .for_each(|file| file.finish_included(ctx));
        ctx.unused_variables();
        if !flags.simulate {
            tenant::compare(&tenants, ctx);
        }
        if let Some(journal) = &journal {
            ctx.faults
                .extend(retention::compare(journal, &tenants, &sources));
        }
        source::compare(&sources, ctx);
        source::presentable(&sources, server.as_ref(), tls.as_ref(), ctx);
        SettingsInPart {
            server,
            tls,
            admin_tls,
            journal,
            network,
            tenants,
            endpoints: take(&mut ctx.endpoints),
            sources,
            faults: take(&mut ctx.faults),
            policy,
            warnings: take(&mut ctx.warnings),
            notes: take(&mut ctx.notes),
        }
    }

    /// The settings, if nothing is wrong with them.
    fn whole(self, inputs: &Inputs) -> Result<Settings, Vec<SettingsFault>> {
        let flags = &inputs.flags;
        match (self.server, self.journal, self.network) {
            (Some(server), Some(journal), Some(network)) if self.faults.is_empty() => {
                Ok(Settings {
                    server,
                    tls: self.tls,
                    admin_tls: self.admin_tls,
                    journal,
                    network,
                    tenants: self.tenants,
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

/// `[server]` and `[admin]`.
fn listeners<'i>(
    root: &mut Section<'i>,
    flags: &Flags,
    ctx: &mut Context<'i>,
) -> (Option<Server>, [Option<ListenerTls>; 2]) {
    let mut server = root.section(ctx, "server");
    let tls = server.as_mut().and_then(|s| tls::read(s, flags, ctx));
    let server = server.map(|s| server::read(s, flags, ctx));
    let admin = root.section(ctx, "admin");
    (server, [tls, admin.and_then(|s| tls::admin(s, flags, ctx))])
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

/// `[policy]`: the name of the rules file.
fn policy<'i>(mut section: Section<'i>, ctx: &mut Context<'i>) -> Option<String> {
    let file = section.parse(ctx, "file", "the name of a file", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    });
    section.finish(ctx);
    file
}
