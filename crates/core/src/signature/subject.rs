//! The subject of a certificate as RFC 4514 writes it, most specific part first: `CN=siem.example,O=Example,C=DE`. Two
//! ways to write one name are equal here; what differs in the certificate is not.

use core::fmt;

/// A distinguished name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectName(Vec<Vec<NamePart>>);

/// One attribute with its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct NamePart {
    /// A short name of [`SHORT`], else the dotted numbers.
    attribute: String,
    value: String,
}

/// The short names of RFC 4514, and those that tools write beside them.
const SHORT: [(&str, &str); 12] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
];

/// Tags of ASN.1 whose content is text: UTF8String, NumericString, PrintableString, IA5String.
const TEXT_TAGS: [u8; 4] = [0x0c, 0x12, 0x13, 0x16];

impl SubjectName {
    /// A name of its parts in the order of the certificate, which is the least specific first: each a set of attributes
    /// by their dotted numbers, with values as text or as `#` and the hex digits of their DER.
    #[must_use]
    pub fn of_certificate(parts: Vec<Vec<(String, String)>>) -> SubjectName {
        let part = |(oid, value): (String, String)| NamePart {
            attribute: short(&oid),
            value: decoded(value),
        };
        let set = |set: Vec<(String, String)>| sorted(set.into_iter().map(part).collect());
        SubjectName(parts.into_iter().rev().map(set).collect())
    }

    /// Reads what somebody wrote. Blanks around `,`, `+` and `=` do not count, nor does the case of attributes.
    #[must_use]
    pub fn parse(text: &str) -> Option<SubjectName> {
        let mut parts = Vec::new();
        for part in divided(text, ',') {
            let set: Option<Vec<NamePart>> = divided(part, '+')
                .into_iter()
                .map(NamePart::parse)
                .collect();
            parts.push(sorted(set?));
        }
        Some(SubjectName(parts))
    }
}

impl NamePart {
    fn parse(text: &str) -> Option<NamePart> {
        let (attribute, value) = text.split_once('=')?;
        let attribute = attribute.trim().to_ascii_uppercase();
        let attribute = attribute.strip_prefix("OID.").unwrap_or(&attribute);
        let known = SHORT.iter().any(|(name, _)| *name == attribute);
        let dotted = attribute.contains('.')
            && attribute
                .split('.')
                .all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
        if !known && !dotted {
            return None;
        }
        let value = value.trim_start();
        let value = if value.starts_with('#') {
            decoded(value.trim_end().to_ascii_lowercase())
        } else {
            unescaped(value)?
        };
        Some(NamePart {
            attribute: short(attribute),
            value,
        })
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, set) in self.0.iter().enumerate() {
            for (m, part) in set.iter().enumerate() {
                let between = match (n, m) {
                    (0, 0) => "",
                    (_, 0) => ",",
                    _ => "+",
                };
                write!(f, "{between}{}={}", part.attribute, escaped(&part.value))?;
            }
        }
        Ok(())
    }
}

fn sorted(mut set: Vec<NamePart>) -> Vec<NamePart> {
    set.sort();
    set
}

/// The short name of an attribute, if it has one.
fn short(oid: &str) -> String {
    let known = SHORT.iter().find(|(_, dotted)| *dotted == oid);
    known.map_or(oid, |(name, _)| name).to_owned()
}

/// `#` and hex digits as the text that they hold, if it is one.
fn decoded(value: String) -> String {
    let text = || {
        let bytes = hex::decode(value.strip_prefix('#')?).ok()?;
        let [tag, length, text @ ..] = bytes.as_slice() else {
            return None;
        };
        let whole = TEXT_TAGS.contains(tag) && *length < 128 && usize::from(*length) == text.len();
        let text = whole.then(|| core::str::from_utf8(text).ok()).flatten()?;
        Some(text.to_owned())
    };
    text().unwrap_or(value)
}

/// The pieces between separators that no backslash stands before.
fn divided(text: &str, separator: char) -> Vec<&str> {
    let (mut pieces, mut from, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            pieces.push(&text[from..at]);
            from = at + c.len_utf8();
        }
    }
    pieces.push(&text[from..]);
    pieces
}

