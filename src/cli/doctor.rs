//! `scanhook doctor`: each step of the way to Entra ID, Defender and back, and what to do where one is not well. It sends no
//! scan, changes nothing but a person's sign-in, which every use renews, and works beside a running scanhook and without one, also with a configuration that has faults.
//!
//! What is seen (`way`, `account`, `listeners`, the journal's sight) is turned into steps by pure functions: `origin`,
//! `tenant`, `here`.

mod account;
mod here;
mod listeners;
mod origin;
mod signer;
mod step;
mod tenant;
mod way;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use core::time::Duration;

use serde::Serialize;

use super::format::OutputFormat;
use super::load::{inputs, placed};
use super::output::{self, plain};
use super::responder::Responder;
use super::table::count;
use super::trouble::{CliError, Exit};
use crate::api::StatusView;
use crate::defender::Endpoints;
use crate::defender::client::{Client, Timeouts};
use crate::journal::{JournalSight, check_database};
use crate::settings::{Inputs, Settings, SettingsInPart};
use account::{Reached, ask};
use here::ListenerFacts;
use origin::{OriginFacts, clock};
use step::DoctorStep;
use way::{look, origin_of};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct DoctorArgs {
    /// The configuration; without it, the scanhook.toml that `serve` would take.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look at one tenant alone.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    responder: Responder,
}

/// Faults of the configuration that are told one by one.
const MOST_FAULTS: usize = 20;

/// Where a tenant's calls go, as programs read it.
#[derive(Serialize)]
struct DoctorTenant<'a> {
    api_base: &'a str,
    authority: &'a str,
    token_scope: &'a str,
}

/// All of it, as programs read it.
#[derive(Serialize)]
struct DoctorReport<'a> {
    ok: bool,
    tenants: BTreeMap<&'a str, DoctorTenant<'a>>,
    steps: &'a [DoctorStep],
}

pub(super) async fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let inputs = inputs(args.config.as_ref(), None);
    let (strict, _) = Settings::load_in_part(&inputs, false);
    let (mut settings, _) = Settings::load_in_part(&inputs, true);
    narrow(&mut settings, args.tenant.as_deref())?;
    let mut steps = configuration(&inputs, &strict);
    let admin = args.responder.asked_at(&inputs);
    let running = listeners::running(&args.responder, &admin).await;
    steps.extend(tenants(&settings, running.as_ref()).await);
    steps.extend(surroundings(&settings, &admin, running.as_ref()).await);
    tell(&settings, &steps, args.responder.output)?;
    let failed = steps.iter().any(DoctorStep::failed);
    Ok(if failed {
        Exit::Findings.into()
    } else {
        ExitCode::SUCCESS
    })
}

/// Leaves one tenant.
fn narrow(settings: &mut SettingsInPart, tenant: Option<&str>) -> Result<(), CliError> {
    let Some(tenant) = tenant else {
        return Ok(());
    };
    settings.tenants.retain(|other| other.name == tenant);
    let known: Vec<_> = settings
        .endpoints
        .iter()
        .map(|(name, _)| plain(name))
        .collect();
    settings.endpoints.retain(|(name, _)| name == tenant);
    if settings.endpoints.is_empty() && settings.faults.is_empty() {
        let sentence = format!(
            "no tenant is called `{}`; there is {}",
            plain(tenant),
            known.join(", ")
        );
        return Err(CliError::new(Exit::NoInput, sentence));
    }
    Ok(())
}

/// What is wrong with the files.
fn configuration(inputs: &Inputs, settings: &SettingsInPart) -> Vec<DoctorStep> {
    const STEP: &str = "configuration";
    let file = inputs.file.as_ref().map(|path| path.display().to_string());
    let named = file
        .clone()
        .unwrap_or_else(|| "no scanhook.toml".to_owned());
    if settings.faults.is_empty() {
        let (tenants, sources) = (settings.tenants.len(), settings.sources.len());
        let detail = format!(
            "{named}: {}, {}",
            count(tenants, "tenant"),
            count(sources, "source")
        );
        return vec![DoctorStep::good(STEP, detail)];
    }
    let remedy = match file {
        Some(_) => "mend it; `scanhook check` shows all that is wrong with the files",
        None => "name one with --config, or make one: `scanhook init --source PRESET`",
    };
    let fault = |fault| DoctorStep::bad(STEP, placed(&named, fault), remedy);
    settings
        .faults
        .iter()
        .take(MOST_FAULTS)
        .map(fault)
        .collect()
}

