//! What can be wrong with a file that a token is asked for with, as a code and in words.

/// Why a file completes no request; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTrouble {
    Missing,
    Unreadable,
    Empty,
    TooLong,
    NotText,
    /// Everyone on this computer can read it.
    Exposed,
    /// It holds the refresh token that was refused a moment ago.
    Unchanged,
    /// Somebody signed in while its token was renewed.
    Replaced,
    /// The successor of its token cannot be kept, so what came with it is not used.
    Unwritable,
}

impl FileTrouble {
    /// All of them.
    pub const ALL: &'static [FileTrouble] = &[
        FileTrouble::Missing,
        FileTrouble::Unreadable,
        FileTrouble::Empty,
        FileTrouble::TooLong,
        FileTrouble::NotText,
        FileTrouble::Exposed,
        FileTrouble::Unchanged,
        FileTrouble::Replaced,
        FileTrouble::Unwritable,
    ];

    /// The stable code, which stands in the place of an answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            FileTrouble::Missing => "token-file-missing",
            FileTrouble::Unreadable => "token-file-unreadable",
            FileTrouble::Empty => "token-file-empty",
            FileTrouble::TooLong => "token-file-too-long",
            FileTrouble::NotText => "token-file-not-text",
            FileTrouble::Exposed => "token-file-exposed",
            FileTrouble::Unchanged => "token-file-unchanged",
            FileTrouble::Replaced => "token-file-replaced",
            FileTrouble::Unwritable => "token-file-unwritable",
        }
    }

    /// The trouble of a code, if it is one of these.
    #[must_use]
    pub fn of_code(code: &str) -> Option<FileTrouble> {
        Self::ALL
            .iter()
            .copied()
            .find(|trouble| trouble.code() == code)
    }

    /// What is wrong with the file, to follow its name.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            FileTrouble::Missing => "is not there",
            FileTrouble::Unreadable => {
                "cannot be read: give the account that scanhook runs as the right to read it"
            }
            FileTrouble::Empty => "is empty",
            FileTrouble::TooLong => "is too long to be what it should be",
            FileTrouble::NotText => "holds something else than a token or key",
            FileTrouble::Exposed => {
                "can be read or written by everyone on this computer: chmod 600 it"
            }
            FileTrouble::Unchanged => "holds the token that was refused",
            FileTrouble::Replaced => "was replaced while its token was renewed: it is read again",
            FileTrouble::Unwritable => {
                "cannot be replaced, so the token that came with its successor is not used: give the account that scanhook \
                 runs as the right to write to its folder"
            }
        }
    }
}
