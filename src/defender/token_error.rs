//! Entra's error codes: what each of them asks for, and whose move it is. A table that grows with what Entra publishes,
//! apart from the reading of answers.

use core::fmt;
use core::time::Duration;

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Somebody must change something at Entra: secret, app, consent.
    Operator,
    /// A setting of this program is wrong: cloud, scope, tenant.
    Configuration,
    /// The request was wrong: a fault of this program.
    Ours,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRefusal {
    /// `AADSTS…`, else the `error` word, else `http-` and the status.
    pub code: String,
    pub whose: Whose,
    /// What it means and what helps, in our words.
    pub meaning: &'static str,
    /// Entra's id of this answer, for its support.
    pub trace: Option<String>,
    /// What else is known, in our words.
    pub more: Option<String>,
}

impl TokenRefusal {
    /// What it means, with all that is known beside it.
    #[must_use]
    pub fn words(&self) -> String {
        let more = self.more.as_ref();
        more.map_or_else(
            || self.meaning.to_owned(),
            |more| format!("{}; {more}", self.meaning),
        )
    }
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.words())?;
        self.trace
            .as_ref()
            .map_or(Ok(()), |trace| write!(f, " (trace {trace})"))
    }
}

/// What a code asks for.
pub(super) enum Handling {
    Stop(Whose, &'static str),
    Retry,
    Loop,
}

/// The published codes (defender-api, token errors).
pub(super) fn of_number(number: u64) -> Option<Handling> {
    use Handling::{Loop, Retry, Stop};
    use Whose::{Configuration, Operator, Ours};
    Some(match number {
        7_000_215 => Stop(
            Operator,
            "the client secret is wrong; often the secret's id was copied instead of its value",
        ),
        7_000_222 => Stop(Operator, "the client secret has expired; create a new one"),
        7_000_218 => Stop(
            Ours,
            "the request carried no credential: a fault of scanhook, please report it",
        ),
        700_016 => Stop(
            Operator,
            "the app is not known in this tenant: wrong tenant_id, or no consent was given there",
        ),
        90_002 => Stop(
            Operator,
            "the tenant does not exist in this cloud; check tenant_id",
        ),
        500_011 => Stop(
            Operator,
            "the Defender API is not known in this tenant: Defender is not set up there, or cloud or token_scope is wrong",
        ),
        70_011 | 28_002 => Stop(Configuration, "the scope is not valid; check token_scope"),
        700_022 => Stop(
            Ours,
            "the scope named more than one resource: a fault of scanhook, please report it",
        ),
        700_027 => Stop(
            Operator,
            "the certificate's signature was not accepted; check that it is registered for the app",
        ),
        50_012 | 50_013 | 500_133 => Stop(
            Operator,
            "the certificate or its assertion is not valid or outside its time; check it, and the clock of this computer",
        ),
        700_024 => Stop(
            Operator,
            "the assertion is outside its time; check the clock of this computer",
        ),
        // Not among the published ones, but met where an assertion of another issuer fits no federated credential.
        70_021 | 700_211 | 700_212 | 700_213 => Stop(
            Operator,
            "no federated credential of the app names this issuer, subject and audience; compare the three at Entra with \
             those of the token",
        ),
        700_011 | 7_000_112 | 70_001 => Stop(Operator, "the app is missing or disabled"),
        53_003 => Stop(Operator, "Conditional Access blocks this app"),
        90_038 | 900_382 => Stop(
            Configuration,
            "the tenant belongs to another national cloud; check cloud",
        ),
        9_001_023 | 50_194 => Stop(Configuration, "tenant_id must be one tenant, not `common`"),
        50_196 => Loop,
        90_055 | 90_006 | 90_012 | 90_024 | 90_033 => Retry,
        _ => return None,
    })
}

/// Codes that a clock which is off may lead to.
const OF_TIME: [&str; 4] = ["AADSTS50012", "AADSTS50013", "AADSTS500133", "AADSTS700024"];
/// Clocks that differ by less are not the reason.
const OFF: Duration = Duration::from_secs(60);

/// How far this computer's clock is off, where the refusal may come of that. `ahead`: by how many milliseconds Entra's is
/// ahead.
pub(super) fn of_clock(code: &str, ahead: Option<i64>) -> Option<String> {
    let ahead = ahead.filter(|_| OF_TIME.contains(&code))?;
    let by = Duration::from_millis(ahead.unsigned_abs());
    let way = if ahead > 0 { "behind" } else { "ahead of" };
    (by >= OFF).then(|| {
        format!(
            "the clock of this computer is {} s {way} Entra's: set it",
            by.as_secs()
        )
    })
}

/// What is left where no number is known: the word of OAuth 2.0.
pub(super) fn of_word(word: &str) -> Handling {
    use Handling::{Retry, Stop};
    match word {
        "temporarily_unavailable" | "server_error" => Retry,
        "invalid_scope" => Stop(
            Whose::Configuration,
            "the scope is not valid; check token_scope",
        ),
        "invalid_client" => Stop(
            Whose::Operator,
            "the credential or the app was refused; check both at Entra",
        ),
        _ => Stop(
            Whose::Operator,
            "Entra refused the token; look the code up at login.microsoftonline.com/error",
        ),
    }
}
