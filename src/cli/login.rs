//! `scanhook login`: a person signs in once, and the refresh token is written into the file that the tenant's credential
//! names. A scanhook that runs sees the file and goes on.

mod asked;
mod browser;
mod device;

use std::path::PathBuf;
use std::process::ExitCode;

use secrecy::SecretString;

use super::dumps;
use super::load;
use super::output::{self, complain, plain};
use super::trouble::{CliError, Exit};
use crate::defender::client::{Client, Timeouts};
use crate::defender::delegated::UserSignIn;
use crate::defender::sign_in::{SignIn, SignedIn};
use crate::defender::token::{self, ClaimFault};
use crate::file::replace::{FileStep, FolderLock};
use crate::settings::{Settings, Tenant};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct LoginArgs {
    /// The tenant to sign in for, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    tenant: String,
    /// The configuration; without it, the scanhook.toml that `serve` would take.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sign in with a browser on this computer, instead of with a code on any.
    #[arg(long)]
    browser: bool,
}

pub(super) async fn run(args: &LoginArgs) -> anyhow::Result<ExitCode> {
    if let Err(error) = dumps::off() {
        complain(&format!(
            "core dumps could not be switched off ({error}): one would hold the sign-in"
        ));
    }
    let settings = load::settings(&load::inputs(args.config.as_ref(), None))?;
    let tenant = tenant(&settings, &args.tenant)?;
    let user = user(tenant)?;
    has_folder(user)?;
    let sign_in = SignIn {
        endpoints: &tenant.endpoints,
        tenant_id: &tenant.tenant_id,
        client_id: &tenant.client_id,
        user,
    };
    let client = Client::build(Timeouts::default(), &settings.network)
        .map_err(|error| CliError::new(Exit::Configuration, error.to_string()))?;
    let signed_in = if args.browser {
        browser::signed_in(sign_in, &client).await?
    } else {
        device::signed_in(sign_in, &client).await?
    };
    let token = accepted(tenant, &signed_in)?;
    written(user, token)?;
    output::tell(&welcome(tenant, user, &signed_in))?;
    Ok(ExitCode::SUCCESS)
}

fn tenant<'s>(settings: &'s Settings, name: &str) -> Result<&'s Tenant, CliError> {
    let found = settings.tenants.iter().find(|tenant| tenant.name == name);
    found.ok_or_else(|| {
        let signs_in = |tenant: &&Tenant| user(tenant).is_ok();
        let names: Vec<_> = settings
            .tenants
            .iter()
            .filter(signs_in)
            .map(|tenant| tenant.name.clone())
            .collect();
        let known = match names.as_slice() {
            [] => "no tenant has a credential `{ user = { token_file = \"…\" } }`".to_owned(),
            names => format!("a person can sign in for {}", names.join(", ")),
        };
        let name = plain(name);
        CliError::new(
            Exit::Configuration,
            format!("there is no tenant `{name}`: {known}"),
        )
    })
}

fn user(tenant: &Tenant) -> Result<&UserSignIn, CliError> {
    let credential = tenant.credential.as_ref().ok();
    credential
        .and_then(|credential| credential.user())
        .ok_or_else(|| {
            let sentence = format!(
                "tenant `{}` is proved otherwise: nobody signs in for it. A person does where its credential is \
                 {{ user = {{ token_file = \"…\" }} }}",
                tenant.name
            );
            CliError::new(Exit::Configuration, sentence)
        })
}

/// Before anybody signs in in vain.
fn has_folder(user: &UserSignIn) -> Result<(), CliError> {
    let folder = user.token_file.parent();
    match folder.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => Err(CliError::new(
            Exit::NoInput,
            format!(
                "{}: there is no such folder for the refresh token; make it, and let nobody else read it",
                folder.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// The refresh token, if the sign-in is one for this tenant and of any use.
fn accepted(tenant: &Tenant, signed_in: &SignedIn) -> Result<SecretString, CliError> {
    let claims = &signed_in.claims;
    let refused = |why: &str| {
        let sentence = format!("{why}. Nothing was written");
        CliError::new(Exit::Permission, sentence)
    };
    let faults = token::check(claims, &tenant.endpoints, &tenant.tenant_id);
    if let Some(fault) = faults.iter().find(|fault| fault.stops()) {
        let account = account(signed_in);
        return Err(refused(&match fault {
            ClaimFault::WrongTenant { wanted, found } => format!(
                "{account} signed in to tenant {found}, and tenant `{}` is {wanted}: sign in with an account of that one",
                tenant.name
            ),
            fault => format!("{account} signed in, but {fault}"),
        }));
    }
    for fault in &faults {
        complain(&format!("warning: {fault}"));
    }
    signed_in.refresh_token.clone().ok_or_else(|| {
        refused("Entra gave no refresh token: the app must be allowed the scope offline_access")
    })
}

/// Puts the refresh token in place, on the disk.
fn written(user: &UserSignIn, token: SecretString) -> Result<(), CliError> {
    let _alone = FolderLock::around(&user.token_file);
    let steps = user.begun(token);
    steps
        .iter()
        .try_for_each(FileStep::carry_out)
        .map_err(|error| {
            let file = user.token_file.display();
            CliError::new(
                Exit::Io,
                format!("{file}: {error}. The sign-in was not kept"),
            )
        })
}

fn account(signed_in: &SignedIn) -> String {
    let account = signed_in.claims.account.as_deref();
    plain(account.unwrap_or("somebody without a name"))
}

fn welcome(tenant: &Tenant, user: &UserSignIn, signed_in: &SignedIn) -> String {
    let claims = &signed_in.claims;
    let may = claims.roles.iter().map(|scope| plain(scope));
    let may = may.collect::<Vec<_>>().join(", ");
    let of = claims.tid.as_deref().unwrap_or("unknown");
    format!(
        "Signed in for tenant `{}` as {} (Entra tenant {}).\nThe app may act for this account with: {may}.\nThe refresh token is \
         in {}. A scanhook that runs goes on within 20 seconds.\n",
        tenant.name,
        account(signed_in),
        plain(of),
        user.token_file.display()
    )
}
