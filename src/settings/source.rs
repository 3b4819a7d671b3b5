//! `[sources.x]`.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::place::{Context, Section};
use super::{Source, auth};
use crate::presets;
use scanhook_core::mapping::map::{MapValue, OneOrMany};
use scanhook_core::mapping::{DeliveryLimits, Map, Mapping};
use scanhook_core::signature::{Authentication, Check, Key};

/// What a source has where nothing else is said.
const MOST_ALERTS: u32 = 500;
const MOST_DEVICES: u32 = 50;
const REMEMBER: Duration = Duration::from_secs(3 * 86_400);
const CONTENT_TYPE: &str = "application/json";

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
    })
}

/// A preset as a source of its own, with every other key at its default and no way to authenticate.
pub(super) fn of_preset(name: &str) -> Option<Source> {
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

fn keys(source: &Source) -> impl Iterator<Item = &Key> {
    source
        .auth
        .alternatives
        .iter()
        .flatten()
        .flat_map(Check::keys)
}

fn mapping<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> (String, Option<Mapping>) {
    let preset = section.take::<String>(ctx, "preset");
    let shipped = match &preset {
        Some(name) => presets::map(name).or_else(|| {
            let known: Vec<_> = presets::names().collect();
            section.fault(
                ctx,
                "preset",
                "bad-value",
                format!("is none of the presets {}", known.join(", ")),
            );
            None
        }),
        None if section.has(ctx, "map") => Some(Map::default()),
        None => {
            section.missing(
                ctx,
                "preset",
                "must name a preset, or [map] must say how its bodies are read",
            );
            None
        }
    };
    let written = section.copy("map");
    let own = if section.has(ctx, "map") {
        section.take_table::<Map>(ctx, "map")
    } else {
        Some(Map::default())
    };
    let (Some(own), Some(shipped)) = (own, shipped) else {
        return (preset.unwrap_or_default(), None);
    };
    let mapping = Mapping::compile(own.over(shipped))
        .map_err(|faults| {
            for fault in faults {
                section.fault_in(ctx, written.as_ref(), ("map", &fault.key), fault.message);
            }
        })
        .ok();
    (preset.unwrap_or_default(), mapping)
}

/// For whom a source acts.
struct ActsForSetting {
    /// All it may act on.
    tenants: Vec<String>,
    /// How an alert says for which; `None`: there is one.
    told: Option<TenantHint>,
}

/// Which value of an alert tells its tenant.
struct TenantHint {
    from: OneOrMany<MapValue>,
    map: BTreeMap<String, String>,
}

impl TenantHint {
    fn by(self, mapping: Mapping, section: &Section<'_>, ctx: &mut Context<'_>) -> Option<Mapping> {
        let told = mapping.acting(self.from, &self.map);
        told.map_err(|faults| {
            for fault in faults {
                section.fault(ctx, "tenant_from", "bad-value", fault.message);
            }
        })
        .ok()
    }
}

fn acting<'i>(
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

fn expect_every<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Duration> {
    let there = section.has(ctx, "expect_every");
    let range = Duration::from_secs(1)..=Duration::from_secs(400 * 86_400);
    let span = section.duration(ctx, "expect_every", REMEMBER, range);
    there.then_some(span)
}

/// What comes from a header that the signature does not cover could be changed in a replay.
fn headers_are_signed(
    mapping: &Mapping,
    auth: &Authentication,
    section: &Section<'_>,
    ctx: &mut Context<'_>,
) {
    let signed = auth
        .alternatives
        .iter()
        .filter(|all| all.iter().any(Check::protects_body));
    let left_out = |header: &&String| {
        signed
            .clone()
            .any(|all| !all.iter().any(|check| check.protects_header(header)))
    };
    for header in mapping.headers().iter().filter(left_out) {
        let message = format!("reads the header `{header}`, which the signature does not cover");
        section.fault(ctx, "map", "bad-value", message);
    }
}

/// Some senders' bodies alone never lead to a scan.
fn lacks(name: &str, mapping: &Mapping, ctx: &mut Context<'_>) {
    if !mapping.lacks().is_empty() {
        let lacks: Vec<_> = mapping.lacks().iter().map(String::as_str).collect();
        ctx.notes.push(format!(
            "source `{name}`: its sender's bodies never carry {}, so another step has to add it before an alert can scan",
            lacks.join(", ")
        ));
    }
}

fn content_types<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Vec<String> {
    let Some(types) = section.texts(ctx, "content_types") else {
        return vec![CONTENT_TYPE.to_owned()];
    };
    let token = |t: &str| {
        !t.is_empty()
            && t.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    let is_type = |t: &String| {
        t.split_once('/')
            .is_some_and(|(top, sub)| token(top) && token(sub))
    };
    // Whatever parameters come are passed over, so those that are written here mean nothing.
    let types: Vec<_> = types
        .iter()
        .map(|t| {
            t.split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_lowercase()
        })
        .collect();
    if types.is_empty() || !types.iter().all(is_type) {
        section.fault(
            ctx,
            "content_types",
            "bad-value",
            "must be media types, such as \"application/json\"",
        );
    }
    types
}

/// Whether gzip is taken; it is the only one there is.
fn content_encodings<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> bool {
    let encodings = section.texts(ctx, "content_encodings").unwrap_or_default();
    if !encodings
        .iter()
        .all(|encoding| encoding.eq_ignore_ascii_case("gzip"))
    {
        section.fault(
            ctx,
            "content_encodings",
            "bad-value",
            "must be \"gzip\", or an empty list",
        );
    }
    !encodings.is_empty()
}

fn methods<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Vec<String> {
    let Some(methods) = section.texts(ctx, "methods") else {
        return vec!["POST".to_owned()];
    };
    let methods: Vec<_> = methods.iter().map(|m| m.to_uppercase()).collect();
    if methods.is_empty() || !methods.iter().all(|m| matches!(m.as_str(), "POST" | "PUT")) {
        section.fault(
            ctx,
            "methods",
            "bad-value",
            "must be \"POST\", \"PUT\" or both",
        );
    }
    methods
}
