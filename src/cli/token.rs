//! `scanhook token`: makes a token for a program, offline. What goes into scanhook.toml is its hash.

use std::process::ExitCode;

use secrecy::ExposeSecret as _;

use super::output;
use super::trouble::{CliError, Exit};
use scanhook_core::access::{AccessTokenHash, AdminRole, from_random};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct TokenArgs {
    /// The token's name: it stands in the audit with whatever is done with it.
    #[arg(value_name = "NAME")]
    name: String,
    /// What it may do: viewer, approver, operator or admin.
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: AdminRole,
    /// Only for this tenant; may be given several times [default: all tenants].
    #[arg(long, value_name = "NAME")]
    tenant: Vec<String>,
    /// The last day on which it is taken, such as 2027-06-30 [default: it does not end].
    #[arg(long, value_name = "DATE", value_parser = date)]
    until: Option<String>,
    /// It may say for whom it acts: for a program that passes on what people decide elsewhere.
    #[arg(long)]
    for_others: bool,
}

fn role(text: &str) -> Result<AdminRole, String> {
    AdminRole::of_code(text).ok_or_else(|| "one of viewer, approver, operator, admin".to_owned())
}

fn date(text: &str) -> Result<String, String> {
    match text.parse::<toml::value::Datetime>() {
        Ok(date) if date.date.is_some() => Ok(text.to_owned()),
        _ => Err("a date such as 2027-06-30".to_owned()),
    }
}

pub(super) fn run(args: &TokenArgs) -> anyhow::Result<ExitCode> {
    let fits = |name: &str| {
        !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if !fits(&args.name) {
        let sentence = "a token's name has 1 to 64 letters, digits, `-` and `_`";
        return Err(CliError::new(Exit::Usage, sentence).into());
    }
    let mut bytes = [0; 39];
    getrandom::fill(&mut bytes)
        .map_err(|error| CliError::new(Exit::Internal, format!("no randomness: {error}")))?;
    let token = from_random(&bytes);
    let table = table(args, &AccessTokenHash::of(token.expose_secret()));
    output::print(&format!(
        "The token, shown this once: give it to {} and keep no copy.\n\n  {}\n\n\
         What goes into scanhook.toml:\n\n{table}",
        args.name,
        token.expose_secret()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The table that lets the token in.
fn table(args: &TokenArgs, hash: &AccessTokenHash) -> String {
    let mut lines = vec![
        format!("[admin.tokens.{}]", args.name),
        format!("hash = \"{hash}\""),
        format!("role = \"{}\"", args.role),
    ];
    if !args.tenant.is_empty() {
        let names: Vec<toml::Value> = args.tenant.iter().cloned().map(Into::into).collect();
        lines.push(format!("tenants = {}", toml::Value::from(names)));
    }
    if let Some(until) = &args.until {
        lines.push(format!("until = {until}"));
    }
    if args.for_others {
        lines.push("for_others = true".to_owned());
    }
    lines.join("\n") + "\n"
}
