//! A page of any of Defender's lists, before anybody reads its rows: the rows as they came, and what it says of the next.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Endpoints;
use super::next_page::NextPage;

/// A page of any list.
#[derive(Deserialize)]
pub(super) struct ListPage<'a> {
    #[serde(borrow)]
    pub(super) value: Vec<&'a RawValue>,
    #[serde(rename = "@odata.nextLink", default)]
    next: Value,
}

/// What a page says of the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Next {
    /// It names none.
    #[default]
    None,
    /// This one, on the origin and path that were asked.
    Page(NextPage),
    /// There is one, but what it says of it cannot be used.
    Unusable,
}

impl ListPage<'_> {
    /// The next page after the one that was `asked` for, of the list that ends in this name.
    pub(super) fn next(&self, asked: &NextPage, e: &Endpoints, list: &str) -> Next {
        match &self.next {
            Value::Null => Next::None,
            Value::String(link) if link.is_empty() => Next::None,
            Value::String(link) => {
                NextPage::of(link, asked, e, list).map_or(Next::Unusable, Next::Page)
            }
            _ => Next::Unusable,
        }
    }
}
