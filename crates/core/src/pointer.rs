//! JSON Pointer (RFC 6901), with one extension for mappings: a segment `*` is every element or member.
//! A literal key `*` is written `~2`, which RFC 6901 leaves free.

use super::json::{Doubt, Json, Object};

/// A parsed pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    steps: Vec<PointerStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PointerStep {
    Key(String),
    Each,
}

/// Why a text is no pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPointer {
    /// Neither empty nor begun with `/`.
    #[error("a JSON pointer is empty or starts with `/`")]
    NoSlash,
    /// A `~` that is not `~0`, `~1` or `~2`.
    #[error("`~` must be written `~0`, `/` as `~1` and a literal `*` as `~2`")]
    BadEscape,
}

impl Pointer {
    /// Reads a pointer; the empty text is the whole document.
    ///
    /// # Errors
    /// [`BadPointer`] says what is wrong.
    pub fn parse(text: &str) -> Result<Pointer, BadPointer> {
        if text.is_empty() {
            return Ok(Pointer { steps: Vec::new() });
        }
        let rest = text.strip_prefix('/').ok_or(BadPointer::NoSlash)?;
        let steps = rest.split('/').map(|raw| {
            if raw == "*" {
                Ok(PointerStep::Each)
            } else {
                unescape(raw).map(PointerStep::Key)
            }
        });
        Ok(Pointer {
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    /// Whether it can name more than one value.
    #[must_use]
    pub fn is_plural(&self) -> bool {
        self.steps.contains(&PointerStep::Each)
    }

    /// Every value it names, in document order.
    #[must_use]
    pub fn all<'j, 'a>(&self, root: &'j Json<'a>) -> Vec<&'j Json<'a>> {
        if !self.is_plural() {
            return self.first(root).into_iter().collect();
        }
        let mut found = vec![root];
        for step in &self.steps {
            found = match step {
                PointerStep::Key(key) => found.into_iter().filter_map(|v| v.member(key)).collect(),
                PointerStep::Each => found.into_iter().flat_map(children).collect(),
            };
        }
        found
    }

    /// Every value it names that is not missing, where a sender may write one value in place of a list of one, and a list
    /// in place of one value. `fits` chooses where a `*` could mean the members of an object or the object itself;
    /// `spread` steps through lists of any length, without it only through a list of one.
    pub fn lenient<'j, 'a>(
        &self,
        root: &'j Json<'a>,
        spread: bool,
        fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    ) -> Vec<&'j Json<'a>> {
        let mut found = Vec::new();
        lenient(&self.steps, root, spread, fits, &mut found);
        found
    }

    /// Every value it names, each with the nearest object around it (the root, where there is none nearer). An object in
    /// place of a list is its only element, unless it holds nothing but objects and lists: then each of them is one.
    #[must_use]
    pub fn all_with_owners<'j, 'a>(&self, root: &'j Json<'a>) -> Vec<(&'j Json<'a>, &'j Json<'a>)> {
        let mut found = vec![(root, root)];
        for step in &self.steps {
            let below = found.into_iter().flat_map(|(owner, value)| {
                let owner = if matches!(value, Json::Object(_)) {
                    value
                } else {
                    owner
                };
                let values = match step {
                    PointerStep::Key(key) => value.member(key).into_iter().collect(),
                    PointerStep::Each if is_element(value) => vec![value],
                    PointerStep::Each => children(value),
                };
                values.into_iter().map(move |value| (owner, value))
            });
            found = below.collect();
        }
        found
    }

    /// A key it reads that the same object holds twice, or also in another letter case: two readers could see two
    /// values. One that occurs twice is named before one that is only alike.
    #[must_use]
    pub fn doubt<'p>(&'p self, root: &'p Json<'_>) -> Option<Doubt<'p>> {
        let mut alike = None;
        let mut found = vec![root];
        for step in &self.steps {
            if let (PointerStep::Key(key), [only]) = (step, found.as_mut_slice()) {
                let value = *only;
                match step.doubt(value) {
                    Some(doubt @ Doubt::Twice(_)) => return Some(doubt),
                    doubt => alike = alike.or(doubt),
                }
                match value.member(key) {
                    Some(member) => *only = member,
                    None => return alike,
                }
                continue;
            }
            for doubt in found.iter().filter_map(|value| step.doubt(value)) {
                match doubt {
                    Doubt::Twice(_) => return Some(doubt),
                    Doubt::TwoCases(_) => alike = alike.or(Some(doubt)),
                }
            }
            found = match step {
                PointerStep::Key(key) => found.into_iter().filter_map(|v| v.member(key)).collect(),
                PointerStep::Each => found.into_iter().flat_map(children).collect(),
            };
        }
        alike
    }

    /// The object around a list that this pointer looks into and that holds nothing: `[]`, or `null` and the like in the
    /// place of a list.
    #[must_use]
    pub fn emptied<'j, 'a>(&self, root: &'j Json<'a>) -> Option<&'j Json<'a>> {
        for length in 1..=self.steps.len() {
            let before = Pointer {
                steps: self.steps.iter().take(length).cloned().collect(),
            };
            let named = matches!(before.steps.last(), Some(PointerStep::Key(_)));
            let into = matches!(self.steps.get(length), None | Some(PointerStep::Each));
            if named
                && into
                && let Some((owner, _)) = before
                    .all_with_owners(root)
                    .iter()
                    .find(|(_, value)| value.is_missing())
            {
                return Some(owner);
            }
        }
        None
    }

    /// The first value it names.
    #[must_use]
    pub fn first<'j, 'a>(&self, root: &'j Json<'a>) -> Option<&'j Json<'a>> {
        if self.is_plural() {
            return self.all(root).into_iter().next();
        }
        self.steps.iter().try_fold(root, |value, step| match step {
            PointerStep::Key(key) => value.member(key),
            PointerStep::Each => None,
        })
    }
}

impl PointerStep {
    /// What is in doubt where this step is taken from a value.
    fn doubt<'p>(&'p self, value: &'p Json<'_>) -> Option<Doubt<'p>> {
        let Json::Object(members) = value else {
            return None;
        };
        match self {
            PointerStep::Key(key) => members.doubt(key),
            PointerStep::Each => members.twice().map(Doubt::Twice),
        }
    }
}

