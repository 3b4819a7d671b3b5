//! What stays as it was where new settings cannot take its place: whatever takes a restart, and the credential of a tenant
//! whose new one cannot be read.

use crate::settings::{ListenerTls, Server, Settings, SettingsFault, Tenant};

/// A tenant whose secret or certificate cannot be read keeps the one it had, if it still calls as the same app of the same
/// Entra tenant there; else it has none. The others go on in either case. What is wrong, for all of them.
pub(super) fn credentials(old: &Settings, new: &mut Settings) -> Vec<SettingsFault> {
    let mut faults = Vec::new();
    for tenant in &mut new.tenants {
        let Err(found) = &tenant.credential else {
            continue;
        };
        faults.extend(found.iter().cloned());
        let before = old
            .tenants
            .iter()
            .find(|before| is_same_app(before, tenant));
        if let Some(Ok(kept)) = before.map(|before| &before.credential) {
            tenant.credential = Ok(kept.clone());
        }
    }
    faults
}

fn is_same_app(one: &Tenant, other: &Tenant) -> bool {
    one.name == other.name
        && one.tenant_id == other.tenant_id
        && one.client_id == other.client_id
        && one.endpoints == other.endpoints
}

/// The new settings with the old values of whatever takes a restart, each of which is named.
pub(super) fn restart(old: &Settings, new: Settings, named: &mut Vec<String>) -> Settings {
    let (was, is) = (&old.server, &new.server);
    let differs = [
        ("server.listen", was.listen != is.listen),
        ("admin.listen", was.admin_listen != is.admin_listen),
        (
            "server.trusted_proxies",
            was.trusted_proxies.0 != is.trusted_proxies.0,
        ),
        ("server.connections", was.connections != is.connections),
        (
            "server.auth_failures",
            was.auth_failures != is.auth_failures,
        ),
        ("server.body_memory", was.body_memory != is.body_memory),
        ("server.grace", was.grace != is.grace),
        ("server.tls", old.tls.is_some() != new.tls.is_some()),
        (
            "admin.tls",
            old.admin_tls.is_some() != new.admin_tls.is_some(),
        ),
        (
            "journal.url",
            old.journal.path != new.journal.path || old.journal.postgres != new.journal.postgres,
        ),
        ("journal.lease", old.journal.lease != new.journal.lease),
    ];
    named.extend(
        differs
            .into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(key, _)| key.to_owned()),
    );
    let mut journal = new.journal.clone();
    journal.path.clone_from(&old.journal.path);
    journal.postgres.clone_from(&old.journal.postgres);
    journal.lease = old.journal.lease;
    // A listener that has TLS keeps it, and one that has none gets none; the certificates are the new ones.
    let kept = |old: &Option<ListenerTls>, new: Option<ListenerTls>| {
        old.as_ref().map(|old| new.unwrap_or_else(|| old.clone()))
    };
    Settings {
        tls: kept(&old.tls, new.tls),
        admin_tls: kept(&old.admin_tls, new.admin_tls),
        server: Server {
            max_body: is.max_body,
            ..was.clone()
        },
        journal,
        ..new
    }
}
