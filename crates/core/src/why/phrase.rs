//! The phrases that several sentences share: who asks, who delays it, and until when.

use core::net::IpAddr;

use super::enumeration::{joined, listed};
use super::record::Why;
use crate::alert::MachineId;
use crate::directory::HostName;
use crate::rules::{AtMost, duration};
use crate::scan::Kind;
use crate::verdict::Guarded;

/// A decision's record with what it is about.
pub(super) struct Of<'a> {
    pub(super) why: &'a Why,
    pub(super) rule: Option<&'a str>,
    pub(super) kind: Option<Kind>,
    pub(super) device: &'a str,
}

impl Of<'_> {
    pub(super) fn rule(&self) -> String {
        self.rule
            .map_or_else(|| "no rule".to_owned(), |rule| format!("rule `{rule}`"))
    }

    /// What the rule asks for, and which protection makes less of it.
    pub(super) fn asks(&self) -> String {
        let made_quick =
            self.names(|guarded| guarded.applies() && guarded.at_most == Some(AtMost::Quick));
        let kind = if made_quick.is_empty() {
            self.kind
        } else {
            Some(Kind::Full)
        };
        let scan = kind.map_or("a", |kind| match kind {
            Kind::Quick => "a quick",
            Kind::Full => "a full",
        });
        let asks = format!(
            "{} asks for {scan} scan{}",
            self.rule(),
            listed(self.why.seen.iter())
        );
        if made_quick.is_empty() {
            asks
        } else {
            format!("{asks}; {made_quick} makes it a quick one")
        }
    }

    /// Who lets it go no further than this; records of earlier versions do not tell, so all that apply.
    pub(super) fn holders(&self, at_most: AtMost) -> String {
        let names = self.names(|guarded| guarded.applies() && guarded.at_most == Some(at_most));
        if names.is_empty() {
            self.names(Guarded::applies)
        } else {
            names
        }
    }

    pub(super) fn names(&self, which: impl Fn(&Guarded) -> bool) -> String {
        let names = self.why.protections.iter().filter(|guarded| which(guarded));
        joined(
            names
                .map(|guarded| format!("protection `{}`", guarded.name))
                .collect(),
        )
    }

    /// Until when it waits, for which windows, and who says so.
    pub(super) fn delays(&self) -> String {
        let Some(start) = self.why.start else {
            return String::new();
        };
        let windows = self.why.windows.iter().map(|window| {
            let whose = self
                .why
                .protections
                .iter()
                .find(|guarded| guarded.windows.contains(window));
            let whose = whose.map_or_else(
                || self.rule(),
                |guarded| format!("protection `{}`", guarded.name),
            );
            format!("window `{window}` of {whose}")
        });
        let windows: Vec<_> = windows.collect();
        let windows = if windows.is_empty() {
            String::new()
        } else {
            format!(", for {}", joined(windows))
        };
        format!(", not before {}{windows}", start.shown())
    }

    pub(super) fn until(&self) -> String {
        self.why
            .until
            .map_or_else(String::new, |until| format!(" until {}", until.shown()))
    }

    pub(super) fn limit(&self) -> String {
        let whose = if self.why.limit_of_tenant {
            "the tenant".to_owned()
        } else {
            self.rule()
        };
        let per = self.why.limit_per.map_or_else(String::new, |seconds| {
            format!(
                " in {}",
                duration::show(core::time::Duration::from_secs(seconds))
            )
        });
        match self.why.limit {
            Some((used, of)) => {
                format!("{whose} has begun {used} of the {of} scans that its limit allows{per}")
            }
            None => "the limit is spent".to_owned(),
        }
    }
}

/// Whether a device is called what no host can be called, so that nobody is asked for it.
pub(super) fn cannot_be_a_name(device: &str) -> bool {
    let otherwise = device.parse::<IpAddr>().is_ok() || MachineId::parse(device).is_some();
    !otherwise && !device.is_empty() && HostName::parse(device).is_none()
}
