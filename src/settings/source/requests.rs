//! Which requests a source may send: their methods, media types and encodings.

use crate::settings::place::{Context, Section};

pub(super) const CONTENT_TYPE: &str = "application/json";

pub(super) fn content_types<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Vec<String> {
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
pub(super) fn content_encodings<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> bool {
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

pub(super) fn methods<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Vec<String> {
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
