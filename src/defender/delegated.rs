//! The sign-in of a person: the refresh token in a file, what is asked for with it, and how its successor takes its place.
//!
//! Entra may refuse a refresh token once the access token that came with its successor was used. So the successor is on the
//! disk before that access token is used, and the one before it stays beside it, as `.previous`, until the access token was
//! good for a call. The steps are values: whoever sends the request carries them out, in this order.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use http::Response;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::file_trouble::FileTrouble;
use super::token_error::{TokenRefusal, Whose};
use super::{Answer, Endpoints};
use crate::file::replace::{FileStep, beside, removing, replacing};

/// Words of Entra that only a person's new sign-in answers.
const WORDS: [&str; 4] = [
    "invalid_grant",
    "interaction_required",
    "consent_required",
    "login_required",
];
/// Codes that mean the same, whatever the word: expired, revoked, password changed, second factor, consent, and their kin.
const CODES: [u64; 21] = [
    50_055, 50_057, 50_058, 50_072, 50_074, 50_076, 50_078, 50_079, 50_089, 50_097, 50_132, 50_133,
    50_158, 50_173, 53_003, 65_001, 70_000, 70_008, 70_043, 700_082, 700_084,
];

/// The sign-in of a person, as settings name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSignIn {
    pub token_file: PathBuf,
    /// The delegated permission to read that is asked for beside `Machine.Scan`.
    pub reads: ReadScope,
    /// The tenant's configured name, for the command that signs in.
    pub tenant: String,
}

/// A delegated permission to read machines and machine actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadScope {
    #[default]
    Read,
    ReadWrite,
    /// None is asked for.
    Nothing,
}

impl ReadScope {
    /// All of them.
    pub const ALL: &'static [ReadScope] =
        &[ReadScope::Read, ReadScope::ReadWrite, ReadScope::Nothing];

    /// Its name in the settings; of a permission, Microsoft's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ReadScope::Read => "Machine.Read",
            ReadScope::ReadWrite => "Machine.ReadWrite",
            ReadScope::Nothing => "none",
        }
    }
}

/// A hash of a refresh token, to tell whether a file still holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &str) -> TokenHash {
        TokenHash(Sha256::digest(token.trim()).into())
    }
}

impl UserSignIn {
    /// Where the refresh token stays that came before.
    #[must_use]
    pub fn previous(&self) -> PathBuf {
        beside(&self.token_file, ".previous")
    }

    /// The scopes that are asked for.
    #[must_use]
    pub fn scopes(&self, e: &Endpoints) -> String {
        let audience = e.audience();
        let read = match self.reads {
            ReadScope::Nothing => String::new(),
            reads => format!("{audience}/{} ", reads.name()),
        };
        format!("{audience}/Machine.Scan {read}offline_access")
    }

    /// The command that signs in.
    #[must_use]
    pub fn command(&self) -> String {
        format!("scanhook login --tenant {}", self.tenant)
    }

    /// What a person is to do where a sign-in does not hold any more.
    #[must_use]
    pub fn again(&self) -> String {
        format!("sign in again: {}", self.command())
    }

    /// What a person is to do where nobody has signed in.
    #[must_use]
    pub fn first(&self) -> String {
        let file = self.token_file.display();
        format!("sign in first: {} ({file} is not there)", self.command())
    }

    /// What puts the refresh token of a new sign-in in place. The one before belongs to another sign-in, and goes first.
    #[must_use]
    pub fn begun(&self, refresh_token: SecretString) -> Vec<FileStep> {
        let mut steps = removing(&self.previous());
        steps.extend(replacing(&self.token_file, refresh_token));
        steps
    }

    /// What removes the refresh token before the one that was proved good.
    #[must_use]
    pub fn proved(&self) -> Vec<FileStep> {
        removing(&self.previous())
    }
}

/// A renewal that left, and what its answer changes in the files. Without `Debug`: it holds the refresh token.
#[derive(Clone)]
pub struct Renewal {
    user: UserSignIn,
    used: SecretString,
    /// What the file must still hold; else somebody signed in meanwhile.
    over: TokenHash,
}

impl Renewal {
    pub(super) fn new(user: UserSignIn, used: &str, over: Option<TokenHash>) -> Renewal {
        Renewal {
            user,
            used: SecretString::from(used),
            over: over.unwrap_or(TokenHash::of(used)),
        }
    }

