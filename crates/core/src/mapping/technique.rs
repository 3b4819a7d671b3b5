//! ATT&CK technique ids, wherever a sender's text holds them: `T1486 - Data Encrypted for Impact`, `T1486,T1490`,
//! `attack.t1486`, or an object with the id and the words.

use super::field::LONGEST_LIST;
use super::found::{TextOrigin, Yielded};
use super::notes::Notes;
use super::path::{At, PathUse, identity};
use super::source::ValueSource;
use crate::alert::Note;
use crate::json::Json;

const FIELD: &str = "alert.techniques";

/// What one source says.
#[derive(Default)]
struct SaidTechniques {
    /// Ids, each with the text and the place it stood in.
    ids: Vec<(String, String, TextOrigin)>,
    /// Texts without an id.
    unread: Vec<(String, TextOrigin)>,
    /// An object without an id, or something that has no text at all.
    odd: bool,
    /// Texts that were looked at.
    looked: usize,
}

/// The techniques of the first source that holds any. Where a text names none, the field is *unusable* beside what could
/// be read: a rule that asks for a technique must not take it for absent.
pub(super) fn read(sources: &[ValueSource], at: At<'_, '_>, notes: &mut Notes) -> Vec<String> {
    let mut best: Option<SaidTechniques> = None;
    for source in sources {
        let mut said = SaidTechniques::default();
        // An object is searched as one, for not every member of it is about the technique.
        let mut fits = |value: &Json<'_>| matches!(value, Json::Object(_) | Json::List(_));
        for found in notes.field_fitting(source, at.reading(PathUse::Many), &mut fits) {
            said.take(&found, at);
        }
        if said.looked == 0 && !said.odd {
            continue;
        }
        let has_ids = !said.ids.is_empty();
        if has_ids || best.is_none() {
            best = Some(said);
        }
        if has_ids {
            break;
        }
    }
    best.map_or_else(Vec::new, |said| said.told(notes))
}

impl SaidTechniques {
    fn take(&mut self, found: &Yielded<'_, '_>, at: At<'_, '_>) {
        match found {
            Yielded::Node(value) => self.element(value, at),
            Yielded::Made(text, from) => self.text(text, from),
        }
    }

    /// One element of the sender's list: an object counts as read if anything in it is an id.
    fn element(&mut self, value: &Json<'_>, at: At<'_, '_>) {
        if self.looked > LONGEST_LIST {
            return;
        }
        match value {
            Json::Null => {}
            Json::Text(text) | Json::Number(text) if at.is_nothing(text) => {}
            Json::Text(text) | Json::Number(text) => {
                self.text(text, &TextOrigin::One(identity(value)))
            }
            Json::Bool(_) => self.odd = true,
            Json::List(elements) => elements
                .iter()
                .for_each(|element| self.element(element, at)),
            Json::Object(members) => {
                let mut inside = SaidTechniques::default();
                members
                    .iter()
                    .for_each(|(_, member)| inside.element(member, at));
                self.odd |= inside.ids.is_empty() && (inside.looked > 0 || inside.odd);
                self.looked += inside.looked;
                self.ids.append(&mut inside.ids);
            }
        }
    }

    fn text(&mut self, text: &str, from: &TextOrigin) {
        self.looked += 1;
        let found = ids(text);
        if found.is_empty() {
            self.unread.push((text.to_owned(), from.clone()));
        }
        self.ids.extend(
            found
                .into_iter()
                .map(|id| (id, text.to_owned(), from.clone())),
        );
    }

    fn told(self, notes: &mut Notes) -> Vec<String> {
        if self.looked > LONGEST_LIST {
            notes.unusable(FIELD);
            return Vec::new();
        }
        let mut techniques: Vec<String> = Vec::new();
        for (id, text, from) in self.ids {
            if !techniques.contains(&id) {
                notes.supplied_as(FIELD, &text, &id, &from);
                techniques.push(id);
            }
        }
        if self.odd || !self.unread.is_empty() {
            notes.unusable(FIELD);
            notes.told.insert(Note::TechniqueNotRead);
        }
        for (text, from) in self.unread {
            notes.remark(
                FIELD,
                &text,
                "holds no number of a technique, such as T1486",
                &from,
            );
            if let Some(text) = notes
                .admit_text(text, FIELD)
                .filter(|text| !techniques.contains(text))
            {
                notes.supplied(FIELD, &text, &from);
                techniques.push(text);
            }
        }
        techniques
    }
}

/// Every technique id in a text, in upper case: `T`, four digits, and perhaps the three digits of a sub-technique.
pub(super) fn ids(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|b| matches!(b, b'T' | b't')))
    {
        let start = at + offset;
        at = start + 1;
        let free = start
            .checked_sub(1)
            .and_then(|before| bytes.get(before))
            .is_none_or(|b| !b.is_ascii_alphanumeric());
        if !free || !digits(bytes, start + 1, 4) {
            continue;
        }
        let mut end = start + 5;
        let mut id = format!("T{}", text.get(start + 1..end).unwrap_or_default());
        if matches!(bytes.get(end), Some(b'.' | b'/' | b'_')) && digits(bytes, end + 1, 3) {
            id.push('.');
            id.push_str(text.get(end + 1..end + 4).unwrap_or_default());
            end += 4;
        }
        if bytes.get(end).is_none_or(|b| !b.is_ascii_alphanumeric()) {
            found.push(id);
        }
        at = end;
    }
    found
}

/// Whether exactly so many digits stand there.
fn digits(bytes: &[u8], from: usize, count: usize) -> bool {
    bytes
        .get(from..from + count)
        .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
        && bytes.get(from + count).is_none_or(|b| !b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_wherever_a_text_holds_it() {
        for (text, expected) in [
            ("T1486", &["T1486"][..]),
            ("t1003.001", &["T1003.001"]),
            ("T1486 - Data Encrypted for Impact", &["T1486"]),
            ("T1486,T1490;T1003.001", &["T1486", "T1490", "T1003.001"]),
            ("attack.t1486", &["T1486"]),
            ("mitre_T1486", &["T1486"]),
            (
                "https://attack.mitre.org/techniques/T1003/001/",
                &["T1003.001"],
            ),
            ("PowerShell (T1059.001)", &["T1059.001"]),
            ("T1486.", &["T1486"]),
            ("[\"T1486\",\"T1490\"]", &["T1486", "T1490"]),
            ("T14861 T148 XT1486 T1486a TA0040", &[]),
            ("Data Encrypted for Impact", &[]),
            ("T1486.1", &["T1486"]),
            ("ünT1486 T1490", &["T1490"]),
            ("", &[]),
        ] {
            assert_eq!(ids(text), expected, "{text}");
        }
    }
}
