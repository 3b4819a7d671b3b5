//! `[tenants.x]`.

use core::time::Duration;

use super::cloud;
use super::credential::{self, TenantCredential};
use super::place::{Context, Section};
use crate::certificate::PlacedCertificate;
use crate::defender::Endpoints;
use crate::defender::credential::Credential;
use scanhook_core::quota::Share;
use scanhook_core::scan::{Mode, OnUnknown};
use scanhook_core::verdict::Limit;

/// `[tenants.x]`: one Entra tenant with its credential and quota. Without `Debug`: it holds the credential.
#[derive(Clone)]
pub struct Tenant {
    /// The configured name; the rules' field `tenant`.
    pub name: String,
    /// Entra's id or domain of the tenant.
    pub tenant_id: String,
    /// The app registration's id; of a managed identity that is the app itself, what names the identity.
    pub client_id: String,
    pub credential: TenantCredential,
    pub endpoints: Endpoints,
    /// How far its rules may go; `None`: no ceiling.
    pub mode: Option<Mode>,
    /// Our share of each API's own budget.
    pub quota: Share,
    /// Scans that may begin in a sliding window.
    pub limit: Limit,
    /// What becomes of a call whose answer was lost, where the app may not read machine actions.
    pub on_unknown: OnUnknown,
    /// Scan calls carry `ExternalId`.
    pub external_id: bool,
    /// A scan that no list has ended by then is *lost*.
    pub follow_for: Duration,
}

impl Tenant {
    /// The app as which it calls, in its Entra tenant: the quota is the app's, whatever its names here.
    #[must_use]
    pub fn app(&self) -> String {
        app_of(&self.tenant_id, &self.client_id)
    }
}

/// What an app of an Entra tenant is known by, however both are written.
#[must_use]
pub fn app_of(tenant_id: &str, client_id: &str) -> String {
    format!("{tenant_id}/{client_id}").to_lowercase()
}

/// What each tenant says for itself: who it is, and how it proves that.
const OWN: [&str; 3] = ["tenant_id", "client_id", "credential"];

/// Lets `[tenant_defaults]` say what the tenants do not.
pub(super) fn share<'i>(
    shared: &mut Section<'i>,
    tenants: &mut [(String, Section<'i>)],
    ctx: &mut Context<'i>,
) {
    shared.refuse(
        ctx,
        &OWN,
        "cannot be a default: each tenant has its own, below [tenants.x]",
    );
    for (_, tenant) in tenants {
        tenant.share(shared, &OWN);
    }
}

/// Reads one tenant. The simulator asks for no credential, so there it may be left out.
pub(super) fn read<'i>(
    name: String,
    mut section: Section<'i>,
    simulate: bool,
    ctx: &mut Context<'i>,
) -> Option<Tenant> {
    let id = |section: &mut Section<'i>,
              ctx: &mut Context<'i>,
              key: &'static str,
              must_be: &str,
              simulated: &str| {
        let id = section.parse(ctx, key, must_be, |text| {
            is_id(text).then(|| text.to_owned())
        });
        if id.is_some() || section.knows(key) {
            return id;
        }
        if !simulate {
            section.missing(ctx, key, format!("must be {must_be}"));
        }
        simulate.then(|| simulated.to_owned())
    };
    let tenant_id = id(
        &mut section,
        ctx,
        "tenant_id",
        "the id or a domain of one Entra tenant",
        "00000000-0000-0000-0000-00000000000a",
    );
    // A managed identity that is the app itself needs none.
    let is_identity = section.has_below(ctx, "credential", "managed_identity");
    let client_id = match is_identity && !section.has(ctx, "client_id") {
        true => None,
        false => id(
            &mut section,
            ctx,
            "client_id",
            "the id of the app registration",
            "00000000-0000-0000-0000-00000000000b",
        ),
    };
    let credential = if simulate && !section.has(ctx, "credential") {
        Some(credential::simulated())
    } else {
        section
            .section(ctx, "credential")
            .and_then(|table| credential::read(table, &name, ctx))
    };
    let client_id = client_id.or(credential.as_ref().and_then(of_identity));
    let endpoints = cloud::endpoints(&name, &mut section, ctx);
    let mode = section.parse(ctx, "mode", "dry_run, approve or enforce", Mode::of_code);
    let quota = quota(&mut section, ctx);
    let limit = limit(&mut section, ctx);
    let on_unknown = section
        .parse(ctx, "on_unknown", "repost or leave", OnUnknown::of_code)
        .unwrap_or(OnUnknown::Leave);
    let external_id = section.take(ctx, "external_id").unwrap_or(true);
    let range = Duration::from_secs(3 * 86_400)..=Duration::from_secs(60 * 86_400);
    let follow_for = section.duration(ctx, "follow_for", Duration::from_secs(7 * 86_400), range);
    named_by_its_id(&section, tenant_id.as_deref(), credential.as_ref(), ctx);
    section.finish(ctx);
    Some(Tenant {
        name,
        tenant_id: tenant_id?,
        client_id: client_id?,
        credential: credential?,
        endpoints: endpoints?,
        mode,
        quota,
        limit,
        on_unknown,
        external_id,
        follow_for,
    })
}

