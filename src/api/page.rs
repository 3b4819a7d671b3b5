//! One page of a list, whatever it lists.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Pass it as `after` for the next page; null at the end.
    pub next: Option<String>,
    /// How many there are; only on the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
}

/// How many rows a list has: counted as far as that is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Total {
    /// So many.
    Exact(u64),
    /// So many and perhaps more, with a plus behind the number: `10000+`.
    AtLeast(String),
}

impl Total {
    /// At least so many.
    #[must_use]
    pub fn at_least(many: u64) -> Total {
        Total::AtLeast(format!("{many}+"))
    }
}
