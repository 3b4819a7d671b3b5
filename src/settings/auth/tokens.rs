//! Whose tokens of Entra ID are taken, and where the keys are that sign them.

use uuid::Uuid;

use crate::defender;
use crate::settings::place::{Context, Section};
use scanhook_core::signature::Entra;

/// Microsoft's public login.
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// Whose tokens of Entra ID are taken.
pub(super) fn entra<'i>(mut table: Section<'i>, ctx: &mut Context<'i>) -> Option<Entra> {
    let guid = |text: &str| {
        text.parse::<Uuid>()
            .ok()
            .map(|id| id.hyphenated().to_string())
    };
    let tenant_id = table.parse(ctx, "tenant_id", "the id of the tenant, a GUID", guid);
    if tenant_id.is_none() && !table.knows("tenant_id") {
        table.missing(
            ctx,
            "tenant_id",
            "must be the id of the tenant whose tokens are taken",
        );
    }
    let texts = |table: &mut Section<'i>, ctx: &mut Context<'i>, key| {
        let texts = table.texts(ctx, key)?;
        if texts.is_empty() || texts.iter().any(String::is_empty) {
            table.fault(ctx, key, "bad-value", "must not be empty");
        }
        Some(texts)
    };
    let audiences = texts(&mut table, ctx, "audience");
    if audiences.is_none() && !table.knows("audience") {
        table.missing(
            ctx,
            "audience",
            "must be the audience of the token, such as \"api://scanhook\"",
        );
    }
    let roles = texts(&mut table, ctx, "roles").unwrap_or_default();
    let apps = texts(&mut table, ctx, "app_id").unwrap_or_default();
    let objects = texts(&mut table, ctx, "object_id").unwrap_or_default();
    if roles.is_empty() && apps.is_empty() && objects.is_empty() {
        // Entra gives any app of the tenant a token for any audience that does not ask for an assignment.
        table.missing(
            ctx,
            "roles",
            "must say who of the tenant may speak: `roles`, `app_id` or `object_id`",
        );
    }
    let authority = table
        .take::<String>(ctx, "authority")
        .unwrap_or_else(|| AUTHORITY.to_owned());
    let authority = defender::login_authority(&authority)
        .map_err(|why| table.fault(ctx, "authority", "bad-value", why.to_string()))
        .ok();
    let issuers = texts(&mut table, ctx, "issuer");
    table.finish(ctx);
    let (tenant_id, authority) = (tenant_id?, authority?);
    let both = || {
        vec![
            format!("https://sts.windows.net/{tenant_id}/"),
            format!("{authority}/{tenant_id}/v2.0"),
        ]
    };
    let lower = |ids: Vec<String>| ids.iter().map(|id| id.to_ascii_lowercase()).collect();
    Some(Entra {
        keys: format!("{authority}/{tenant_id}/discovery/v2.0/keys"),
        issuers: issuers.unwrap_or_else(both),
        audiences: audiences?,
        tenant_id,
        roles,
        apps: lower(apps),
        objects: lower(objects),
    })
}
