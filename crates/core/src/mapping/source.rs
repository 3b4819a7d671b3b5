//! Where a value of an alert comes from: places of the body, headers, texts put together.

use regex::Regex;

use super::condition::BodyCondition;
use super::path::Path;

/// Where a value comes from, and what is cut out of its text.
#[derive(Clone, Debug)]
pub(super) struct ValueSource {
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
    pub(super) then: Vec<ValueSource>,
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Literal(String),
    Path(Path),
    Header(String),
}

impl Nodes {
    pub(super) fn of(path: Path) -> Nodes {
        Nodes {
            path,
            parse: false,
            only: Vec::new(),
            unless: Vec::new(),
            then: Vec::new(),
        }
    }

    /// Whether it is no more than a pointer.
    pub(super) const fn is_plain(&self) -> bool {
        !self.parse && self.only.is_empty() && self.unless.is_empty() && self.then.is_empty()
    }
}

impl ValueSource {
    /// As an operator reads it: a pointer, with `#json` where a text is a document of its own.
    pub(super) fn shown(&self) -> String {
        match &self.what {
            SourceOf::Nodes(nodes) => {
                let json = if nodes.parse { "#json" } else { "" };
                let then: Vec<_> = nodes.then.iter().map(ValueSource::shown).collect();
                format!("{}{json}{}", nodes.path.text, then.join(" or "))
            }
            SourceOf::Concat(pieces) => pieces
                .iter()
                .map(Piece::shown)
                .collect::<Vec<_>>()
                .join(" + "),
            SourceOf::Header(name) => format!("header:{name}"),
        }
    }
}

impl Piece {
    fn shown(&self) -> String {
        match self {
            Piece::Literal(text) => format!("\"{text}\""),
            Piece::Path(path) => path.text.clone(),
            Piece::Header(name) => format!("header:{name}"),
        }
    }
}
