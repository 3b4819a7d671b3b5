//! Where a value of an alert comes from: places of the body, headers, texts put together.

use regex::Regex;

use super::condition::BodyCondition;
use super::path::Path;

/// Where a value comes from, and what is cut out of its text.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) what: SourceOf,
    pub(super) split: Option<String>,
    pub(super) capture: Option<Regex>,
    /// Every match of the pattern counts, and not only the first of a text.
    pub(super) every: bool,
}

#[derive(Clone, Debug)]
pub(super) enum SourceOf {
    Nodes(Nodes),
    Concat(Vec<Piece>),
    Header(String),
}

/// What stands at a path, and what is looked for from there.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    pub(super) path: Path,
    pub(super) parse: bool,
    pub(super) only: Vec<BodyCondition>,
    pub(super) unless: Vec<BodyCondition>,
    /// Empty: what stands there is meant itself.
    pub(super) then: Vec<Source>,
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Literal(String),
    Path(Path),
    Header(String),
}
