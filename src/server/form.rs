//! What a form of our own pages sends: `application/x-www-form-urlencoded`, with fields that are known.

use axum::body::Body;
use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;

use super::content::{FORM, content_type};
use super::order::received;
use super::refusal::{CommandError, HttpError};
use crate::in_force::door::SourceDoor;

/// The fields of a form, each at most once.
pub(super) struct PageForm(Vec<(&'static str, String)>);

impl PageForm {
    /// Reads a form; a field that means nothing here is refused.
    pub(super) async fn read(
        headers: &HeaderMap,
        body: Body,
        known: &[&'static str],
    ) -> Result<PageForm, HttpError> {
        let door = SourceDoor {
            content_types: vec![FORM.to_owned()],
            ..SourceDoor::default()
        };
        content_type(&door, headers)?;
        PageForm::parse(&received(body).await?, known)
    }

    fn parse(body: &[u8], known: &[&'static str]) -> Result<PageForm, HttpError> {
        let text = core::str::from_utf8(body).map_err(|_| HttpError::BodyUnreadable)?;
        let mut fields: Vec<(&'static str, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let known = known.iter().find(|known| **known == name);
            match known {
                Some(known) if fields.iter().all(|(taken, _)| taken != known) => {
                    fields.push((known, value));
                }
                _ => {
                    let name = scanhook_core::plain::one_line(&name, 80);
                    return Err(CommandError::UnknownKey(name).into());
                }
            }
        }
        Ok(PageForm(fields))
    }

    /// A field that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

fn decoded(text: &str) -> Result<String, HttpError> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| HttpError::BodyUnreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_none_comes_twice_or_unasked() {
        let read = |text: &str| PageForm::parse(text.as_bytes(), &["token", "next"]);
        let fields = read("token=a%2Bb+c&next=%2Fheld%3Fx%3D1").ok();
        let fields = fields.as_ref();
        assert_eq!(fields.and_then(|fields| fields.get("token")), Some("a+b c"));
        assert_eq!(
            fields.and_then(|fields| fields.get("next")),
            Some("/held?x=1")
        );
        for wrong in ["token=a&token=b", "other=1", "token=%ff", "token=\u{0}&x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("").is_ok_and(|fields| fields.get("token").is_none()));
    }
}
