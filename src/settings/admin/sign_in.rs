//! `[admin.sign_in]`: the issuer at which people sign in, and which of its roles let them in.

use std::collections::BTreeMap;

use http::header::{COOKIE, HOST, HeaderName, ORIGIN};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::tokens::scope_of;
use crate::defender::is_loopback;
use crate::settings::place::{Context, Section};
use crate::settings::secret;
use scanhook_core::access::{AdminGrant, AdminRole, RolesClaim, TokenIssuer};

/// `[admin.sign_in]`. Without `Debug`: it holds secrets.
#[derive(Clone)]
pub struct OpenIdSettings {
    pub of: TokenIssuer,
    /// What this program proves itself with at the issuer, the first that it takes. Empty: nobody is sent there to sign in.
    pub secrets: Vec<SecretString>,
    /// Where the keys of its tokens are, for an issuer without metadata; `None`: the metadata say it.
    pub keys: Option<String>,
    /// The header in which a signed token of this issuer is taken.
    pub header: Option<HeaderName>,
    /// What each role of the issuer is worth here.
    pub grants: BTreeMap<String, AdminGrant>,
}

impl OpenIdSettings {
    /// What these roles are worth together; `None`: nothing.
    #[must_use]
    pub fn grant(&self, roles: &[String]) -> Option<AdminGrant> {
        AdminGrant::together(roles.iter().filter_map(|role| self.grants.get(role)))
    }

    /// Whether people are sent to the issuer.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Those of the roles that are worth anything.
    #[must_use]
    pub fn known(&self, roles: &[String]) -> Vec<String> {
        let known = roles.iter().filter(|role| self.grants.contains_key(*role));
        known.cloned().collect()
    }

    /// The issuer and the app: a session that was begun with another one is over.
    #[must_use]
    pub fn identity(&self) -> String {
        let keys = self.keys.as_deref().unwrap_or_default();
        format!("{} {} {keys}", self.of.issuer, self.of.client_id)
    }

    /// Its name for people: that of its host, or of the company where everybody knows the host.
    #[must_use]
    pub fn shown(&self) -> String {
        match host(&self.of.issuer).unwrap_or_default().as_str() {
            "login.microsoftonline.com" | "login.microsoftonline.us" => "Microsoft".to_owned(),
            "accounts.google.com" => "Google".to_owned(),
            host => host.to_owned(),
        }
    }

