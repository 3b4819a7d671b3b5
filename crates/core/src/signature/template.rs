//! What a signature covers: bytes between which the body, the time and the id stand as they were received.

use core::fmt;

/// The signed bytes of a scheme, such as `{id}.{timestamp}.{body}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTemplate {
    parts: Vec<SignedPart>,
}

/// A piece of the signed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedPart {
    /// These bytes themselves.
    Text(String),
    /// The body, as received.
    Body,
    /// The text of the timestamp, as received.
    Timestamp,
    /// The text of the id, as received.
    Id,
}

/// Why a text is no template of signed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// A brace that opens or closes none of the placeholders.
    #[error("knows the placeholders {{body}}, {{timestamp}} and {{id}}, and no other brace")]
    Placeholder,
    /// A signature that does not cover the body, or covers it twice.
    #[error("must hold {{body}} once")]
    Body,
    /// A time or an id that stands there twice.
    #[error("must hold {{timestamp}} and {{id}} at most once")]
    Twice,
}

const PLACEHOLDERS: [(&str, SignedPart); 3] = [
    ("{body}", SignedPart::Body),
    ("{timestamp}", SignedPart::Timestamp),
    ("{id}", SignedPart::Id),
];

impl SignedTemplate {
    /// The body alone.
    #[must_use]
    pub fn of_body() -> SignedTemplate {
        SignedTemplate {
            parts: vec![SignedPart::Body],
        }
    }

    /// Reads a template.
    ///
    /// # Errors
    /// [`BadTemplate`].
    pub fn parse(text: &str) -> Result<SignedTemplate, BadTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            let (name, part) = PLACEHOLDERS
                .iter()
                .find(|(name, _)| from.starts_with(name))
                .ok_or(BadTemplate::Placeholder)?;
            if !before.is_empty() {
                parts.push(SignedPart::Text(before.to_owned()));
            }
            parts.push(part.clone());
            rest = &from[name.len()..];
        }
        if !rest.is_empty() {
            parts.push(SignedPart::Text(rest.to_owned()));
        }
        let template = SignedTemplate { parts };
        if template.count(&SignedPart::Body) != 1 {
            return Err(BadTemplate::Body);
        }
        if template.count(&SignedPart::Timestamp) > 1 || template.count(&SignedPart::Id) > 1 {
            return Err(BadTemplate::Twice);
        }
        Ok(template)
    }

    fn count(&self, wanted: &SignedPart) -> usize {
        self.parts.iter().filter(|part| *part == wanted).count()
    }

    /// Whether the time is signed.
    #[must_use]
    pub fn has_timestamp(&self) -> bool {
        self.count(&SignedPart::Timestamp) > 0
    }

    /// Whether the id is signed.
    #[must_use]
    pub fn has_id(&self) -> bool {
        self.count(&SignedPart::Id) > 0
    }

    /// Its pieces, in order.
    #[must_use]
    pub fn parts(&self) -> &[SignedPart] {
        &self.parts
    }
}

impl fmt::Display for SignedTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            f.write_str(match part {
                SignedPart::Text(text) => text,
                SignedPart::Body => "{body}",
                SignedPart::Timestamp => "{timestamp}",
                SignedPart::Id => "{id}",
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_signing_shape_in_use_can_be_written() {
        for text in [
            "{body}",
            "{timestamp}:{body}",
            "{id}.{timestamp}.{body}",
            "{timestamp},{body}",
            "{body}{timestamp}",
            "{timestamp}{body}",
            "v0:{timestamp}:{body}",
        ] {
            assert_eq!(SignedTemplate::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_template_that_signs_something_else_than_it_seems_is_refused() {
        for (text, why) in [
            ("", BadTemplate::Body),
            ("{timestamp}", BadTemplate::Body),
            ("{body}{body}", BadTemplate::Body),
            ("{id}{id}{body}", BadTemplate::Twice),
            ("{timestamp}{timestamp}{body}", BadTemplate::Twice),
            ("{Body}", BadTemplate::Placeholder),
            ("{{body}}", BadTemplate::Placeholder),
            ("{body", BadTemplate::Placeholder),
            ("{body}}", BadTemplate::Placeholder),
            ("{header:x}{body}", BadTemplate::Placeholder),
        ] {
            assert_eq!(SignedTemplate::parse(text), Err(why), "{text}");
        }
    }
}
