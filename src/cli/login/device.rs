//! A code, which the person enters on any computer, while Entra is asked whether it was entered.

use core::time::Duration;

use super::asked::{asked, ended};
use crate::cli::output;
use crate::cli::trouble::CliError;
use crate::clock;
use crate::defender::client::Client;
use crate::defender::sign_in::{SignIn, SignInReply, SignedIn};

/// How much more time lies between two questions once they came too fast (RFC 8628).
const SLOWER: Duration = Duration::from_secs(5);

/// Waits until the person has signed in.
pub(super) async fn signed_in(
    sign_in: SignIn<'_>,
    client: &Client,
) -> Result<Box<SignedIn>, CliError> {
    let answer = asked(client, sign_in.device()).await.map_err(ended)?;
    let code = sign_in.code(&answer, clock::now()).map_err(ended)?;
    output::tell(&format!(
        "Open {} in any browser and enter the code {} within {} minutes.\n",
        code.address,
        code.code,
        code.life.as_secs().div_ceil(60)
    ))?;
    let (begun, mut interval) = (clock::mono(), code.interval);
    loop {
        tokio::time::sleep(interval).await;
        if clock::mono().saturating_sub(begun) >= code.life {
            return Err(ended(SignInReply::Expired));
        }
        let answer = asked(client, sign_in.entered(&code)).await;
        match answer.map_or_else(|lost| lost, |answer| sign_in.reply(&answer, clock::now())) {
            SignInReply::SignedIn(signed_in) => return Ok(signed_in),
            // A network that is away for a moment is no reason to begin anew.
            SignInReply::Pending | SignInReply::Later(_) => {}
            SignInReply::TooFast => interval += SLOWER,
            over => return Err(ended(over)),
        }
    }
}
