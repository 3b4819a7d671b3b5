//! Texts that are compared as they stand though they look like something else: patterns and networks behind `=`,
//! addresses that look like networks, words in the place of technique ids, control characters that nobody meant.

use core::net::IpAddr;
use core::ops::Range;

use super::walk::Walk;
use crate::rules::field::Field;
use crate::rules::finding::{code, quoted};
use crate::rules::named::Shape;

impl Walk<'_> {
    /// A text that a field is to be equal to.
    pub(super) fn equal_to(&mut self, field: &Field, text: &str, span: Range<usize>) {
        if self.has_control(text, span.clone()) {
            return;
        }
        let (key, word) = (field.written(), quoted(text));
        match field.shape() {
            Shape::Address if !is_address(text) => {
                let message = format!("{word} is not an address, so no address is equal to it");
                let network = if text.contains('/') {
                    text
                } else {
                    "10.99.0.0/16"
                };
                self.lint(
                    code::NEVER_EQUAL,
                    span,
                    &message,
                    &format!("write a network: `{key}.cidr = \"{network}\"`"),
                );
            }
            Shape::Technique if !is_technique(text) => {
                let message =
                    format!("{word} is not an ATT&CK technique, so no technique is equal to it");
                self.lint(code::NO_TECHNIQUE, span, &message, TECHNIQUES);
            }
            Shape::Text | Shape::HostName if text.contains('*') => {
                let message = format!("{word} is compared as it stands: `=` knows no patterns");
                self.lint(
                    code::NEVER_EQUAL,
                    span,
                    &message,
                    &format!("write `{key}.glob = \"{text}\"`"),
                );
            }
            _ => {}
        }
    }

    /// A control character, which no alert holds: most often a backslash that double quotes have eaten.
    pub(super) fn has_control(&mut self, text: &str, span: Range<usize>) -> bool {
        let Some(found) = text
            .chars()
            .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
        else {
            return false;
        };
        let message = format!(
            "this text holds the control character U+{:04X}",
            u32::from(found)
        );
        let remedy = match found {
            '\u{8}' => format!(
                "in double quotes `\\b` is a backspace; write '{}'",
                text.replace('\u{8}', "\\b")
            ),
            _ => "in single quotes a `\\` is a `\\`".to_owned(),
        };
        self.lint(code::CONTROL_CHARACTER, span, &message, &remedy);
        true
    }

    /// An address without a prefix that looks like the beginning of a network.
    pub(super) fn looks_like_network(&mut self, text: &str, span: Range<usize>) {
        if is_bare_network(text) {
            let message = format!(
                "{} without a prefix is one address, not a network",
                quoted(text)
            );
            let (usual, one) = if text.contains(':') {
                ("64", "128")
            } else {
                ("16", "32")
            };
            let remedy = format!(
                "say how long it is: `{text}/{usual}`, or `{text}/{one}` for this address alone"
            );
            self.lint(code::ONE_ADDRESS, span, &message, &remedy);
        }
    }
}

/// The remedy for what is no technique.
pub(super) const TECHNIQUES: &str = "write ids, such as `T1566`; one covers its sub-techniques. Words of the sender stand in `alert.category` or `alert.title`";

/// Whether a text is one address, however it is written.
pub(super) fn is_address(text: &str) -> bool {
    text.trim().parse::<IpAddr>().is_ok()
}

/// `T1003` or `T1003.001`.
pub(super) fn is_technique(text: &str) -> bool {
    let digits = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit())
    };
    let Some(rest) = text.strip_prefix(['T', 't']) else {
        return false;
    };
    match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

/// `10.99.0.0` or `2001:db8::`: an address that no machine has.
pub(super) fn is_bare_network(text: &str) -> bool {
    match text.trim().parse::<IpAddr>() {
        Ok(IpAddr::V4(four)) => four.octets().last() == Some(&0),
        Ok(IpAddr::V6(six)) => six
            .segments()
            .iter()
            .rev()
            .take(4)
            .all(|segment| *segment == 0),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_word_and_a_network_from_an_address() {
        for (text, expected) in [
            ("T1003", true),
            ("t1003.001", true),
            ("T148*", false),
            ("Phishing", false),
            ("T10031", false),
            ("TA0001", false),
        ] {
            assert_eq!(is_technique(text), expected, "{text}");
        }
        for (text, expected) in [
            ("10.99.0.0", true),
            ("2001:db8::", true),
            ("10.99.0.7", false),
            ("2001:db8::7", false),
            ("10.99.0.0/16", false),
            ("lab", false),
        ] {
            assert_eq!(is_bare_network(text), expected, "{text}");
        }
    }
}
