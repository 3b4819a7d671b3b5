//! What can be said of a fact.

/// What can be said of a fact: there it is, it is not there, or nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading<T> {
    /// The value.
    Present(T),
    /// Known not to be there: every operator on it is false.
    Absent,
    /// Cannot be known: Kleene logic.
    Unknown,
}

impl<T> Reading<T> {
    /// The reading of a fact that is absent where it is not there.
    pub fn or_absent(value: Option<T>) -> Reading<T> {
        value.map_or(Reading::Absent, Reading::Present)
    }

    /// The value, if there is one.
    pub(super) fn present(self) -> Option<T> {
        match self {
            Reading::Present(value) => Some(value),
            Reading::Absent | Reading::Unknown => None,
        }
    }

    pub(super) fn map<U>(self, to: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Reading::Present(value) => Reading::Present(to(value)),
            Reading::Absent => Reading::Absent,
            Reading::Unknown => Reading::Unknown,
        }
    }

    /// Known not to be there.
    pub(super) const fn is_absent(&self) -> bool {
        matches!(self, Reading::Absent)
    }

    pub(super) const fn as_ref(&self) -> Reading<&T> {
        match self {
            Reading::Present(value) => Reading::Present(value),
            Reading::Absent => Reading::Absent,
            Reading::Unknown => Reading::Unknown,
        }
    }
}