    /// Whether the issuer is on this computer.
    #[must_use]
    pub fn is_near(&self) -> bool {
        host(&self.of.issuer).is_some_and(|host| is_loopback(&host))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantTable {
    role: String,
    tenants: Option<Vec<String>>,
}

pub(super) fn read<'i>(
    mut table: Section<'i>,
    tenants: &[String],
    ctx: &mut Context<'i>,
) -> Option<OpenIdSettings> {
    let must_be = "the https URL of one issuer, as its tokens say it";
    // Who signs for a proxy may have no metadata, and a name that is no address.
    let keys = table.parse(ctx, "keys", "the https URL of a JSON Web Key Set", key_url);
    let has_keys = table.knows("keys");
    let issuer = table.parse(ctx, "issuer", must_be, |text| match has_keys {
        true => (!text.trim().is_empty()).then(|| text.to_owned()),
        false => issuer(text),
    });
    let whole = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
    let client_id = table.parse(ctx, "client_id", "the app's id at the issuer", whole);
    for (key, absent) in [
        ("issuer", issuer.is_none()),
        ("client_id", client_id.is_none()),
    ] {
        if absent && !table.knows(key) {
            table.missing(ctx, key, "must be given");
        }
    }
    let must_be = "the name of a claim, or a JSON pointer such as \"/realm_access/roles\"";
    let roles = table.parse(ctx, "roles", must_be, whole);
    let roles = roles.unwrap_or_else(|| "roles".to_owned());
    let must_be = "the name of a header, such as \"Authorization\"";
    let header = table.parse(ctx, "header", must_be, |text| {
        let name = text.parse::<HeaderName>().ok()?;
        (![COOKIE, HOST, ORIGIN].contains(&name)).then_some(name)
    });
    table.offer(&["credential"]);
    let secrets = if table.has(ctx, "credential") {
        credential(&mut table, ctx)
    } else {
        if header.is_none() {
            let why =
                "must be given: `{ secret_file = … }`; without it only `header` lets people in";
            table.missing(ctx, "credential", why);
        }
        Vec::new()
    };
    if has_keys && !secrets.is_empty() {
        let why = "stands beside `credential`: whoever signs people in says where the keys are";
        table.fault(ctx, "keys", "bad-value", why);
    }
    let grants = grants(&mut table, tenants, ctx);
    table.finish(ctx);
    Some(OpenIdSettings {
        of: TokenIssuer {
            issuer: issuer?,
            client_id: client_id?,
            roles: match roles.starts_with('/') {
                true => RolesClaim::At(roles),
                false => RolesClaim::Named(roles),
            },
        },
        secrets,
        keys,
        header,
        grants,
    })
}

fn credential<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Vec<SecretString> {
    let Some(mut below) = table.section(ctx, "credential") else {
        return Vec::new();
    };
    let mut secrets = Vec::new();
    for (key, named) in secret::named(&mut below, ctx) {
        ctx.warnings.extend(named.oddity());
        let fault = match core::str::from_utf8(named.secret.expose_secret()) {
            Ok("") => "is empty",
            Ok(text) => {
                secrets.push(SecretString::from(text));
                continue;
            }
            Err(_) => "is not UTF-8",
        };
        below.fault(ctx, key, "bad-secret", format!("{}: {fault}", named.id));
    }
    below.finish(ctx);
    secrets
}

fn grants<'i>(
    table: &mut Section<'i>,
    tenants: &[String],
    ctx: &mut Context<'i>,
) -> BTreeMap<String, AdminGrant> {
    let mut grants = BTreeMap::new();
    let read = table.take_table::<BTreeMap<String, GrantTable>>(ctx, "grants");
    if read.as_ref().is_none_or(BTreeMap::is_empty) && (read.is_some() || !table.knows("grants")) {
        let why = "must say which roles of the issuer let people in, and how far";
        table.missing(ctx, "grants", why);
    }
    for (value, grant) in read.unwrap_or_default() {
        let shown = value.escape_debug();
        let Some(role) = AdminRole::of_code(&grant.role) else {
            let message = format!("`{shown}`: role must be viewer, approver, operator or admin");
            table.fault(ctx, "grants", "bad-value", message);
            continue;
        };
        match scope_of(grant.tenants, tenants) {
            Ok(tenants) => {
                grants.insert(value, AdminGrant { role, tenants });
            }
            Err(why) => {
                let message = format!("`{shown}`: tenants {why}");
                table.fault(ctx, "grants", "bad-value", message);
            }
        }
    }
    grants
}

fn host(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    Some(uri.host()?.to_owned())
}

/// Where keys are published. Plain http is for this computer only.
fn key_url(text: &str) -> Option<String> {
    let uri: http::Uri = text.parse().ok()?;
    let fits = match uri.scheme_str()? {
        "https" => true,
        "http" => is_loopback(uri.host()?),
        _ => false,
    };
    (fits && !text.contains(['@', '#']) && !uri.host()?.is_empty()).then(|| text.to_owned())
}

/// The URL of one issuer. Plain http is for this computer only, and an authority for people of several tenants of Entra ID is
/// none that a token could name.
fn issuer(text: &str) -> Option<String> {
    let uri: http::Uri = key_url(text)?.parse().ok()?;
    let shared = ["/common", "/organizations", "/consumers"];
    let is_one = !shared.iter().any(|shared| uri.path().starts_with(shared));
    (is_one && uri.query().is_none()).then(|| text.to_owned())
}
