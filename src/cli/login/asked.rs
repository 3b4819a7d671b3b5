//! One question to Entra, and why a sign-in came to nothing.

use bytes::Bytes;
use http::{Request, Response};

use crate::cli::output::plain;
use crate::cli::trouble::{CliError, Exit};
use crate::defender::Answer;
use crate::defender::client::Client;
use crate::defender::sign_in::SignInReply;

/// Asks Entra once.
pub(super) async fn asked(
    client: &Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, SignInReply> {
    match client.send(request).await {
        Answer::Http(response) => Ok(response),
        Answer::NotSent(unsent) => Err(SignInReply::Later(unsent.code.to_owned())),
        Answer::Unknown(code) => Err(SignInReply::Later(code)),
    }
}

/// Why a sign-in came to nothing.
pub(super) fn ended(reply: SignInReply) -> CliError {
    let (exit, why) = match reply {
        SignInReply::Declined => (Exit::Permission, "the sign-in was declined".to_owned()),
        SignInReply::Expired => (
            Exit::Unavailable,
            "nobody signed in before the code expired".to_owned(),
        ),
        SignInReply::Refused(refusal) => (
            Exit::Permission,
            format!("Entra refuses the sign-in: {}", plain(&refusal.to_string())),
        ),
        SignInReply::Later(code) => (
            Exit::Unavailable,
            format!("Entra gives no answer that helps now (`{}`)", plain(&code)),
        ),
        SignInReply::Pending | SignInReply::TooFast | SignInReply::SignedIn(_) => (
            Exit::Unavailable,
            "Entra answers another question than it was asked".to_owned(),
        ),
    };
    CliError::new(exit, format!("{why}. Nothing was written"))
}
