//! Single values of a table: text, lists, numbers, spans of time. Messages never quote a value: it could be a secret in
//! the wrong place.

use core::ops::RangeInclusive;
use core::time::Duration;

use serde::de::DeserializeOwned;
use serde::de::value::StrDeserializer;
use toml::de::ValueDeserializer;

use super::context::Context;
use super::{KeyPath, Located, Section};
use scanhook_core::mapping::map::OneOrMany;
use scanhook_core::rules::duration;

impl<'i> Section<'i> {
    /// A value of this type. A variable's text is taken as it is where text fits, else read as a TOML value.
    fn read<T: DeserializeOwned>(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<Result<T, toml::de::Error>> {
        Some(match self.found(ctx, name)? {
            Located::Value(value) => T::deserialize(ValueDeserializer::from(value)),
            Located::Text(text) => from_variable(text),
        })
    }

    /// The same, whose faults do not quote it.
    pub(crate) fn take<T: DeserializeOwned>(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<T> {
        self.read(ctx, name)?
            .map_err(|error| self.fault(ctx, name, "wrong-type", without_value(error.message())))
            .ok()
    }

    /// A table as a type of its own, whose faults name keys: for values that are no secrets.
    pub(crate) fn take_table<T: DeserializeOwned>(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<T> {
        let read = self.read(ctx, name)?;
        let path = self.path(name);
        read.map_err(|error| match self.places.get(name) {
            Some(KeyPath::File(_)) => {
                let place = self.placed(error.span());
                ctx.at("bad-value", path, place, error.message().to_owned());
            }
            _ => self.fault(ctx, name, "bad-value", error.message()),
        })
        .ok()
    }

    /// Text that is read further.
    pub(crate) fn parse<T>(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
        must_be: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.take::<String>(ctx, name)?;
        let value = read(&text);
        if value.is_none() {
            self.fault(ctx, name, "bad-value", format!("must be {must_be}"));
        }
        value
    }

    /// A list, or one text.
    pub(crate) fn texts(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<Vec<String>> {
        self.take::<OneOrMany<String>>(ctx, name)
            .map(|OneOrMany(texts)| texts)
    }

    /// The names of secrets. An empty list names none, which would switch a check off.
    pub(crate) fn secrets(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
    ) -> Option<Vec<String>> {
        let names = self.texts(ctx, name)?;
        if names.is_empty() || names.iter().any(String::is_empty) {
            self.fault(ctx, name, "bad-value", "must name a secret");
        }
        Some(names.into_iter().filter(|name| !name.is_empty()).collect())
    }

    /// A span of time such as `90s`, `15m`, `1h`, `7d`.
    pub(crate) fn duration(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let bounds = format!(
            "a span of time from \"{}\" to \"{}\"",
            duration::show(*range.start()),
            duration::show(*range.end())
        );
        let read = |text: &str| duration::parse(text).filter(|span| range.contains(span));
        self.parse(ctx, name, &bounds, read).unwrap_or(default)
    }

    /// A whole number.
    pub(crate) fn number(
        &mut self,
        ctx: &mut Context<'i>,
        name: &'static str,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> u32 {
        let Some(number) = self.take::<u32>(ctx, name) else {
            return default;
        };
        if !range.contains(&number) {
            self.fault(
                ctx,
                name,
                "bad-value",
                format!("must be from {} to {}", range.start(), range.end()),
            );
        }
        number
    }
}

fn from_variable<T: DeserializeOwned>(text: &str) -> Result<T, toml::de::Error> {
    let as_toml = || ValueDeserializer::parse(text).and_then(T::deserialize);
    if text.starts_with(['[', '{']) {
        return as_toml();
    }
    T::deserialize(StrDeserializer::new(text))
        .or_else(|error: toml::de::Error| as_toml().map_err(|_| error))
}

/// serde names the value it did not like; only what was expected is passed on.
fn without_value(message: &str) -> String {
    let expected = message
        .rsplit_once("expected ")
        .map_or("a value of another type", |(_, expected)| expected);
    format!("must be {expected}")
}
