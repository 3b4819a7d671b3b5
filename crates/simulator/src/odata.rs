//! Queries and forms: the little of OData that the documented calls use.

use http::header;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::answers;
use super::answers::{Crafted, instant, refused};
use super::setup::Setup;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The largest page of a list.
const LARGEST_PAGE: usize = 10_000;

pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Keys and values of a form or a query; a plus sign is a space there.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let part = |text: &str| decoded(&text.replace('+', " "));
    text.split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (part(key), part(value)))
        .collect()
}

/// Whether the body is said to be of a content type.
pub(super) fn is(request: &Request<Bytes>, content_type: &str) -> bool {
    let said = request.headers().get(header::CONTENT_TYPE);
    said.is_some_and(|said| said.as_bytes().starts_with(content_type.as_bytes()))
}

/// The literal a field is compared with: quoted text, a bare instant, a bare GUID.
#[derive(Clone, Copy)]
pub(super) enum Literal {
    Text,
    Time,
    Guid,
}

/// Field, operator and literal; everything is compared as text.
struct Clause(String, String, String);

impl Clause {
    /// Reads `field operator literal` or `startswith(field,literal)`.
    fn of(text: &str, fields: &[(&str, Literal)]) -> Option<Clause> {
        let call = text
            .strip_prefix("startswith(")
            .and_then(|rest| rest.strip_suffix(')')?.split_once(','));
        let (field, operator, literal) = match call {
            Some((field, literal)) => (field, "startswith", literal.trim()),
            None => text
                .split_once(' ')
                .and_then(|(field, rest)| rest.split_once(' ').map(|(op, lit)| (field, op, lit)))?,
        };
        let literal = match (fields.iter().find(|(name, _)| *name == field)?.1, operator) {
            (Literal::Text, "eq" | "ne" | "startswith") => {
                let inner = literal
                    .strip_prefix('\'')?
                    .strip_suffix('\'')?
                    .replace("''", "\0");
                (!inner.contains('\'')).then(|| inner.replace('\0', "'"))?
            }
            (Literal::Time, "eq" | "ne" | "gt" | "ge" | "lt" | "le") => {
                instant(literal.parse::<Timestamp>().ok()?)
            }
            (Literal::Guid, "eq" | "ne") if answers::is_guid(literal) => {
                literal.to_ascii_lowercase()
            }
            _ => return None,
        };
        Some(Clause(field.to_owned(), operator.to_owned(), literal))
    }

    fn holds(&self, row: &Value, fold: bool) -> bool {
        let Clause(field, operator, literal) = self;
        // Null is neither before nor after anything.
        let Some(cell) = row[field].as_str() else {
            return operator == "ne";
        };
        let [cell, literal] = [cell, literal].map(|text| {
            if fold {
                text.to_lowercase()
            } else {
                text.to_owned()
            }
        });
        let (cell, literal) = (cell.as_str(), literal.as_str());
        match operator.as_str() {
            "eq" => cell == literal,
            "ne" => cell != literal,
            "gt" => cell > literal,
            "ge" => cell >= literal,
            "lt" => cell < literal,
            "le" => cell <= literal,
            _ => cell.starts_with(literal),
        }
    }
}

/// What a list call asks for.
#[derive(Default)]
pub(super) struct ListQuery {
    filter: Option<String>,
    clauses: Vec<Clause>,
    top: Option<usize>,
    skip: usize,
    /// Whether letter case is ignored.
    pub(super) fold: bool,
}

impl ListQuery {
    /// Reads `$filter`, `$top` and `$skip`; anything else, and a field not among `fields`, is an `ODataError`.
    pub(super) fn of(
        request: &Request<Bytes>,
        fields: &[(&str, Literal)],
    ) -> Result<ListQuery, Crafted> {
        let mut query = ListQuery::default();
        for (key, value) in request.uri().query().map(pairs).unwrap_or_default() {
            let wrong = || {
                refused(
                    400,
                    "ODataError",
                    &format!("The query option {key} is not valid: {value}"),
                )
            };
            match key.as_str() {
                "$top" => query.top = Some(value.parse().map_err(|_| wrong())?),
                "$skip" => query.skip = value.parse().map_err(|_| wrong())?,
                "$filter" => {
                    let clauses = value
                        .split(" and ")
                        .map(|text| Clause::of(text.trim(), fields).ok_or_else(wrong));
                    query.clauses = clauses.collect::<Result<_, _>>()?;
                    query.filter = Some(value);
                }
                _ => return Err(wrong()),
            }
        }
        Ok(query)
    }

    /// Whether a row is one of those that are asked for.
    pub(super) fn matches(&self, row: &Value) -> bool {
        self.clauses
            .iter()
            .all(|clause| clause.holds(row, self.fold))
    }

    /// The page of `rows` that was asked for, with a link to the next where it does not hold all of them. `$top` is the
    /// most rows that all pages together hold, so a list that it cuts off has no such link at its end.
    pub(super) fn page(
        &self,
        request: &Request<Bytes>,
        set: &str,
        setup: &Setup,
        rows: Vec<Value>,
    ) -> Value {
        let wanted = rows
            .len()
            .saturating_sub(self.skip)
            .min(self.top.unwrap_or(usize::MAX));
        let held = wanted.min(
            setup
                .page_size
                .unwrap_or(LARGEST_PAGE)
                .clamp(1, LARGEST_PAGE),
        );
        let page: Vec<Value> = rows.into_iter().skip(self.skip).take(held).collect();
        let mut body = json!({ "@odata.context": context(set), "value": page });
        if wanted > held {
            let (uri, host) = (
                request.uri(),
                request
                    .headers()
                    .get(header::HOST)
                    .and_then(|host| host.to_str().ok()),
            );
            let host = uri
                .authority()
                .map(|host| host.as_str())
                .or(host)
                .unwrap_or_default();
            let host = setup.next_host.as_deref().unwrap_or(host);
            let filter = self
                .filter
                .as_ref()
                .map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
            let mut link = format!(
                "{}://{host}{}?",
                uri.scheme_str().unwrap_or("http"),
                uri.path()
            );
            link.extend(filter.map(|text| format!("$filter={text}&")));
            link.extend(self.top.map(|top| format!("$top={}&", top - held)));
            link += &format!("$skip={}", self.skip + held);
            body["@odata.nextLink"] = link.into();
        }
        body
    }
}

/// The `@odata.context` of an answer; it names the older host whichever one was called.
pub(super) fn context(set: &str) -> String {
    format!("https://api.securitycenter.microsoft.com/api/$metadata#{set}")
}
