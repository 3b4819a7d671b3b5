//! What is written back is a receiver of messages for each tenant of a source, so that whatever is said of receivers holds for
//! it as well.

use core::time::Duration;

use super::place::Context;
use super::receiver::{Channel, Receiver};
use super::source::Source;
use super::tenant::Tenant;
use super::write_back::TenantWriteBack;
use crate::defender::credential::Credential;
use scanhook_core::message::{DigestTime, EventSet};
use scanhook_core::scan::Mode;

/// How long a comment is tried.
const GIVE_UP: Duration = Duration::from_secs(86_400);

/// What no source can know alone: a person's sign-in has no right to write comments.
pub(super) fn compare(sources: &[Source], tenants: &[Tenant], ctx: &mut Context<'_>) {
    for source in sources.iter().filter(|source| source.write_back.is_some()) {
        let of_person = |tenant: &&Tenant| {
            let credential = tenant.credential.as_deref().ok();
            source.tenants.contains(&tenant.name) && credential.and_then(Credential::user).is_some()
        };
        if let Some(tenant) = tenants.iter().find(of_person) {
            ctx.fault(
                "bad-value",
                format!("sources.{}.write_back", source.name),
                format!(
                    "tenant `{}` is one that a person signs in for: comments are written by an app with a credential of its own",
                    tenant.name
                ),
            );
        }
    }
}

/// The receivers that these sources are, for each tenant that sends: in a dry run nothing is written back.
pub(super) fn receivers(sources: &[Source], tenants: &[Tenant], dry_run: bool) -> Vec<Receiver> {
    let sends = |name: &&String| {
        let tenant = tenants.iter().find(|tenant| tenant.name == **name);
        !dry_run && tenant.is_some_and(|tenant| tenant.mode != Some(Mode::DryRun))
    };
    let of_source = |source: &Source| -> Vec<Receiver> {
        let Some(to) = &source.write_back else {
            return Vec::new();
        };
        let own = |tenant: &String| {
            // A space, which no configured name has.
            let name = match source.tenants.len() {
                1 => format!("{} write_back", source.name),
                _ => format!("{} write_back {tenant}", source.name),
            };
            Receiver {
                name,
                channel: Channel::WriteBack(TenantWriteBack {
                    source: source.name.clone(),
                    tenant: tenant.clone(),
                    to: to.clone(),
                }),
                events: EventSet::default(),
                tenants: Some(vec![tenant.clone()]),
                repeat: Duration::ZERO,
                give_up: GIVE_UP,
                digest: DigestTime::default(),
                proxy: None,
            }
        };
        source.tenants.iter().filter(sends).map(own).collect()
    };
    sources.iter().flat_map(of_source).collect()
}
