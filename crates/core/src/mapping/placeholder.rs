//! Places of a template that were never filled in: `{{Id}}`, `${Id}`, `$ALERT_ID`, `%id%`, `@{triggerBody()?['id']}`.
//! They look the same in every alert.

use super::clean::guid;

/// What opens and closes a place wherever it stands in a text.
const PAIRS: [(&str, &str); 13] = [
    ("{{", "}}"),
    ("${", "}"),
    ("$(", ")"),
    ("$[", "]"),
    ("@{", "}"),
    ("#{", "}"),
    ("%{", "}"),
    ("%(", ")"),
    ("{%", "%}"),
    ("<%", "%>"),
    ("<<", ">>"),
    ("[[", "]]"),
    ("{$", "}"),
];

/// What stands around a name, where the text is nothing else.
const AROUND: [(&str, &str); 3] = [("{", "}"), ("<", ">"), ("[", "]")];

/// Whether an id or a key holds a place that was not filled in.
pub(super) fn holds(text: &str) -> bool {
    // All of them need one of these.
    if !text
        .bytes()
        .any(|b| matches!(b, b'{' | b'$' | b'%' | b'<' | b'[' | b'@'))
    {
        return false;
    }
    let inside = |(open, close): &(&str, &str)| {
        text.split_once(open)
            .is_some_and(|(_, rest)| rest.contains(close))
    };
    PAIRS.iter().any(inside) || is_whole(text.trim()) || has_dollars(text)
}

/// Whether a text is nothing but such a place.
pub(super) fn is(text: &str) -> bool {
    let text = text.trim();
    let around = |(open, close): &(&str, &str)| text.starts_with(open) && text.ends_with(close);
    text.bytes()
        .any(|b| matches!(b, b'{' | b'$' | b'%' | b'<' | b'[' | b'@'))
        && (PAIRS.iter().any(around) || is_whole(text))
}

fn is_whole(text: &str) -> bool {
    let dollar = text
        .strip_prefix('$')
        .map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    dollar.is_some_and(|rest| is_name(rest.strip_suffix('$').unwrap_or(rest)))
        || text.strip_prefix('%').is_some_and(|rest| is_name(rest.strip_suffix('%').unwrap_or(rest)))
        // An expression of Logic Apps without its braces.
        || text.strip_prefix('@').is_some_and(|rest| rest.contains('(') && rest.contains(')'))
        || AROUND.iter().any(|(open, close)| {
            let name = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
            // Braces stand around real ids as well, and those have digits.
            name.is_some_and(|name| is_words(name) && guid(text).is_none())
        })
}

/// `$result.event_id$` anywhere: a name with a dot between two dollars.
fn has_dollars(text: &str) -> bool {
    let parts: Vec<&str> = text.split('$').collect();
    let between = parts.len().saturating_sub(2);
    parts
        .iter()
        .skip(1)
        .take(between)
        .any(|part| part.contains('.') && is_name(part))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':'))
}

fn is_words(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b'-' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_any_template_language_is_told_from_an_id() {
        for text in [
            "{{Id}}",
            "{{ .Alert.ID }}",
            "${Id}",
            "$(alert.id)",
            "$ALERT_ID",
            "$.alert.id",
            "$result.event_id$",
            "n-$result.event_id$",
            "%id%",
            "%{id}",
            "%(id)s",
            "%s",
            "{alert.id}",
            "{id}",
            "@{triggerBody()?['id']}",
            "@triggerBody()?['id']",
            "<%= id %>",
            "#{id}",
            "[[id]]",
            "<alert id>",
            "[Alert.Id]",
            "<<alert.id>>",
            "{% id %}",
            "monitor-${x}",
            "{$labels.id}",
            "$json:id",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "$5 or 100%",
            "{8D6F1F4E-1B2C-4D3E-8F90-A1B2C3D4E5F6}",
            "{evt-77}",
            "[42]",
            "a$b",
            "100%",
            "<77>",
            "j@corp",
            "{aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee}",
            "LT-042$",
            "@lt-042",
            "",
        ] {
            assert!(!holds(text), "{text}");
        }
        assert!(is("{{host}}") && is("$host") && !is("{{a}}-7") && !is("lt-042"));
    }
}
