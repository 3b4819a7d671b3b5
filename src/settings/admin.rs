//! `[admin]`: who may come in at the admin listener, and under which name it is reached.

mod sign_in;
mod tokens;

use core::net::SocketAddr;
use core::time::Duration;

use super::fault::SettingsFault;
use super::place::{Context, Section};
use scanhook_core::access::{AccessToken, AdminGrant, AdminRole, TenantScope};
use scanhook_core::message::PublicUrl;
use scanhook_core::rules::Rules;
pub use sign_in::OpenIdSettings;

/// `[admin]`.
#[derive(Clone)]
pub struct AdminSettings {
    /// How people and links reach it: scheme, host and perhaps a port, without a trailing slash.
    pub public_url: Option<PublicUrl>,
    pub tokens: Vec<AccessToken>,
    /// Where people sign in.
    pub sign_in: Option<OpenIdSettings>,
    /// What a request from this computer may do without a credential.
    pub loopback: Option<AdminGrant>,
    pub session: SessionLimits,
    /// Its address stands here, and not in `[server] admin_listen`.
    pub has_listen: bool,
    /// `tls = "proxy"`: one of `[server] trusted_proxies` ends TLS before it.
    pub behind_proxy: bool,
}

/// How long somebody stays signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// While nothing is asked.
    pub idle: Duration,
    /// Whatever is asked.
    pub longest: Duration,
}

impl AdminSettings {
    /// Whether anybody but this computer was given access.
    #[must_use]
    pub fn has_accounts(&self) -> bool {
        !self.tokens.is_empty() || self.sign_in.is_some()
    }

    /// That the rules ask for two people while nobody can be told from anybody else.
    #[must_use]
    pub fn no_second_person(&self, rules: &Rules) -> Option<SettingsFault> {
        let name = rules.asking_two().next().filter(|_| !self.has_accounts())?;
        let message = format!(
            "gives access to nobody, but protection `{name}` of the rules asks for two people, and whoever is at this computer is \
             one for all: `scanhook token` makes a token for each person"
        );
        Some(SettingsFault {
            code: "no-second-person",
            key: "admin".to_owned(),
            file: None,
            line: None,
            column: None,
            message,
        })
    }

    /// The host under which `public_url` is reached, with its port if it has one.
    #[must_use]
    pub fn public_host(&self) -> Option<&str> {
        Some(self.public_url.as_ref()?.as_str().split_once("://")?.1)
    }
}

pub(super) fn read<'i>(
    mut section: Section<'i>,
    tenants: &[String],
    (has_listen, behind_proxy): (bool, bool),
    ctx: &mut Context<'i>,
) -> AdminSettings {
    let public_url = section.parse(
        ctx,
        "public_url",
        "an https URL without a path, such as https://scanhook.example",
        public_url,
    );
    let tokens = tokens::read(&mut section, tenants, ctx);
    let has_sign_in = section.has(ctx, "sign_in");
    let sign_in = section
        .section(ctx, "sign_in")
        .filter(|_| has_sign_in)
        .and_then(|table| sign_in::read(table, tenants, ctx));
    let role = section.parse(
        ctx,
        "loopback",
        "admin, viewer or nothing",
        |text| match text {
            "nothing" => Some(None),
            "admin" | "viewer" => Some(AdminRole::of_code(text)),
            _ => None,
        },
    );
    // Whoever configures a token or a sign-in means that a credential is asked for, from this computer as well.
    let role = role.unwrap_or((tokens.is_empty() && !has_sign_in).then_some(AdminRole::Admin));
    let session = session(&mut section, ctx);
    section.finish(ctx);
    AdminSettings {
        public_url,
        tokens,
        sign_in,
        loopback: role.map(|role| AdminGrant {
            role,
            tenants: TenantScope::All,
        }),
        session,
        has_listen,
        behind_proxy,
    }
}

fn session<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> SessionLimits {
    let mut table = section
        .section(ctx, "session")
        .unwrap_or_else(|| Section::empty("admin.session"));
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let bounds = minutes(1)..=minutes(7 * 24 * 60);
    let longest = table.duration(ctx, "longest", minutes(10 * 60), bounds.clone());
    let idle = table.duration(ctx, "idle", minutes(30).min(longest), bounds);
    if idle > longest {
        table.fault(ctx, "idle", "bad-value", "must not be more than `longest`");
    }
    table.finish(ctx);
    SessionLimits { idle, longest }
}

/// `tls = "proxy"`, in place of a table with certificates.
pub(super) fn behind_proxy<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> bool {
    let is_text = section
        .copy("tls")
        .is_some_and(|tls| tls.get_ref().as_str().is_some());
    is_text
        && section
            .parse(
                ctx,
                "tls",
                "a table with `cert_file` and `key_file`, or \"proxy\"",
                |text| (text == "proxy").then_some(()),
            )
            .is_some()
}

/// Where somebody else can reach it, it needs TLS and a credential to ask for.
pub(super) fn compare(
    admin: &AdminSettings,
    listen: SocketAddr,
    has_tls: bool,
    proxies: bool,
    ctx: &mut Context<'_>,
) {
    let mut fault = |key: &str, message: &str| ctx.fault("bad-value", key, message);
    if admin.behind_proxy && !proxies {
        fault(
            "admin.tls",
            "is \"proxy\", but `[server] trusted_proxies` names none",
        );
    }
    // Without a name of its own it is reached as this computer, which is no address for people to be sent back to from outside.
    let needs_name = admin
        .sign_in
        .as_ref()
        .is_some_and(OpenIdSettings::is_offered)
        && admin.public_url.is_none();
    let is_near = |sign_in: &OpenIdSettings| sign_in.is_near() && listen.ip().is_loopback();
    if needs_name && !admin.sign_in.as_ref().is_some_and(is_near) {
        fault(
            "admin.public_url",
            "must be set, and begin with https: the issuer of `[admin.sign_in]` sends people back to it",
        );
    }
    if listen.ip().is_loopback() {
        return;
    }
    let key = match admin.has_listen {
        true => "admin.listen",
        false => "server.admin_listen",
    };
    if !has_tls && !admin.behind_proxy {
        fault(
            key,
            "must be a loopback address, or `[admin.tls]` must be set: credentials never go over plain http",
        );
    } else if !admin.has_accounts() {
        fault(
            key,
            "must be a loopback address while nobody is given access: `scanhook token` makes a token",
        );
    }
}

/// An origin: no path, no user, no query. Plain http is for this computer only.
fn public_url(text: &str) -> Option<PublicUrl> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (scheme, authority) = text.split_once("://")?;
    let authority: http::uri::Authority = authority.parse().ok()?;
    let host = authority.host();
    let fits = match scheme {
        "https" => true,
        "http" => crate::defender::is_loopback(host),
        _ => false,
    };
    let fits = fits && !host.is_empty() && !text.contains('@');
    PublicUrl::parse(&text.to_ascii_lowercase()).filter(|_| fits)
}
