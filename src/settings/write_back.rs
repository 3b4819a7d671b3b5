//! `[sources.x.write_back]`: what goes back to where a source's alerts came from.

use std::collections::BTreeSet;

use super::place::{Context, Section};
use crate::defender::azure_base;
use scanhook_core::mapping::Mapping;
use scanhook_core::message::{Workspace, WriteBackMoment};

/// `[sources.x.write_back]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteBack {
    pub target: WriteBackTarget,
    pub when: BTreeSet<WriteBackMoment>,
}

/// Where comments go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteBackTarget {
    /// Incidents of this workspace of Microsoft Sentinel.
    Sentinel {
        workspace: Workspace,
        /// Where Azure is called; `None`: in the tenant's cloud.
        base: Option<String>,
    },
    /// Alerts of Microsoft Defender for Endpoint.
    DefenderAlert,
}

/// What one tenant's results are written back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantWriteBack {
    pub source: String,
    pub tenant: String,
    pub to: WriteBack,
}

/// The reference of an alert that holds the whole id of its incident.
pub const INCIDENT_REFERENCE: &str = "incident_arm";
/// The reference of an alert that holds Defender's own id of it, where the sender is another.
pub const ALERT_REFERENCE: &str = "provider_alert";

/// The tables that name a target, one of which stands in each.
const TARGETS: [&str; 2] = ["sentinel", "defender_alert"];

impl WriteBackTarget {
    /// Its table's name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            WriteBackTarget::Sentinel { .. } => TARGETS[0],
            WriteBackTarget::DefenderAlert => TARGETS[1],
        }
    }
}

/// Reads the table of one source, where it has one.
pub(super) fn read<'i>(
    source: &mut Section<'i>,
    mapping: Option<&Mapping>,
    ctx: &mut Context<'i>,
) -> Option<WriteBack> {
    if !source.has(ctx, "write_back") {
        // Known, so that a misspelt key is told from it.
        drop(source.section(ctx, "write_back"));
        return None;
    }
    let mut section = source.section(ctx, "write_back")?;
    let target = target(&mut section, ctx);
    let when = when(&mut section, ctx);
    if let (Some(WriteBackTarget::Sentinel { .. }), Some(mapping)) = (&target, mapping)
        && !mapping.has_reference(INCIDENT_REFERENCE)
    {
        let message = "needs the incident's whole id of each alert: map it as `references.incident_arm`, as the preset \
                       `sentinel-incident` does";
        section.fault(ctx, "sentinel", "bad-value", message);
    }
    section.finish(ctx);
    Some(WriteBack {
        target: target?,
        when,
    })
}

fn target<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<WriteBackTarget> {
    let named: Vec<_> = TARGETS
        .into_iter()
        .filter(|kind| section.has(ctx, kind))
        .collect();
    let base = section.take::<String>(ctx, "arm_base");
    let base = base.and_then(|text| match azure_base(&text) {
        Ok(base) => Some(base),
        Err(fault) => {
            section.fault(ctx, "arm_base", "bad-value", fault.to_string());
            None
        }
    });
    let [kind] = named[..] else {
        let message = "must have exactly one of the tables `sentinel` and `defender_alert`";
        section.missing(ctx, "sentinel", message);
        for kind in TARGETS {
            drop(section.section(ctx, kind));
        }
        return None;
    };
    for other in TARGETS.into_iter().filter(|other| *other != kind) {
        drop(section.section(ctx, other));
    }
    let mut table = section.section(ctx, kind)?;
    let target = if kind == TARGETS[0] {
        let must_be = "the whole id of a workspace: /subscriptions/…/resourceGroups/…/providers/\
                       Microsoft.OperationalInsights/workspaces/…";
        let workspace = table.parse(ctx, "workspace", must_be, Workspace::parse);
        if workspace.is_none() && !table.knows("workspace") {
            table.missing(ctx, "workspace", format!("must be {must_be}"));
        }
        workspace.map(|workspace| WriteBackTarget::Sentinel { workspace, base })
    } else {
        if section.knows("arm_base") {
            section.fault(ctx, "arm_base", "bad-value", "is for `sentinel` alone");
        }
        Some(WriteBackTarget::DefenderAlert)
    };
    table.finish(ctx);
    target
}

fn when<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> BTreeSet<WriteBackMoment> {
    let Some(names) = section.texts(ctx, "when") else {
        return [WriteBackMoment::Ended].into();
    };
    let read: Option<BTreeSet<_>> = names
        .iter()
        .map(|name| WriteBackMoment::of_code(name))
        .collect();
    let read = read.filter(|read| !read.is_empty());
    if read.is_none() {
        let message = "must be a list of held, begun and ended";
        section.fault(ctx, "when", "bad-value", message);
    }
    read.unwrap_or_default()
}
