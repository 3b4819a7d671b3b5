//! What templates do with values: times, safe links, texts that were cut, pictures.
#![allow(unreachable_pub, reason = "the attribute of askama makes them so")]

use core::fmt::Display;

use askama::filters::Safe;
use askama::{Result, Values};

use super::svg::Svg;
use super::times;
use crate::explain::{World, detail};
use scanhook_core::percent::encoded;
use scanhook_core::plain::one_line;
use scanhook_core::rules::Explained;
use scanhook_core::time::Timestamp;

/// Characters of a text from elsewhere that a list shows.
const LISTED: usize = 200;

/// An instant as a cell shows it, in UTC: the time of today, otherwise with its day.
#[askama::filter_fn]
pub(super) fn clock(at: impl Display, _: &dyn Values, now: &Timestamp) -> Result<String> {
    Ok(times::cell(&at.to_string(), *now))
}

/// How long ago an instant is, or how long it will be.
#[askama::filter_fn]
pub(super) fn ago(at: impl Display, _: &dyn Values, now: &Timestamp) -> Result<String> {
    Ok(times::ago(&at.to_string(), *now))
}

/// A text from elsewhere as a list shows it.
#[askama::filter_fn]
pub(super) fn cut(text: impl Display, _: &dyn Values) -> Result<String> {
    let text = text.to_string();
    if text.chars().count() <= LISTED {
        return Ok(text);
    }
    let kept: String = text.chars().take(LISTED - 1).collect();
    Ok(format!("{kept}…"))
}

/// The host of a link that may be followed: http and https lead elsewhere, anything else is text.
#[askama::filter_fn]
pub(super) fn host(url: impl Display, _: &dyn Values) -> Result<String> {
    Ok(super::link::host(&url.to_string()).unwrap_or_default())
}

/// An id as lists show it: how it begins and ends.
#[askama::filter_fn]
pub(super) fn short(id: impl Display, _: &dyn Values) -> Result<String> {
    let id = id.to_string();
    let (begin, end) = (id.get(..8), id.get(id.len().saturating_sub(6)..));
    Ok(match begin.zip(end) {
        Some((begin, end)) if id.len() > 16 => format!("{begin}…{end}"),
        _ => id,
    })
}

/// A code in words: `dry_run` is `dry run`.
#[askama::filter_fn]
pub(super) fn words(code: impl Display, _: &dyn Values) -> Result<String> {
    Ok(code.to_string().replace(['_', '-'], " "))
}

/// A part of a path or a value in a query.
#[askama::filter_fn]
pub(super) fn part(text: impl Display, _: &dyn Values) -> Result<String> {
    Ok(encoded(&text.to_string()))
}

/// `s` where it is not one.
#[askama::filter_fn]
pub(super) fn s(number: impl Display, _: &dyn Values) -> Result<&'static str> {
    Ok(if number.to_string() == "1" { "" } else { "s" })
}

/// A picture of ours. It is the only thing that is not escaped.
#[askama::filter_fn]
pub(super) fn svg(picture: &Svg, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(picture.markup()))
}

/// What a rule or a protection saw.
#[askama::filter_fn]
pub(super) fn seen(one: &Explained, _: &dyn Values) -> Result<String> {
    Ok(one_line(&detail(one).unwrap_or_default(), 2 * LISTED))
}

/// What the directory said, or may say, in one column of an explanation.
#[askama::filter_fn]
pub(super) fn directory(world: &World, _: &dyn Values) -> Result<&'static str> {
    Ok(match world.directory {
        "recorded" => "As the directory said then",
        "unremarkable" => "If the directory says nothing remarkable",
        _ => "If the directory does not answer",
    })
}
