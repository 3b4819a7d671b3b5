//! A browser on this computer, which Entra sends back to a listener of ours on the loopback address.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::{mpsc, watch};

use super::asked::{asked, ended};
use crate::cli::listeners::bind;
use crate::cli::output::{self, plain};
use crate::cli::trouble::{CliError, Exit};
use crate::clock;
use crate::defender::client::Client;
use crate::defender::sign_in::{BrowserProof, SignIn, SignInReply, SignedIn};
use crate::server::limits::Limits;
use crate::server::listener;

/// How long the browser is waited for.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
const THANKS: &str =
    "You have signed in. scanhook goes on in the terminal; this page can be closed.\n";
const DECLINED: &str = "You have not signed in. The terminal says why; this page can be closed.\n";

/// What the browser brought: a code, or Entra's word for why there is none.
type Brought = Result<String, String>;

/// Waits until the person has signed in.
pub(super) async fn signed_in(
    sign_in: SignIn<'_>,
    client: &Client,
) -> Result<Box<SignedIn>, CliError> {
    let mut random = [0; 64];
    getrandom::fill(&mut random)
        .map_err(|error| CliError::new(Exit::Internal, format!("no randomness: {error}")))?;
    let proof = BrowserProof::of(&random);
    let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "--browser")?;
    let port = socket
        .local_addr()
        .map_err(|error| CliError::new(Exit::Io, error.to_string()))?
        .port();
    // Entra takes any port of this one address where the app registration names it.
    let redirect = format!("http://localhost:{port}");
    let (bring, mut brought) = mpsc::channel(1);
    let (stop, stopping) = watch::channel(false);
    let router = Router::new()
        .route("/", get(back))
        .with_state((proof.state.clone(), bring));
    let limits = Limits {
        grace: Duration::from_secs(1),
        ..Limits::default()
    };
    let serving = listener::serve(socket, router, limits, Default::default(), stopping);
    tokio::pin!(serving);
    output::print(&format!(
        "Open this address in a browser on this computer, within 15 minutes:\n{}\n",
        sign_in.page(&proof, &redirect)
    ))?;
    let brought = tokio::select! {
        brought = brought.recv() => brought,
        _ = &mut serving => return Err(ended(SignInReply::Later("listener".to_owned()))),
        () = tokio::time::sleep(PATIENCE) => return Err(ended(SignInReply::Expired)),
    };
    // The browser gets its answer first.
    stop.send_replace(true);
    serving.await;
    let code = match brought {
        Some(Ok(code)) => code,
        Some(Err(word)) if word == "access_denied" => return Err(ended(SignInReply::Declined)),
        Some(Err(word)) => return Err(ended(SignInReply::Later(plain(&word)))),
        None => return Err(ended(SignInReply::Later("listener".to_owned()))),
    };
    let answer = asked(client, sign_in.brought(&code, &proof, &redirect)).await;
    match answer.map_or_else(|lost| lost, |answer| sign_in.reply(&answer, clock::now())) {
        SignInReply::SignedIn(signed_in) => Ok(signed_in),
        over => Err(ended(over)),
    }
}

/// The browser comes back. What does not know the state was not sent by this sign-in, and ends nothing.
async fn back(
    State((state, bring)): State<(String, mpsc::Sender<Brought>)>,
    Query(query): Query<BTreeMap<String, String>>,
) -> (StatusCode, &'static str) {
    let text = |key: &str| query.get(key).map_or("", String::as_str);
    if text("state") != state {
        return (
            StatusCode::BAD_REQUEST,
            "This page belongs to another sign-in.\n",
        );
    }
    let (brought, page) = match (text("code"), text("error")) {
        ("", word) => (Err(word.to_owned()), DECLINED),
        (code, _) => (Ok(code.to_owned()), THANKS),
    };
    // The first one counts.
    let _ = bring.try_send(brought);
    (StatusCode::OK, page)
}
