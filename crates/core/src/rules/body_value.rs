//! What a place of the raw body holds. No table says of what kind it is, so every kind of value is taken.

use super::field_value::{FieldValue, Values};
use super::reading::Reading;
use crate::json::{Doubt, Json};
use crate::pointer::Pointer;

/// The values a pointer names. `null`, and a body that is not there, are absent; an object is of a wrong type. Where a
/// key on the way occurs twice, nobody can tell which value is meant.
pub(super) fn read_body<'e>(pointer: &Pointer, body: Option<&'e Json<'e>>) -> Reading<Values<'e>> {
    let Some(body) = body else {
        return Reading::Absent;
    };
    if matches!(pointer.doubt(body), Some(Doubt::Twice(_))) {
        return Reading::Unknown;
    }
    let found = if pointer.is_plural() {
        pointer.all(body)
    } else {
        pointer.first(body).into_iter().collect()
    };
    let mut values = Vec::new();
    for json in found {
        match json {
            Json::List(elements) => values.extend(elements.iter().filter_map(scalar)),
            other => values.extend(scalar(other)),
        }
    }
    match (values.pop(), values.is_empty()) {
        (None, _) => Reading::Absent,
        (Some(only), true) => Reading::Present(Values::One(only)),
        (Some(last), false) => {
            values.push(last);
            Reading::Present(Values::Several(values))
        }
    }
}

fn scalar<'e>(json: &'e Json<'e>) -> Option<FieldValue<'e>> {
    match json {
        Json::Null => None,
        Json::Bool(value) => Some(FieldValue::Bool(*value)),
        Json::Number(literal) => Some(FieldValue::Number(literal)),
        Json::Text(text) => Some(FieldValue::Text(text)),
        Json::List(_) | Json::Object(_) => Some(FieldValue::Odd),
    }
}
