//! `[sources.x]`.

use core::time::Duration;

use super::place::{Context, Section};
use super::{Source, auth};
use crate::domain::mapping::{Caps, Map, Mapping};
use crate::domain::signature::{Authentication, Check, Key};
use crate::presets;

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
    let tenant = tenant(&mut section, tenants, ctx);
    let caps = Caps {
        alerts: section.number(ctx, "max_alerts", MOST_ALERTS, 1..=10_000) as usize,
        devices: section.number(ctx, "max_devices", MOST_DEVICES, 1..=1_000) as usize,
    };
    let content_types = content_types(&mut section, ctx);
    let methods = methods(&mut section, ctx);
    let range = Duration::from_secs(60)..=Duration::from_secs(400 * 86_400);
    let remember = section.duration(ctx, "remember", REMEMBER, range);
    section.later(ctx, "expect_every", "is not available in this version");
    let auth = auth::read(&mut section, ctx);
    section.finish(ctx);
    auth::weigh(&name, &auth, ctx);
    Some(Source {
        name,
        preset,
        mapping: mapping?,
        caps,
        auth,
        tenant: tenant?,
        content_types,
        methods,
        remember,
        max_body,
    })
}

/// A preset as a source of its own, with every other key at its default and no way to authenticate.
pub(super) fn of_preset(name: &str) -> Option<Source> {
    Some(Source {
        name: name.to_owned(),
        preset: name.to_owned(),
        mapping: Mapping::compile(presets::map(name)?).ok()?,
        caps: Caps { alerts: MOST_ALERTS as usize, devices: MOST_DEVICES as usize },
        auth: Authentication { alternatives: Vec::new() },
        tenant: "default".to_owned(),
        content_types: vec![CONTENT_TYPE.to_owned()],
        methods: vec!["POST".to_owned()],
        remember: REMEMBER,
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
    source.auth.alternatives.iter().flatten().flat_map(Check::keys)
}

fn mapping<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> (String, Option<Mapping>) {
    let preset = section.take::<String>(ctx, "preset");
    let shipped = match &preset {
        Some(name) => presets::map(name).or_else(|| {
            let known: Vec<_> = presets::names().collect();
            section.fault(ctx, "preset", "bad-value", format!("is none of the presets {}", known.join(", ")));
            None
        }),
        None if section.has(ctx, "map") => Some(Map::default()),
        None => {
            section.missing(ctx, "preset", "must name a preset, or [map] must say how its bodies are read");
            None
        }
    };
    let written = section.copy("map");
    let own = if section.has(ctx, "map") { section.take_table::<Map>(ctx, "map") } else { Some(Map::default()) };
    let (Some(own), Some(shipped)) = (own, shipped) else { return (preset.unwrap_or_default(), None) };
    let mapping = Mapping::compile(own.over(shipped))
        .map_err(|faults| {
            for fault in faults {
                section.fault_in(ctx, written.as_ref(), ("map", &fault.key), fault.message);
            }
        })
        .ok();
    (preset.unwrap_or_default(), mapping)
}

fn tenant<'i>(section: &mut Section<'i>, configured: &[String], ctx: &mut Context<'i>) -> Option<String> {
    for key in ["tenant_from", "tenant_map"] {
        section.later(ctx, key, "is not available in this version; name one tenant in `tenants`");
    }
    let Some(named) = section.texts(ctx, "tenants") else {
        if let [only] = configured {
            return Some(only.clone());
        }
        if configured.len() > 1 && !section.knows("tenants") {
            section.missing(ctx, "tenants", "must name the tenant it may act on, because several are configured");
        }
        return None;
    };
    for name in &named {
        if !configured.contains(name) {
            let known = configured.join(", ");
            section.fault(
                ctx,
                "tenants",
                "bad-value",
                format!("`{}` is no configured tenant; known: {known}", name.escape_debug()),
            );
        }
    }
    if named.len() != 1 {
        section.fault(ctx, "tenants", "bad-value", "must name exactly one tenant: which of several is meant cannot be told without `tenant_from`, which is not available in this version");
        return None;
    }
    named.into_iter().next().filter(|name| configured.contains(name))
}

fn content_types<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Vec<String> {
    let Some(types) = section.texts(ctx, "content_types") else { return vec![CONTENT_TYPE.to_owned()] };
    let token = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    let is_type = |t: &String| t.split_once('/').is_some_and(|(top, sub)| token(top) && token(sub));
    if types.is_empty() || !types.iter().all(is_type) {
        section.fault(
            ctx,
            "content_types",
            "bad-value",
            "must be media types without parameters, such as \"application/json\"",
        );
    }
    types.iter().map(|t| t.to_lowercase()).collect()
}

fn methods<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Vec<String> {
    let Some(methods) = section.texts(ctx, "methods") else { return vec!["POST".to_owned()] };
    let methods: Vec<_> = methods.iter().map(|m| m.to_uppercase()).collect();
    if methods.is_empty() || !methods.iter().all(|m| matches!(m.as_str(), "POST" | "PUT")) {
        section.fault(ctx, "methods", "bad-value", "must be \"POST\", \"PUT\" or both");
    }
    methods
}
