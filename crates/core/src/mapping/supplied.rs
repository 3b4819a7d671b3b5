//! What is said of the reading of one item: fields with their values, remarks, and fields without a value. Answers
//! carry it as it is.

use serde::Serialize;

/// A field with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Supplied {
    /// The field as rules name it; `alert.dedupe`, `alert.tenant`, `alert.url` and `references.*` beside them.
    pub field: String,
    /// Which device of the alert it belongs to, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<usize>,
    /// The text as it stood there.
    pub text: String,
    /// What it was read as, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// JSON pointers from the top of the body, several where it was joined; behind `#json` inside a document that stood
    /// in a text; `header:` and a name for a header.
    pub from: Vec<String>,
}

/// A value that did not become a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remarked {
    /// The field as rules name it.
    pub field: String,
    /// The text, and why it is no value.
    pub says: String,
    /// Where it stands, as in [`Supplied::from`].
    pub from: Vec<String>,
}

/// A field without a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The field as rules name it.
    pub field: String,
    /// Which device of the alert lacks it, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<usize>,
    /// Something stood there that could not be used: of a wrong type, or off the scale.
    pub unusable: bool,
    /// Where the map looked for it.
    pub tried: Vec<String>,
}
