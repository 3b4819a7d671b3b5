//! `managed_identity` and `platform`: which identity of this computer, and who is asked for its tokens. The platforms say by
//! variables of their own where they are asked; such an address is on this computer or link-local, or it is refused.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::defender::credential::{AzurePlatform, IdentityName, ManagedIdentity};
use crate::defender::is_near;
use crate::settings::place::{Context, Section};

/// The metadata service of virtual machines.
const METADATA: &str = "http://169.254.169.254";
/// The agent of Azure Arc.
const AGENT: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
/// The only folder whose key files are read.
const KEYS: &str = "/var/opt/azcmagent/tokens";
/// Where App Service and the agent of Azure Arc are asked.
const ENDPOINT: &str = "IDENTITY_ENDPOINT";
/// What App Service wants to see.
const HEADER: &str = "IDENTITY_HEADER";
/// Set beside the endpoint on machines of Azure Arc.
const IMDS: &str = "IMDS_ENDPOINT";
/// Where the libraries of Microsoft ask instead of the metadata service.
const AUTHORITY: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const WORDS: &str = "\"system\", or a table with one of client_id, object_id and resource_id";

pub(super) fn read<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<ManagedIdentity> {
    let which = which(table, ctx);
    let platform = platform(table, ctx)?;
    let which = which?;
    if matches!(platform, AzurePlatform::Arc { .. }) && which != IdentityName::System {
        let message = "Azure Arc gives a computer one identity: it must be \"system\"";
        table.fault(ctx, "managed_identity", "bad-value", message);
        return None;
    }
    Some(ManagedIdentity { which, platform })
}

fn which<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<IdentityName> {
    if !table.has(ctx, "managed_identity") {
        table.missing(ctx, "managed_identity", format!("must be {WORDS}"));
        return None;
    }
    if table.is_text(ctx, "managed_identity") {
        let system = |text: &str| (text == "system").then_some(IdentityName::System);
        return table.parse(ctx, "managed_identity", WORDS, system);
    }
    let mut below = table.section(ctx, "managed_identity")?;
    let mut id = |key: &'static str| {
        let read = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
        below.parse(ctx, key, "the id as Azure shows it", read)
    };
    let ids = [
        id("client_id").map(IdentityName::ClientId),
        id("object_id").map(IdentityName::ObjectId),
        id("resource_id").map(IdentityName::ResourceId),
    ];
    below.finish(ctx);
    let mut named = ids.into_iter().flatten();
    let (first, more) = (named.next(), named.next());
    if first.is_none() || more.is_some() {
        table.fault(
            ctx,
            "managed_identity",
            "bad-value",
            format!("must be {WORDS}"),
        );
        return None;
    }
    first
}

fn platform<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<AzurePlatform> {
    let words = "auto, vm, app-service or arc";
    let known = |text: &str| {
        ["auto", "vm", "app-service", "arc"]
            .into_iter()
            .find(|known| *known == text)
    };
    let said = table.parse(ctx, "platform", words, known);
    if said.is_none() && table.knows("platform") {
        return None;
    }
    let set = |name: &str| ctx.env.get(name).is_some_and(|value| !value.is_empty());
    let found = match (set(ENDPOINT), set(HEADER), set(IMDS)) {
        (true, true, _) => "app-service",
        (true, false, true) => "arc",
        _ => "vm",
    };
    match said.filter(|said| *said != "auto").unwrap_or(found) {
        "app-service" => app_service(table, ctx),
        "arc" => {
            let endpoint = address(table, ctx, ENDPOINT, AGENT)?;
            Some(AzurePlatform::Arc {
                endpoint,
                keys: PathBuf::from(KEYS),
            })
        }
        _ => {
            let host = address(table, ctx, AUTHORITY, METADATA)?;
            Some(AzurePlatform::Vm {
                host: host.trim_end_matches('/').to_owned(),
            })
        }
    }
}

fn app_service<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<AzurePlatform> {
    let endpoint = address(table, ctx, ENDPOINT, "")?;
    let header = ctx.env.get(HEADER).filter(|value| !value.is_empty());
    let Some(header) = header.filter(|_| !endpoint.is_empty()) else {
        let message = format!(
            "the variables {ENDPOINT} and {HEADER} are not set, as App Service does where a managed identity is switched on: \
             switch it on, or name another platform"
        );
        table.fault(ctx, "platform", "bad-value", message);
        return None;
    };
    ctx.used.insert(HEADER.to_owned());
    Some(AzurePlatform::AppService {
        endpoint,
        header: SecretString::from(header.as_str()),
    })
}

/// The address that a variable names, or the documented one.
fn address<'i>(
    table: &mut Section<'i>,
    ctx: &mut Context<'i>,
    variable: &str,
    documented: &str,
) -> Option<String> {
    let Some(text) = ctx.env.get(variable).filter(|text| !text.is_empty()) else {
        return Some(documented.to_owned());
    };
    if is_near(text) {
        return Some(text.clone());
    }
    let message = format!(
        "the variable {variable} names no plain http address of this computer or of the link (127.0.0.1, 169.254.…): a \
         managed identity is asked nowhere else"
    );
    table.fault(ctx, "platform", "bad-value", message);
    None
}