/// A value without its backslashes: before a character that means something, or before two hex digits of a byte.
fn unescaped(text: &str) -> Option<String> {
    let (mut bytes, mut rest, mut kept) = (Vec::new(), text.as_bytes(), 0);
    while let Some((first, behind)) = rest.split_first() {
        if *first != b'\\' {
            bytes.push(*first);
            if *first != b' ' {
                kept = bytes.len();
            }
            rest = behind;
            continue;
        }
        let digits = behind.get(..2).and_then(|two| hex::decode(two).ok());
        if let Some(byte) = digits {
            bytes.extend(byte);
            rest = behind.get(2..)?;
        } else {
            bytes.push(*behind.first()?);
            rest = behind.get(1..)?;
        }
        kept = bytes.len();
    }
    // Blanks at the end belong to the separator, unless they were escaped.
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::new();
    for (n, c) in value.chars().enumerate() {
        let special = matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (c == ' ' && (n == 0 || n == last))
            || (c == '#' && n == 0 && !is_hex(value));
        if special {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// Whether it is a value that is no text, in hex digits.
fn is_hex(value: &str) -> bool {
    value
        .strip_prefix('#')
        .is_some_and(|digits| !digits.is_empty() && hex::decode(digits).is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn certificate(parts: &[&[(&str, &str)]]) -> SubjectName {
        let set = |set: &&[(&str, &str)]| {
            let part = |(oid, value): &(&str, &str)| ((*oid).to_owned(), (*value).to_owned());
            set.iter().map(part).collect()
        };
        SubjectName::of_certificate(parts.iter().map(set).collect())
    }

    #[test]
    fn a_subject_reads_as_rfc_4514_writes_it() {
        let name = certificate(&[
            &[("2.5.4.6", "DE")],
            &[("2.5.4.10", "Example, Inc.")],
            &[("2.5.4.11", " #1 ")],
            &[("2.5.4.3", "siem"), ("0.9.2342.19200300.100.1.1", "7")],
            &[("1.2.3.4", "#0401ff")],
        ]);
        let written = "1.2.3.4=#0401ff,CN=siem+UID=7,OU=\\ #1\\ ,O=Example\\, Inc.,C=DE";
        assert_eq!(name.to_string(), written);
        assert_eq!(SubjectName::parse(written), Some(name));
    }

    #[test]
    fn ways_to_write_one_subject_are_equal() {
        let name = certificate(&[
            &[("2.5.4.10", "Müller, Söhne")],
            &[("1.2.840.113549.1.9.1", "a@b.example")],
            &[("2.5.4.3", "siem")],
        ]);
        for written in [
            "CN=siem,emailAddress=a@b.example,O=Müller\\, Söhne",
            "cn = siem , EMAILADDRESS = a@b.example , o = Müller\\, Söhne ",
            "2.5.4.3=siem,1.2.840.113549.1.9.1=#160b6140622e6578616d706c65,O=M\\C3\\BCller\\2c S\\c3\\b6hne",
            "OID.2.5.4.3=siem,1.2.840.113549.1.9.1=a@b.example,O=Müller\\, Söhne",
        ] {
            assert_eq!(
                SubjectName::parse(written).as_ref(),
                Some(&name),
                "{written}"
            );
        }
        for other in [
            "CN=SIEM,emailAddress=a@b.example,O=Müller\\, Söhne",
            "O=Müller\\, Söhne,emailAddress=a@b.example,CN=siem",
            "CN=siem",
        ] {
            assert_ne!(SubjectName::parse(other).as_ref(), Some(&name), "{other}");
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for text in [
            "",
            "siem",
            "CN=a,",
            ",CN=a",
            "XX=a",
            "CN=a\\",
            "CN=a,O",
            "/CN=a/O=b",
            "CN=\\ff",
        ] {
            assert_eq!(SubjectName::parse(text), None, "{text}");
        }
    }
}
