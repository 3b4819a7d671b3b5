//! What a form sends, or a query says: fields by their names, some of them several times. An order that a form gives is
//! written as the JSON that programs send, so that both are read by the same rules.

use axum::body::Body;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::order::received;
use super::refusal::HttpError;

/// The fields of a form or a query. Without `Debug`: one may be a token.
#[derive(Default)]
pub(super) struct FormValues(Vec<(String, String)>);

impl FormValues {
    /// What a form sends, without the fields that were left empty.
    pub(super) async fn read(body: Body) -> Result<FormValues, HttpError> {
        FormValues::parse(&received(body).await?).map(FormValues::filled)
    }

    /// What a query says.
    pub(super) fn of_query(query: Option<&str>) -> Result<FormValues, HttpError> {
        FormValues::parse(query.unwrap_or_default().as_bytes())
    }

    fn parse(body: &[u8]) -> Result<FormValues, HttpError> {
        let text = core::str::from_utf8(body).map_err(|_| HttpError::BodyUnreadable)?;
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let fields = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        });
        fields.collect::<Result<_, _>>().map(FormValues)
    }

    fn filled(mut self) -> FormValues {
        self.0.retain(|(_, value)| !value.trim().is_empty());
        self
    }

    /// The first value of a field.
    pub(super) fn get<'f>(&'f self, name: &'f str) -> Option<&'f str> {
        self.all(name).next()
    }

    /// Every value of a field.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        let found = self.0.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a field stands there more than once, so that somebody else could read another value.
    pub(super) fn is_repeated(&self, name: &str) -> bool {
        self.all(name).nth(1).is_some()
    }

    /// Some of the fields as members of an order, in their own words.
    pub(super) fn members(&self, names: &[&str]) -> Map<String, Value> {
        let found = names.iter().filter_map(|name| {
            let value = self.get(name)?;
            Some(((*name).to_owned(), Value::from(value)))
        });
        found.collect()
    }
}

/// An order as its bytes.
pub(super) fn body(members: Map<String, Value>) -> Vec<u8> {
    Value::Object(members).to_string().into_bytes()
}

fn decoded(text: &str) -> Result<String, HttpError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| HttpError::BodyUnreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_empty_ones_are_left_out() {
        let read = FormValues::parse(b"pick=a%2Cb&pick=c+d&reason=&by=%20").unwrap_or_default();
        assert_eq!((read.get("reason"), read.get("by")), (Some(""), Some(" ")));
        let fields = read.filled();
        assert_eq!(fields.all("pick").collect::<Vec<_>>(), ["a,b", "c d"]);
        assert_eq!((fields.get("reason"), fields.get("by")), (None, None));
        assert!(fields.is_repeated("pick") && !fields.is_repeated("reason"));
        assert!(FormValues::parse(b"a=%ff").is_err());
    }
}