    /// The file that the successor goes into.
    #[must_use]
    pub fn file(&self) -> &PathBuf {
        &self.user.token_file
    }

    /// The refresh token that was used.
    #[must_use]
    pub fn used(&self) -> TokenHash {
        TokenHash::of(self.used.expose_secret())
    }

    /// Whether the answer brings a successor.
    #[must_use]
    pub fn is_due(&self, answer: &Answer) -> bool {
        self.successor(answer).is_some()
    }

    fn successor(&self, answer: &Answer) -> Option<SecretString> {
        let Answer::Http(response) = answer else {
            return None;
        };
        let token = refresh_token(response)?;
        (token.expose_secret() != self.used.expose_secret()).then_some(token)
    }

    /// What is done with the files before the access token of this answer is used. `held`: what the file holds now.
    ///
    /// # Errors
    /// When it is another token than the one that was to be renewed.
    pub fn steps(
        &self,
        answer: &Answer,
        held: io::Result<Vec<u8>>,
    ) -> Result<Vec<FileStep>, FileTrouble> {
        let Some(successor) = self.successor(answer) else {
            return Ok(Vec::new());
        };
        let held = held.map_err(|_| FileTrouble::Replaced)?;
        if TokenHash::of(&String::from_utf8_lossy(&held)) != self.over {
            return Err(FileTrouble::Replaced);
        }
        let mut steps = replacing(&self.user.previous(), self.used.clone());
        steps.extend(replacing(&self.user.token_file, successor));
        Ok(steps)
    }
}

/// The refresh token of an answer that grants one.
pub(super) fn refresh_token(answer: &Response<Bytes>) -> Option<SecretString> {
    if !answer.status().is_success() {
        return None;
    }
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let token = body.get("refresh_token")?.as_str()?;
    let visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    visible.then(|| SecretString::from(token))
}

/// Whether only a person who signs in helps against a refusal.
pub(super) fn wants_sign_in(answer: &Response<Bytes>) -> bool {
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let word = body.get("error").and_then(Value::as_str).unwrap_or("");
    let codes = body.get("error_codes").and_then(Value::as_array);
    let code = |code: &Value| code.as_u64().or_else(|| code.as_str()?.parse().ok());
    let known = |code: u64| CODES.contains(&code);
    WORDS.contains(&word) || codes.into_iter().flatten().filter_map(code).any(known)
}

/// The code of a request without secret or assertion.
const NO_SECRET: &str = "AADSTS7000218";

/// A refusal as whoever signs in or has signed in reads it. `again`: whose sign-in it is, where only a new one helps.
#[must_use]
pub(super) fn said(refusal: TokenRefusal, again: Option<&UserSignIn>) -> TokenRefusal {
    if refusal.code == NO_SECRET {
        let meaning = "the app takes no sign-in of a person without a secret: at Entra, *Authentication* of the app \
                       registration, switch on *Allow public client flows*";
        let whose = Whose::Operator;
        return TokenRefusal {
            whose,
            meaning,
            ..refusal
        };
    }
    match again {
        Some(user) => TokenRefusal {
            meaning: of_sign_in(&refusal.code),
            more: Some(user.again()),
            ..refusal
        },
        None if is_of_sign_in(&refusal.code) => TokenRefusal {
            meaning: of_sign_in(&refusal.code),
            ..refusal
        },
        None => refusal,
    }
}

fn is_of_sign_in(code: &str) -> bool {
    let number = code.strip_prefix("AADSTS").and_then(|n| n.parse().ok());
    number.is_some_and(|number| CODES.contains(&number))
}

/// What a refusal means that a new sign-in answers.
fn of_sign_in(code: &str) -> &'static str {
    match code.strip_prefix("AADSTS").unwrap_or(code) {
        "70008" | "700082" | "700084" | "70043" => "the sign-in has expired",
        "50173" | "50133" | "50132" => {
            "the sign-in was revoked, or the person's password was changed"
        }
        "50055" => "the person's password has expired",
        "50057" => "the person's account is disabled",
        "50072" | "50074" | "50076" | "50078" | "50079" | "50158" => {
            "the person has to prove with a second factor who it is"
        }
        "50097" | "53003" => "Conditional Access wants another sign-in",
        "65001" => "nobody has consented to the app's delegated permissions",
        _ => "the sign-in holds no longer",
    }
}
