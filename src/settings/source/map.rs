//! How the bodies of a source are read: a preset, with the source's own map over it, and what can be said of the two.

use crate::presets;
use crate::settings::place::{Context, Section};
use scanhook_core::mapping::{Map, Mapping};
use scanhook_core::signature::{Authentication, Check};

pub(super) fn mapping<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
) -> (String, Option<Mapping>) {
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

/// What comes from a header that the signature does not cover could be changed in a replay.
pub(super) fn headers_are_signed(
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
pub(super) fn lacks(name: &str, mapping: &Mapping, ctx: &mut Context<'_>) {
    if !mapping.lacks().is_empty() {
        let lacks: Vec<_> = mapping.lacks().iter().map(String::as_str).collect();
        ctx.notes.push(format!(
            "source `{name}`: its sender's bodies never carry {}, so another step has to add it before an alert can scan",
            lacks.join(", ")
        ));
    }
}
