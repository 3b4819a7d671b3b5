//! `[sources.x]`.

mod map;
mod requests;
mod tenants;

use core::time::Duration;

use super::auth;
use super::place::{Context, Section};
use super::server::Server;
use super::tls::ListenerTls;
use super::write_back::{self, WriteBack, WriteBackTarget};
use crate::presets;
use map::{headers_are_signed, lacks, mapping};
use requests::{CONTENT_TYPE, content_encodings, content_types, methods};
use scanhook_core::alert::Alert;
use scanhook_core::mapping::{DeliveryLimits, Mapping};
use scanhook_core::signature::{Authentication, Check, Key};
use tenants::{ActsForSetting, acting};

/// `[sources.x]`: one configured sender. Without `Debug`: it holds its secrets.
#[derive(Clone)]
pub struct Source {
    /// The configured name, also in the URL.
    pub name: String,
    /// The preset its map builds on; empty for one that is all its own.
    pub preset: String,
    /// How its bodies are read.
    pub mapping: Mapping,
    /// How much one delivery may ask for.
    pub caps: DeliveryLimits,
    /// How its requests prove themselves.
    pub auth: Authentication,
    /// The tenants it may act on. With several, each alert says for which: [`Alert::acts_for`].
    pub tenants: Vec<String>,
    /// Media types it may send, lower case.
    pub content_types: Vec<String>,
    /// Whether it may compress its bodies by gzip.
    pub gzip: bool,
    /// Methods it may use, upper case.
    pub methods: Vec<String>,
    /// How long a delivery or alert counts as the same.
    pub remember: Duration,
    /// How long it may stay silent before somebody should look.
    pub expect_every: Option<Duration>,
    /// Cap of a body, in bytes.
    pub max_body: usize,
    /// What goes back to where its alerts came from.
    pub write_back: Option<WriteBack>,
}

impl Source {
    /// A source that reads as a preset does, named like it. Nobody can authenticate as it: it is for bodies that lie
    /// here, not for requests.
    #[must_use]
    pub fn of_preset(name: &str) -> Option<Source> {
        Some(Source {
            name: name.to_owned(),
            preset: name.to_owned(),
            mapping: Mapping::compile(presets::map(name)?).ok()?,
            caps: DeliveryLimits {
                alerts: MOST_ALERTS as usize,
                devices: MOST_DEVICES as usize,
            },
            auth: Authentication {
                alternatives: Vec::new(),
            },
            tenants: vec!["default".to_owned()],
            content_types: vec![CONTENT_TYPE.to_owned()],
            gzip: false,
            methods: vec!["POST".to_owned()],
            remember: REMEMBER,
            expect_every: None,
            max_body: super::server::MAX_BODY,
            write_back: None,
        })
    }

    /// Whether it has comments written on alerts of Defender for this tenant.
    #[must_use]
    pub fn comments_alerts_of(&self, tenant: &str) -> bool {
        let back = self.write_back.as_ref();
        back.is_some_and(|back| back.target == WriteBackTarget::DefenderAlert)
            && self.tenants.iter().any(|name| name == tenant)
    }

    /// The tenant that acts on an alert of it. `None` where it acts for several and the alert, which then is parked,
    /// belongs to none.
    #[must_use]
    pub fn tenant_of<'s>(&'s self, alert: &'s Alert) -> Option<&'s str> {
        let only = || self.tenants.first().filter(|_| self.tenants.len() == 1);
        alert.acts_for.as_ref().or_else(only).map(String::as_str)
    }
}

/// What a source has where nothing else is said.
const MOST_ALERTS: u32 = 500;
const MOST_DEVICES: u32 = 50;
const REMEMBER: Duration = Duration::from_secs(3 * 86_400);

/// Reads one source; `tenants` are the names of all that are configured.
pub(super) fn read<'i>(
    name: String,
    mut section: Section<'i>,
    tenants: &[String],
    max_body: usize,
    ctx: &mut Context<'i>,
) -> Option<Source> {
    let (preset, mapping) = mapping(&mut section, ctx);
    let acting = acting(&mut section, tenants, ctx);
    let (tenants, mapping) = match (acting, mapping) {
        (
            Some(ActsForSetting {
                tenants,
                told: Some(told),
            }),
            Some(mapping),
        ) => (Some(tenants), told.by(mapping, &section, ctx)),
        (acting, mapping) => (acting.map(|acting| acting.tenants), mapping),
    };
    let caps = DeliveryLimits {
        alerts: section.number(ctx, "max_alerts", MOST_ALERTS, 1..=10_000) as usize,
        devices: section.number(ctx, "max_devices", MOST_DEVICES, 1..=1_000) as usize,
    };
    let content_types = content_types(&mut section, ctx);
    let gzip = content_encodings(&mut section, ctx);
    let methods = methods(&mut section, ctx);
    let range = Duration::from_secs(60)..=Duration::from_secs(400 * 86_400);
    let remember = section.duration(ctx, "remember", REMEMBER, range);
    let expect_every = expect_every(&mut section, ctx);
    let write_back = write_back::read(&mut section, mapping.as_ref(), ctx);
    let auth = auth::read(&mut section, ctx);
    if let Some(mapping) = &mapping {
        headers_are_signed(mapping, &auth, &section, ctx);
        lacks(&name, mapping, ctx);
    }
    section.finish(ctx);
    auth::weigh(&name, &auth, ctx);
    Some(Source {
        name,
        preset,
        mapping: mapping?,
        caps,
        auth,
        tenants: tenants?,
        content_types,
        gzip,
        methods,
        remember,
        expect_every,
        max_body,
        write_back,
    })
}

/// A secret known to two senders lets each speak for the other.
pub(super) fn compare(sources: &[Source], ctx: &mut Context<'_>) {
    for (n, one) in sources.iter().enumerate() {
        for other in &sources[..n] {
            let shared = |key: &&Key| keys(other).any(|theirs| theirs.same_secret(key));
            if let Some(key) = keys(one).find(shared) {
                ctx.warnings.push(format!(
                    "sources `{}` and `{}` share a secret ({}): each can speak for the other",
                    other.name,
                    one.name,
                    key.id()
                ));
            }
        }
    }
}

/// A certificate that nobody can show proves nobody.
pub(super) fn presentable(
    sources: &[Source],
    server: Option<&Server>,
    tls: Option<&ListenerTls>,
    ctx: &mut Context<'_>,
) {
    let shown = tls.is_some_and(ListenerTls::asks_for_certificate);
    if shown || server.is_none_or(|server| !server.trusted_proxies.0.is_empty()) {
        return;
    }
    let asks = |check: &Check| matches!(check, Check::ClientCertificate(_));
    for source in sources
        .iter()
        .filter(|source| source.auth.alternatives.iter().flatten().any(asks))
    {
        ctx.warnings.push(format!(
            "source `{}`: no sender can show the client certificate that `mtls` asks for: set `client_ca_file` of \
             `[server.tls]`, or `trusted_proxies` where a proxy sends the header Client-Cert",
            source.name
        ));
    }
}

fn keys(source: &Source) -> impl Iterator<Item = &Key> {
    source
        .auth
        .alternatives
        .iter()
        .flatten()
        .flat_map(Check::keys)
}

fn expect_every<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Duration> {
    let there = section.has(ctx, "expect_every");
    let range = Duration::from_secs(1)..=Duration::from_secs(400 * 86_400);
    let span = section.duration(ctx, "expect_every", REMEMBER, range);
    there.then_some(span)
}
