//! Links into Microsoft's own portal: a device, and what happened on it. Their form is used by many and documented by nobody,
//! so each page works without them.

use crate::server::state::Admin;
use scanhook_core::percent::{encoded, query};
use scanhook_core::time::Timestamp;

/// The page of a device.
pub(super) fn device_page(admin: &Admin, tenant: &str, machine: &str) -> Option<String> {
    link(admin, tenant, machine, "overview", &[])
}

/// What happened on a device between two instants.
pub(super) fn timeline_page(
    admin: &Admin,
    tenant: &str,
    machine: &str,
    from: Timestamp,
    to: Timestamp,
) -> Option<String> {
    let (from, to) = (from.to_string(), to.to_string());
    link(
        admin,
        tenant,
        machine,
        "timeline",
        &[("from", &from), ("to", &to)],
    )
}

fn link(
    admin: &Admin,
    tenant: &str,
    machine: &str,
    page: &str,
    more: &[(&str, &str)],
) -> Option<String> {
    let settings = admin.settings();
    let tenant = settings.tenants.iter().find(|one| one.name == tenant)?;
    let base = tenant.endpoints.portal()?;
    let id = ("tid", tenant.tenant_id.as_str());
    let query = query(more.iter().copied().chain([id]));
    Some(format!(
        "{base}/machines/v2/{}/{page}?{query}",
        encoded(machine)
    ))
}
