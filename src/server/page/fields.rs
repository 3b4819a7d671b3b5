//! What a form of a page sends: fields by their names, some of them several times. An order that it gives is written as the
//! JSON that programs send, so that both are read by the same rules.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::in_force::door::SourceDoor;
use crate::server::content::{FORM, content_type};
use crate::server::order::received;
use crate::server::refusal::HttpError;
use crate::server::same_site::named;

/// The fields of a form, without those that were left empty.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct FormValues(Vec<(String, String)>);

/// Lets pass forms that a page of this listener sends. Browsers say with every POST where it comes from; what does not say so
/// may come from anywhere.
pub(super) async fn from_here(request: Request, next: Next) -> Response {
    let (method, headers) = (request.method(), request.headers());
    let checked = match *method == Method::POST {
        true => is_form(headers).and_then(|()| named(method, headers)),
        false => Ok(()),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

/// Whether a body is what a form sends.
pub(in crate::server) fn is_form(headers: &HeaderMap) -> Result<(), HttpError> {
    let door = SourceDoor {
        content_types: vec![FORM.to_owned()],
        ..SourceDoor::default()
    };
    content_type(&door, headers).map(|_| ())
}

impl FormValues {
    pub(in crate::server) async fn read(body: Body) -> Result<FormValues, HttpError> {
        FormValues::parse(&received(body).await?)
    }

    fn parse(body: &[u8]) -> Result<FormValues, HttpError> {
        let text = core::str::from_utf8(body).map_err(|_| HttpError::BodyUnreadable)?;
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let fields = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        });
        let mut fields = fields.collect::<Result<Vec<_>, HttpError>>()?;
        fields.retain(|(_, value)| !value.trim().is_empty());
        Ok(FormValues(fields))
    }

    /// The first value of a field.
    pub(in crate::server) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Every value of a field.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        let found = self.0.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
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
        let read = FormValues::parse(b"pick=a%2Cb&pick=c+d&reason=&by=%20");
        let fields = read.unwrap_or_default();
        assert_eq!(fields.all("pick").collect::<Vec<_>>(), ["a,b", "c d"]);
        assert_eq!((fields.get("reason"), fields.get("by")), (None, None));
        assert!(FormValues::parse(b"a=%ff").is_err());
    }
}
