//! A pointer, and how its text is read.

/// A parsed pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    pub(super) steps: Vec<PointerStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PointerStep {
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