impl Pointer {
    /// Puts a text at every place it names, with the objects that lead there; how many places there were. What stands
    /// in its way stays, and is no place.
    pub fn put(&self, root: &mut Json<'_>, text: &str) -> usize {
        put(&self.steps, root, text)
    }
}

fn put(steps: &[PointerStep], value: &mut Json<'_>, text: &str) -> usize {
    let Some((step, rest)) = steps.split_first() else {
        *value = Json::Text(text.to_owned().into());
        return 1;
    };
    match (step, value) {
        (PointerStep::Each, Json::List(elements)) => elements
            .iter_mut()
            .map(|element| put(rest, element, text))
            .sum(),
        (PointerStep::Each, Json::Object(members)) => members
            .values_mut()
            .map(|member| put(rest, member, text))
            .sum(),
        (PointerStep::Key(key), Json::Object(members)) => {
            let missing = members.get(key).is_none();
            let member = members.or_null(key);
            if missing {
                *member = Json::Object(Object::default());
            }
            put(rest, member, text)
        }
        (PointerStep::Key(key), Json::List(elements)) => {
            let at = key
                .parse::<usize>()
                .ok()
                .filter(|at| at.to_string() == *key);
            at.and_then(|at| elements.get_mut(at))
                .map_or(0, |element| put(rest, element, text))
        }
        _ => 0,
    }
}

fn lenient<'j, 'a>(
    steps: &[PointerStep],
    value: &'j Json<'a>,
    spread: bool,
    fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    found: &mut Vec<&'j Json<'a>>,
) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_missing() {
            found.push(value);
        }
        return;
    };
    match (step, value) {
        (_, Json::Null) => {}
        (PointerStep::Key(key), value) => match (value.member(key), value) {
            (Some(member), _) => lenient(rest, member, spread, fits, found),
            (None, Json::List(elements)) if spread || elements.len() == 1 => {
                elements
                    .iter()
                    .for_each(|element| lenient(steps, element, spread, fits, found));
            }
            (None, Json::List(_)) => {}
            // The first of a list of one.
            (None, _) if key == "0" => lenient(rest, value, spread, fits, found),
            (None, _) => {}
        },
        (PointerStep::Each, Json::List(elements)) => {
            elements
                .iter()
                .for_each(|element| lenient(rest, element, spread, fits, found));
        }
        (PointerStep::Each, Json::Object(members)) => {
            let before = found.len();
            members
                .iter()
                .for_each(|(_, member)| lenient(rest, member, spread, fits, found));
            if found.iter().skip(before).any(|value| fits(value)) {
                return;
            }
            let mut alone = Vec::new();
            lenient(rest, value, spread, fits, &mut alone);
            if alone.iter().any(|value| fits(value)) {
                found.truncate(before);
                found.append(&mut alone);
            }
        }
        (PointerStep::Each, value) => lenient(rest, value, spread, fits, found),
    }
}

/// Whether an object tells something itself, and is no collection of elements.
fn is_element(value: &Json<'_>) -> bool {
    let Json::Object(members) = value else {
        return false;
    };
    members
        .iter()
        .any(|(_, member)| member.text().is_some() || matches!(member, Json::Bool(_)))
}

fn children<'j, 'a>(value: &'j Json<'a>) -> Vec<&'j Json<'a>> {
    match value {
        Json::List(elements) => elements.iter().collect(),
        Json::Object(members) => members.iter().map(|(_, v)| v).collect(),
        _ => Vec::new(),
    }
}

fn unescape(raw: &str) -> Result<String, BadPointer> {
    let mut key = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '~' {
            key.push(c);
            continue;
        }
        key.push(match chars.next() {
            Some('0') => '~',
            Some('1') => '/',
            Some('2') => '*',
            _ => return Err(BadPointer::BadEscape),
        });
    }
    Ok(key)
}