/// A secret or an assertion is taken by the Entra tenant that the URL of the token names, by its id or a domain. Nothing but the
/// token itself says whose a managed identity is, and it says an id.
fn named_by_its_id(
    section: &Section<'_>,
    tenant_id: Option<&str>,
    credential: Option<&TenantCredential>,
    ctx: &mut Context<'_>,
) {
    let is_domain = tenant_id.is_some_and(|id| id.parse::<uuid::Uuid>().is_err());
    if is_domain && credential.is_some_and(|one| of_identity(one).is_some()) {
        section.fault(
            ctx,
            "tenant_id",
            "bad-value",
            "must be the tenant's id beside a managed identity: a domain cannot be compared with what its token says",
        );
    }
}

/// What stands for the client id of a managed identity that is the app itself.
fn of_identity(credential: &TenantCredential) -> Option<String> {
    match credential.as_deref() {
        Ok(Credential::ManagedIdentity(identity)) => Some(identity.which.as_app()),
        _ => None,
    }
}

impl Tenant {
    /// The certificate that signs for it, with the place it is shown by.
    #[must_use]
    pub fn certificate(&self) -> Option<PlacedCertificate> {
        let certificate = self.credential.as_ref().ok()?.certificate()?;
        Some((format!("tenant/{}", self.name), certificate.valid))
    }

    /// The tenants that call in its place, should they be another name of the same app in the same Entra tenant.
    #[must_use]
    pub fn gives_way_to(&self, all: &[Tenant]) -> Vec<String> {
        let rank = |tenant: &Tenant| {
            (
                tenant.tenant_id.parse::<uuid::Uuid>().is_err(),
                tenant.name.clone(),
            )
        };
        let mut first: Vec<&Tenant> = all
            .iter()
            .filter(|other| same(&other.client_id, &self.client_id) && rank(other) < rank(self))
            .collect();
        first.sort_by_key(|other| rank(other));
        first.into_iter().map(|other| other.name.clone()).collect()
    }
}

/// Two names for one app in one Entra tenant would each think the far side's whole budget theirs, and each scan a machine
/// that the other is scanning. A domain and the id of one Entra tenant are known to be the same only when it answers.
pub(super) fn compare(tenants: &[Tenant], ctx: &mut Context<'_>) {
    for (n, one) in tenants.iter().enumerate() {
        let twin = tenants[..n].iter().find(|other| {
            same(&one.tenant_id, &other.tenant_id) && same(&one.client_id, &other.client_id)
        });
        if let Some(twin) = twin {
            let message = format!(
                "is the app of tenant `{}` in the same Entra tenant: together they would spend twice its quota and scan a \
                 machine twice; name it once, and let both sources act for that one",
                twin.name
            );
            ctx.fault(
                "bad-value",
                format!("tenants.{}.client_id", one.name),
                message,
            );
        }
    }
}

/// Whether two ids or domains are the same one.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('.')
        .eq_ignore_ascii_case(other.trim_end_matches('.'))
}

/// It stands in the path of the token's URL. `common` and its like are no single tenant.
fn is_id(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && text.bytes().any(|b| matches!(b, b'-' | b'.'))
        && !text.starts_with('.')
}

fn quota<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Share {
    let whole = Share::WHOLE;
    let key = section.path("quota");
    let mut table = section
        .section(ctx, "quota")
        .unwrap_or_else(|| Section::empty(&key));
    let share = Share {
        per_minute: table.number(ctx, "per_minute", whole.per_minute, 1..=whole.per_minute),
        per_hour: table.number(ctx, "per_hour", whole.per_hour, 1..=whole.per_hour),
    };
    table.finish(ctx);
    share
}

fn limit<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Limit {
    let key = section.path("limit");
    let mut table = section
        .section(ctx, "limit")
        .unwrap_or_else(|| Section::empty(&key));
    let range = Duration::from_secs(60)..=Duration::from_secs(31 * 86_400);
    let limit = Limit {
        scans: table.number(ctx, "scans", 300, 1..=1_000_000),
        per: table.duration(ctx, "per", Duration::from_secs(3_600), range),
    };
    table.finish(ctx);
    limit
}
