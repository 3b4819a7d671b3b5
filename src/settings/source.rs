//! `[sources.x]`.

mod map;
mod requests;
mod tenants;

use core::time::Duration;

use super::place::{Context, Section};
use super::{Source, auth};
use crate::presets;
use map::{headers_are_signed, lacks, mapping};
use requests::{CONTENT_TYPE, content_encodings, content_types, methods};
use scanhook_core::mapping::{DeliveryLimits, Mapping};
use scanhook_core::signature::{Authentication, Check, Key};
use tenants::{ActsForSetting, acting};

/// What a source has where nothing else is said.
const MOST_ALERTS: u32 = 500;
const MOST_DEVICES: u32 = 50;
const REMEMBER: Duration = Duration::from_secs(3 * 86_400);

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

fn expect_every<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Duration> {
    let there = section.has(ctx, "expect_every");
    let range = Duration::from_secs(1)..=Duration::from_secs(400 * 86_400);
    let span = section.duration(ctx, "expect_every", REMEMBER, range);
    there.then_some(span)
}