/// The way to each host, once, and what each tenant gets there.
async fn tenants(settings: &SettingsInPart, running: Option<&StatusView>) -> Vec<DoctorStep> {
    let timeouts = Timeouts {
        total: Duration::from_secs(15),
        ..Timeouts::default()
    };
    let Some(network) = settings.network.clone() else {
        // Without the proxy that is meant, a secret would leave by another way than it should.
        let why = "[network] has a fault, so it is not known by which way to go";
        let steps = ["dns", "tcp", "proxy", "tls", "token"];
        return steps.map(|step| DoctorStep::skipped(step, why)).into();
    };
    let client = match Client::build(timeouts, &network) {
        Ok(client) => client,
        Err(error) => {
            let remedy =
                "install the authorities of your system, such as the package ca-certificates";
            return vec![DoctorStep::bad("tls", error.to_string(), remedy)];
        }
    };
    let hosts: BTreeSet<String> = settings
        .endpoints
        .iter()
        .flat_map(|(_, e)| [origin_of(&e.authority), origin_of(&e.api_base)])
        .collect();
    let (mut origins, mut readings) = (BTreeMap::new(), Vec::new());
    for origin in hosts {
        let (facts, reading) = look(&client, &origin, only(settings, &origin)).await;
        readings.extend(reading);
        origins.insert(origin, facts);
    }
    let is_reached = |base: &str| {
        let facts = origins.get(&origin_of(base));
        facts.is_some_and(OriginFacts::is_reached)
    };
    let reached = |e: &Endpoints| Reached {
        authority: is_reached(&e.authority),
        api: is_reached(&e.api_base),
    };
    let (mut all, more) = ask(&client, &settings.tenants, reached).await;
    readings.extend(more);
    let mut steps: Vec<_> = origins.values().flat_map(OriginFacts::steps).collect();
    steps.push(clock(&readings));
    for facts in &mut all {
        let view = running.and_then(|status| status.tenants.iter().find(|t| t.name == facts.name));
        facts.quota = view.map(|view| view.quota.clone().into_iter().collect());
        let mut sources = settings.sources.iter();
        facts.comments = sources.any(|source| source.comments_alerts_of(&facts.name));
        steps.extend(facts.steps());
    }
    let is_asked = |name: &String| all.iter().any(|facts| facts.name == *name);
    for (name, _) in settings
        .endpoints
        .iter()
        .filter(|(name, _)| !is_asked(name))
    {
        let why = "its configuration has a fault";
        steps.push(DoctorStep::skipped("token", why).of_tenant(Some(name)));
    }
    steps
}

/// The one tenant that calls this host.
fn only(settings: &SettingsInPart, origin: &str) -> Option<String> {
    let calls = |e: &Endpoints| {
        [&e.authority, &e.api_base]
            .iter()
            .any(|base| origin_of(base) == origin)
    };
    let mut callers = settings.endpoints.iter().filter(|(_, e)| calls(e));
    let first = callers.next().map(|(name, _)| name.clone());
    first.filter(|_| callers.next().is_none())
}

/// Journal, disk, listener and sources.
async fn surroundings(
    settings: &SettingsInPart,
    admin: &str,
    running: Option<&StatusView>,
) -> Vec<DoctorStep> {
    let mut steps = Vec::new();
    let names: Vec<String> = settings
        .sources
        .iter()
        .map(|source| source.name.clone())
        .collect();
    let mut sight = None;
    if let Some(postgres) = settings
        .journal
        .as_ref()
        .and_then(|journal| journal.postgres.clone())
    {
        let (shown, at) = (postgres.to_string(), Arc::new(postgres));
        let looked = tokio::task::spawn_blocking(move || check_database(&at)).await;
        steps.extend(looked.map(|looked| here::database(&shown, looked)));
    } else if let Some(journal) = &settings.journal {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let seen = JournalSight::of(&journal.path, journal.max_size, &known);
        steps.extend(here::journal(&journal.path.display().to_string(), &seen));
        sight = Some(seen);
    }
    if let Some(server) = &settings.server {
        let facts = ListenerFacts {
            listen: server.listen,
            public: listeners::at(server.listen, settings.tls.is_some()).await,
            admin,
            admin_door: listeners::at_url(admin).await,
            running,
        };
        steps.push(here::listener(&facts));
    }
    if let Some(sight) = &sight {
        steps.extend(here::sources(&names, running, sight));
    }
    steps
}

fn tell(
    settings: &SettingsInPart,
    steps: &[DoctorStep],
    format: OutputFormat,
) -> anyhow::Result<()> {
    let failed = steps.iter().filter(|step| step.failed()).count();
    if format == OutputFormat::Json {
        let tenants = settings.endpoints.iter().map(|(name, e)| {
            let tenant = DoctorTenant {
                api_base: &e.api_base,
                authority: &e.authority,
                token_scope: &e.token_scope,
            };
            (name.as_str(), tenant)
        });
        let report = DoctorReport {
            ok: failed == 0,
            tenants: tenants.collect(),
            steps,
        };
        output::json(&serde_json::to_string_pretty(&report)?)?;
        return Ok(());
    }
    let mut text: String = steps.iter().map(line).collect();
    text.push_str(&match failed {
        0 => "no step failed\n".to_owned(),
        failed => format!("{} failed\n", count(failed, "step")),
    });
    output::tell(&text)?;
    Ok(())
}

fn line(step: &DoctorStep) -> String {
    let mark = match step.ok {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "-",
    };
    let tenant = step
        .tenant
        .as_ref()
        .map_or_else(String::new, |name| format!("{}: ", plain(name)));
    let mut text = format!(
        "{mark} {:<13}  {tenant}{}\n",
        step.step,
        plain(&step.detail)
    );
    if let Some(remedy) = &step.remedy {
        text.push_str(&format!("  {:<13}  → {}\n", "", plain(remedy)));
    }
    text
}
