//! Whoever asks something of the admin listener, once it is known who that is.

use super::grant::AdminGrant;
use crate::time::Timestamp;

/// What proved who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedInBy {
    /// The request came from this computer, and nobody else has been given access.
    Loopback,
    /// A configured token, by its name.
    Token(String),
    /// The configured issuer, where this person signed in.
    SignIn,
    /// A signed token of the configured issuer, which a proxy or a program sent along.
    Jwt,
}

impl SignedInBy {
    /// As the audit and `whoami` show it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            SignedInBy::Loopback => "loopback".to_owned(),
            SignedInBy::Token(name) => format!("token {name}"),
            SignedInBy::SignIn => "sign-in".to_owned(),
            SignedInBy::Jwt => "jwt".to_owned(),
        }
    }
}

/// Somebody who is known, with what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What tells this person or program from every other: two people are two subjects.
    pub subject: String,
    /// How they are shown.
    pub name: String,
    /// What proved it.
    pub how: SignedInBy,
    /// What they may do.
    pub grant: AdminGrant,
    /// Whether they may say for whom they act.
    pub for_others: bool,
    /// From here on they have to prove themselves anew; `None`: no end is known.
    pub until: Option<Timestamp>,
}

impl Caller {
    /// Whoever is at this computer: one subject for everybody there.
    #[must_use]
    pub fn on_this_computer(grant: AdminGrant) -> Caller {
        Caller {
            subject: "loopback".to_owned(),
            name: "somebody on this computer".to_owned(),
            how: SignedInBy::Loopback,
            grant,
            for_others: false,
            until: None,
        }
    }
}
