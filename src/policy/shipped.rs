//! The policy that comes with scanhook, for who has none yet.

/// The policy that comes with scanhook, for who has none yet.
const SHIPPED: &str = include_str!("../../rules.toml");

/// The shipped policy, as it may lie anywhere: without the line that leads an editor to the schema of this repository.
#[must_use]
pub fn shipped() -> &'static str {
    SHIPPED
        .split_once('\n')
        .filter(|(first, _)| first.starts_with("#:schema"))
        .map_or(SHIPPED, |(_, rest)| rest)
}
