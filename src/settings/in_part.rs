//! Settings read as far as they can be used, with all that is wrong with them: whole ones are made of it, and whoever looks
//! for what is wrong takes the rest.

use core::mem::take;

use super::admin::{self, AdminSettings};
use super::fault::SettingsFault;
use super::inputs::{Flags, Inputs};
use super::journal::{JournalSettings, read as read_journal};
use super::place::{Context, Section};
use super::receiver::{self, Receiver};
use super::server::{MAX_BODY, SaidAddress, Server, read as read_server, said_address};
use super::source::{self, Source};
use super::telemetry::{TelemetrySettings, read as read_telemetry};
use super::tenant::{self, Tenant};
use super::tls::{self, ListenerTls};
use super::{network, retention, write_back_receivers};
use crate::defender::Endpoints;
use crate::defender::network::NetworkSettings;

/// What can be used of settings that may have faults: for whoever looks for what is wrong.
#[derive(Default)]
pub struct SettingsInPart {
    pub server: Option<Server>,
    pub tls: Option<ListenerTls>,
    pub admin_tls: Option<ListenerTls>,
    pub admin: Option<AdminSettings>,
    pub journal: Option<JournalSettings>,
    pub network: Option<NetworkSettings>,
    pub(super) telemetry: Option<TelemetrySettings>,
    /// Those without fault.
    pub tenants: Vec<Tenant>,
    /// Where the calls of each tenant go, as far as that is known.
    pub endpoints: Vec<(String, Endpoints)>,
    pub sources: Vec<Source>,
    pub(super) receivers: Vec<Receiver>,
    pub faults: Vec<SettingsFault>,
    pub(super) policy: Option<String>,
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl SettingsInPart {
    pub(super) fn read<'i>(inputs: &'i Inputs, ctx: &mut Context<'i>) -> SettingsInPart {
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
        let mut admin = root.section(ctx, "admin");
        let listen = admin.as_mut().and_then(|s| said_address(s, ctx, "listen"));
        let (server, tls) = public(&mut root, listen, flags, ctx);
        let (behind_proxy, admin_tls) = tls_of_admin(admin.as_mut(), flags, ctx);
        let journal = root
            .section(ctx, "journal")
            .map(|s| read_journal(s, flags, ctx));
        let network = root
            .section(ctx, "network")
            .and_then(|s| network::read(s, ctx));
        let telemetry = root
            .section(ctx, "telemetry")
            .and_then(|s| read_telemetry(s, ctx));
        let policy = root.section(ctx, "policy").and_then(|s| policy(s, ctx));
        let tenants = tenants(&mut root, &mut included, flags, ctx);
        let names: Vec<String> = tenants.iter().map(|(name, _)| name.clone()).collect();
        let tenants: Vec<_> = tenants
            .into_iter()
            .filter_map(|(name, s)| tenant::read(name, s, is_credential_free(flags), ctx))
            .collect();
        let admin = admin.map(|s| admin::read(s, &names, (listen.is_some(), behind_proxy), ctx));
        let sources = root.sections(ctx, &mut included, "sources");
        let max_body = server.as_ref().map_or(MAX_BODY, |server| server.max_body);
        let sources: Vec<_> = sources
            .into_iter()
            .filter_map(|(name, s)| source::read(name, s, &names, max_body, ctx))
            .collect();
        let receivers = receivers(&mut root, &mut included, &names, ctx);
        root.finish(ctx);
        included
            .into_iter()
            .for_each(|file| file.finish_included(ctx));
        ctx.unused_variables();
        let read = SettingsInPart {
            server,
            tls,
            admin_tls,
            admin,
            journal,
            network,
            telemetry,
            tenants,
            sources,
            receivers,
            policy,
            ..SettingsInPart::default()
        };
        read.compared(flags, ctx)
    }

    /// What no part can know alone; and all that was found.
    fn compared(self, flags: &Flags, ctx: &mut Context<'_>) -> SettingsInPart {
        if !flags.simulate {
            tenant::compare(&self.tenants, ctx);
        }
        if let Some(journal) = &self.journal {
            ctx.faults
                .extend(retention::compare(journal, &self.tenants, &self.sources));
        }
        if let (Some(admin), Some(server)) = (&self.admin, &self.server) {
            let proxies = !server.trusted_proxies.0.is_empty();
            let has_tls = self.admin_tls.is_some();
            admin::compare(admin, server.admin_listen, has_tls, proxies, ctx);
        }
        let writes_back = self
            .sources
            .iter()
            .any(|source| source.write_back.is_some());
        receiver::without_links(&self.receivers, writes_back, self.admin.as_ref(), ctx);
        write_back_receivers::compare(&self.sources, &self.tenants, ctx);
        source::compare(&self.sources, ctx);
        source::presentable(&self.sources, self.server.as_ref(), self.tls.as_ref(), ctx);
        SettingsInPart {
            endpoints: take(&mut ctx.endpoints),
            faults: take(&mut ctx.faults),
            warnings: take(&mut ctx.warnings),
            notes: take(&mut ctx.notes),
            ..self
        }
    }
}

/// Whether a tenant may be without a credential: nothing is called, or the simulator is.
fn is_credential_free(flags: &Flags) -> bool {
    flags.simulate || flags.credential_free
}

/// `[tenants.*]` of all files, with what they share; at least one.
fn tenants<'i>(
    root: &mut Section<'i>,
    included: &mut [Section<'i>],
    flags: &Flags,
    ctx: &mut Context<'i>,
) -> Vec<(String, Section<'i>)> {
    let mut tenants = root.sections(ctx, included, "tenants");
    if let Some(mut shared) = root.section(ctx, "tenant_defaults") {
        tenant::share(&mut shared, &mut tenants, ctx);
    }
    if tenants.is_empty() && is_credential_free(flags) {
        tenants.push(("default".to_owned(), Section::empty("tenants.default")));
    }
    if tenants.is_empty() {
        ctx.fault(
            "missing-key",
            "tenants",
            "no tenant is configured: name one, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
        );
    }
    tenants
}

/// Whether a proxy ends TLS before the admin listener; else its own TLS, if it has one.
fn tls_of_admin<'i>(
    admin: Option<&mut Section<'i>>,
    flags: &Flags,
    ctx: &mut Context<'i>,
) -> (bool, Option<ListenerTls>) {
    let Some(section) = admin else {
        return (false, None);
    };
    if admin::behind_proxy(section, ctx) {
        return (true, None);
    }
    (false, tls::read(section, flags, ctx))
}

/// `[server]`, with its TLS.
fn public<'i>(
    root: &mut Section<'i>,
    admin: Option<SaidAddress>,
    flags: &Flags,
    ctx: &mut Context<'i>,
) -> (Option<Server>, Option<ListenerTls>) {
    let mut server = root.section(ctx, "server");
    let tls = server.as_mut().and_then(|s| tls::read(s, flags, ctx));
    (server.map(|s| read_server(s, admin, flags, ctx)), tls)
}

/// `[policy]`: the name of the rules file.
fn policy<'i>(mut section: Section<'i>, ctx: &mut Context<'i>) -> Option<String> {
    let file = section.parse(ctx, "file", "the name of a file", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    });
    section.finish(ctx);
    file
}

/// `[receivers.*]`, which may name these tenants.
fn receivers<'i>(
    root: &mut Section<'i>,
    included: &mut [Section<'i>],
    tenants: &[String],
    ctx: &mut Context<'i>,
) -> Vec<Receiver> {
    root.sections(ctx, included, "receivers")
        .into_iter()
        .filter_map(|(name, s)| receiver::read(name, s, tenants, ctx))
        .collect()
}
