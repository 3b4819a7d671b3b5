//! What proves a tenant's app to Entra ID: `credential = { … }`, one kind of six. A file or variable that is missing or
//! faulty is the matter of this tenant alone; a wrong key is a fault of the whole file.

mod certificate;
mod identity;
mod user;

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::fault::SettingsFault;
use super::place::{Context, Section};
use super::secret::{self, NamedSecret};
use crate::defender::credential::{ClientSecret, Credential};

/// The code of faults that lie in files and variables.
const OUTSIDE: &str = "bad-secret";
/// Each kind by the key that stands for it.
const KINDS: [&str; 7] = [
    "secret_file",
    "secret_env",
    "certificate_file",
    "federated_token_file",
    "managed_identity",
    "federated_identity",
    "user",
];

/// A tenant's credential, or why it has none for now.
pub type TenantCredential = Result<Arc<Credential>, Vec<SettingsFault>>;

/// Reads the table. `None`: it says nothing that could ever work, which is told.
pub(super) fn read<'i>(
    mut table: Section<'i>,
    tenant: &str,
    ctx: &mut Context<'i>,
) -> Option<TenantCredential> {
    let before = ctx.faults.len();
    let credential = of_kind(&mut table, tenant, ctx);
    table.finish(ctx);
    if !ctx.tenants_alone {
        return credential.map(|credential| Ok(Arc::new(credential)));
    }
    let found = ctx.faults.split_off(before);
    let (outside, of_file): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|fault| fault.code == OUTSIDE);
    let usable = of_file.is_empty();
    ctx.faults.extend(of_file);
    match credential {
        // Another secret of the list will do.
        Some(credential) => {
            ctx.warnings.extend(outside.iter().map(ToString::to_string));
            Some(Ok(Arc::new(credential)))
        }
        None if usable && !outside.is_empty() => Some(Err(outside)),
        None => {
            ctx.faults.extend(outside);
            None
        }
    }
}

fn of_kind<'i>(table: &mut Section<'i>, tenant: &str, ctx: &mut Context<'i>) -> Option<Credential> {
    let named: Vec<_> = KINDS
        .into_iter()
        .filter(|kind| table.has(ctx, kind))
        .collect();
    table.offer(&KINDS);
    if let [first, second, ..] = named.as_slice()
        && !(*first == "secret_file" && *second == "secret_env")
    {
        let message = format!("stands beside `{first}`; a tenant has one kind of credential");
        table.fault(ctx, second, "bad-value", message);
        return None;
    }
    match named.first().copied() {
        Some("certificate_file") => {
            let certificate = certificate::read(table, ctx)?;
            Some(Credential::Certificate(Box::new(certificate)))
        }
        Some("federated_token_file") => {
            let read = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let file = table.parse(ctx, "federated_token_file", "the name of a file", read)?;
            Some(Credential::FederatedToken {
                path: table.folder(ctx, "federated_token_file").join(file),
            })
        }
        Some("managed_identity") => identity::read(table, ctx).map(Credential::ManagedIdentity),
        Some("federated_identity") => {
            let mut below = table.section(ctx, "federated_identity")?;
            let identity = identity::read(&mut below, ctx);
            below.finish(ctx);
            identity.map(Credential::FederatedIdentity)
        }
        Some("user") => {
            let mut below = table.section(ctx, "user")?;
            let user = user::read(&mut below, tenant, ctx);
            below.finish(ctx);
            user.map(Credential::User)
        }
        _ => secrets(table, ctx),
    }
}

fn secrets<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Credential> {
    let mut secrets = Vec::new();
    for (key, named) in secret::named(table, ctx) {
        ctx.warnings.extend(named.oddity());
        let fault = match client_secret(&named) {
            Ok(secret) => {
                secrets.push(secret);
                continue;
            }
            Err(fault) => fault,
        };
        table.fault(ctx, key, OUTSIDE, format!("{}: {fault}", named.id));
    }
    (!secrets.is_empty()).then_some(Credential::Secrets(secrets))
}

fn client_secret(named: &NamedSecret) -> Result<ClientSecret, &'static str> {
    match core::str::from_utf8(named.secret.expose_secret()) {
        Ok("") => Err("is empty"),
        Ok(text) => Ok(ClientSecret {
            name: named.id.clone(),
            text: SecretString::from(text),
        }),
        Err(_) => Err("is not UTF-8"),
    }
}

/// What stands for the credential where the simulator asks for none.
pub(super) fn simulated() -> TenantCredential {
    Ok(Arc::new(Credential::Secrets(vec![ClientSecret {
        name: "simulated".to_owned(),
        text: SecretString::from("simulated"),
    }])))
}
