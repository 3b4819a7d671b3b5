//! For whom a source acts: for one tenant, or for the one that a value of each alert tells.

use std::collections::{BTreeMap, BTreeSet};

use crate::settings::place::{Context, Section};
use scanhook_core::mapping::Mapping;
use scanhook_core::mapping::map::{MapValue, OneOrMany};

/// For whom a source acts.
pub(super) struct ActsForSetting {
    /// All it may act on.
    pub(super) tenants: Vec<String>,
    /// How an alert says for which; `None`: there is one.
    pub(super) told: Option<TenantHint>,
}

/// Which value of an alert tells its tenant.
pub(super) struct TenantHint {
    from: OneOrMany<MapValue>,
    map: BTreeMap<String, String>,
}

impl TenantHint {
    pub(super) fn by(
        self,
        mapping: Mapping,
        section: &Section<'_>,
        ctx: &mut Context<'_>,
    ) -> Option<Mapping> {
        let told = mapping.acting(self.from, &self.map);
        told.map_err(|faults| {
            for fault in faults {
                section.fault(ctx, "tenant_from", "bad-value", fault.message);
            }
        })
        .ok()
    }
}

pub(super) fn acting<'i>(
    section: &mut Section<'i>,
    configured: &[String],
    ctx: &mut Context<'i>,
) -> Option<ActsForSetting> {
    let named = section.texts(ctx, "tenants");
    let from = section.take_table::<OneOrMany<MapValue>>(ctx, "tenant_from");
    let map = section.take_table::<BTreeMap<String, String>>(ctx, "tenant_map");
    for name in named.iter().flatten() {
        if !configured.contains(name) {
            section.fault(
                ctx,
                "tenants",
                "bad-value",
                unknown_tenant(name, configured),
            );
        }
    }
    match (section.knows("tenant_from"), section.knows("tenant_map")) {
        (false, false) => {
            let tenants = vec![only(section, named, configured, ctx)?];
            return Some(ActsForSetting {
                tenants,
                told: None,
            });
        }
        (true, true) => {}
        (true, false) => section.missing(
            ctx,
            "tenant_map",
            "must say which tenant each value of `tenant_from` means",
        ),
        (false, true) => section.missing(
            ctx,
            "tenant_from",
            "must say which value `tenant_map` is about",
        ),
    }
    let (from, map) = (from?, map?);
    let mut values = BTreeSet::new();
    if map.is_empty() {
        section.fault(ctx, "tenant_map", "bad-value", "names no value");
    }
    for (value, name) in &map {
        let allowed = named.as_deref().unwrap_or(configured);
        if !allowed.contains(name) {
            section.fault(
                ctx,
                "tenant_map",
                "bad-value",
                unknown_tenant(name, allowed),
            );
        }
        if !values.insert(value.to_lowercase()) {
            let message = format!(
                "holds `{}` twice: letter case does not count",
                value.escape_debug()
            );
            section.fault(ctx, "tenant_map", "bad-value", message);
        }
    }
    let mapped: BTreeSet<_> = map.values().cloned().collect();
    let tenants = named.unwrap_or_else(|| mapped.into_iter().collect());
    Some(ActsForSetting {
        tenants,
        told: Some(TenantHint { from, map }),
    })
}

fn unknown_tenant(name: &str, known: &[String]) -> String {
    format!(
        "`{}` is not a tenant this source may act on; known: {}",
        name.escape_debug(),
        known.join(", ")
    )
}

/// The one tenant of a source whose alerts do not say for whom they are.
fn only<'i>(
    section: &mut Section<'i>,
    named: Option<Vec<String>>,
    configured: &[String],
    ctx: &mut Context<'i>,
) -> Option<String> {
    let Some(named) = named else {
        if let [only] = configured {
            return Some(only.clone());
        }
        if configured.len() > 1 && !section.knows("tenants") {
            section.missing(
                ctx,
                "tenants",
                "must name the tenant it may act on, because several are configured",
            );
        }
        return None;
    };
    if named.len() != 1 {
        let message = "must name exactly one tenant: of several, `tenant_from` and `tenant_map` say which is meant";
        section.fault(ctx, "tenants", "bad-value", message);
        return None;
    }
    named
        .into_iter()
        .next()
        .filter(|name| configured.contains(name))
}
