//! Whether anything is sent at all, as the first thing to know: armed, for approval, in dry run, or simulated.

use super::ActiveConfig;
use crate::policy::Ceiling;
use scanhook_core::scan::Mode;

/// The words for how far what is decided goes.
pub const MODES: [&str; 4] = ["enforce", "approve", "dry_run", SIMULATED];
const SIMULATED: &str = "simulated";

/// How far what is decided goes, as a word and in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// One of [`MODES`].
    pub mode: &'static str,
    /// Why, and what changes it.
    pub sentence: String,
}

/// What it depends on.
struct ArmedFacts<'a> {
    simulated: bool,
    /// The process was started with `--dry-run`.
    dry_run: bool,
    /// The tenants by name, each with the furthest it lets a rule go.
    tenants: Vec<(&'a str, Mode)>,
    /// The modes of the rules that want a scan.
    rules: Vec<Mode>,
}

impl ActiveConfig {
    /// How far what is decided goes.
    #[must_use]
    pub fn armed(&self) -> Armed {
        self.armed_for(|_| true)
    }

    /// The same as far as some tenants go, and without a word of others.
    #[must_use]
    pub fn armed_for(&self, sees: impl Fn(&str) -> bool) -> Armed {
        let tenants = self
            .tenants
            .iter()
            .filter(|tenant| sees(&tenant.name))
            .map(|tenant| (tenant.name.as_str(), furthest(tenant.terms.ceiling)));
        armed(&ArmedFacts {
            simulated: self.settings.simulate,
            dry_run: self.settings.dry_run,
            tenants: tenants.collect(),
            rules: self.policy.rules().modes().collect(),
        })
    }

    /// The same word for one tenant.
    #[must_use]
    pub fn mode_of(&self, ceiling: Ceiling) -> &'static str {
        if self.settings.simulate {
            return SIMULATED;
        }
        let rules = self.policy.rules().modes().max().unwrap_or(Mode::DryRun);
        rules.min(furthest(ceiling)).code()
    }
}

fn furthest(ceiling: Ceiling) -> Mode {
    match ceiling {
        Ceiling::AtMost(mode) => mode,
        Ceiling::Simulated => Mode::Enforce,
    }
}

fn armed(facts: &ArmedFacts<'_>) -> Armed {
    let of_tenants = facts
        .tenants
        .iter()
        .map(|(_, mode)| *mode)
        .max()
        .unwrap_or(Mode::DryRun);
    let of_rules = facts.rules.iter().copied().max().unwrap_or(Mode::DryRun);
    let told = |mode, sentence: String| Armed { mode, sentence };
    if facts.simulated {
        let what = "SIMULATED: the built-in simulator answers in the place of Entra ID and Defender; no machine is scanned";
        return told(SIMULATED, what.to_owned());
    }
    let dry = |why: &str| {
        told(
            "dry_run",
            format!("DRY RUN: nothing is sent, because {why}"),
        )
    };
    if facts.dry_run {
        return dry("the process was started with `--dry-run`");
    }
    if facts.tenants.is_empty() {
        return dry("no tenant is configured");
    }
    if of_tenants == Mode::DryRun {
        return dry("every tenant of scanhook.toml has `mode = \"dry_run\"`");
    }
    if of_rules == Mode::DryRun {
        return dry(
            "no rule that wants a scan may send one: `mode = \"enforce\"` under `[defaults]` of rules.toml arms them",
        );
    }
    if of_tenants.min(of_rules) == Mode::Approve {
        return told(
            "approve",
            "FOR APPROVAL: a scan is sent once a person approves it".to_owned(),
        );
    }
    let mut sentence = "ARMED: scans are sent".to_owned();
    let milder = facts
        .rules
        .iter()
        .filter(|mode| **mode < Mode::Enforce)
        .count();
    if milder > 0 {
        let all = facts.rules.len();
        sentence +=
            &format!("; {milder} of {all} rules that want a scan are in dry run or for approval");
    }
    let tenants: Vec<_> = facts
        .tenants
        .iter()
        .filter(|(_, mode)| *mode < Mode::Enforce)
        .collect();
    if !tenants.is_empty() {
        let names: Vec<_> = tenants
            .iter()
            .map(|(name, mode)| format!("{name} ({mode})"))
            .collect();
        sentence += &format!("; not for {}", names.join(", "));
    }
    told("enforce", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mode::{Approve, DryRun, Enforce};

    /// Whether it is simulated and in dry run, the tenants, and the modes of the rules.
    type ArmedCase = (bool, bool, &'static [(&'static str, Mode)], &'static [Mode]);

    const ONE: &[(&str, Mode)] = &[("a", Enforce)];

    /// What it depends on, the word for it, and a part of the sentence.
    const ARMED: &[(ArmedCase, &str, &str)] = &[
        (
            (true, true, ONE, &[DryRun]),
            "simulated",
            "SIMULATED: the built-in simulator",
        ),
        (
            (false, true, ONE, &[Enforce]),
            "dry_run",
            "because the process was started with `--dry-run`",
        ),
        (
            (false, false, &[("a", DryRun)], &[Enforce]),
            "dry_run",
            "every tenant of scanhook.toml",
        ),
        (
            (false, false, &[], &[Enforce]),
            "dry_run",
            "no tenant is configured",
        ),
        (
            (false, false, ONE, &[DryRun, DryRun]),
            "dry_run",
            "`mode = \"enforce\"` under `[defaults]`",
        ),
        (
            (false, false, ONE, &[]),
            "dry_run",
            "no rule that wants a scan",
        ),
        (
            (false, false, ONE, &[DryRun, Approve]),
            "approve",
            "once a person approves it",
        ),
        (
            (false, false, &[("a", Approve)], &[Enforce]),
            "approve",
            "once a person approves it",
        ),
        (
            (false, false, ONE, &[Enforce]),
            "enforce",
            "ARMED: scans are sent",
        ),
        (
            (false, false, ONE, &[Enforce, DryRun]),
            "enforce",
            "ARMED: scans are sent; 1 of 2 rules",
        ),
        (
            (false, false, &[("a", Enforce), ("b", DryRun)], &[Enforce]),
            "enforce",
            "; not for b (dry_run)",
        ),
    ];

    #[test]
    fn whether_anything_is_sent_is_told_with_the_reason() {
        for ((simulated, dry_run, tenants, rules), wanted, says) in ARMED {
            let Armed { mode, sentence } = armed(&ArmedFacts {
                simulated: *simulated,
                dry_run: *dry_run,
                tenants: tenants.to_vec(),
                rules: rules.to_vec(),
            });
            assert_eq!(mode, *wanted, "{sentence}");
            assert!(sentence.contains(says), "{sentence}");
            assert!(MODES.contains(&mode));
        }
    }
}
