//! A judgement as a person reads it: what was decided, and a column for each thing that the directory may say.

use crate::cli::output::{self, plain};
use crate::cli::table::{Table, time};
use crate::explain::{Judgement, World, detail};
use scanhook_core::rules::{Explained, Glance};
use scanhook_core::scan::DecisionState;

impl Judgement {
    pub(crate) fn text(&self) -> String {
        let head = format!(
            "alert {}, device {}, tenant {}",
            self.alert, self.device, self.tenant
        );
        let mut text = format!("{}\n", plain(&head));
        let mut say =
            |key: &str, value: &str| text.push_str(&format!("  {key:<9} {}\n", plain(value)));
        if let Some(stored) = &self.stored {
            let one = &stored.decision;
            say(
                "decided",
                &format!(
                    "{} UTC: {} ({}). {}",
                    time(&stored.at),
                    one.state,
                    one.reason,
                    one.why
                ),
            );
            one.waits.iter().for_each(|wait| say("waits", &wait.why));
            let then = if stored.policy == self.policy {
                "the policy that decided"
            } else {
                "another policy"
            };
            say(
                "below",
                &format!("worked out now, from the stored alert and {then}"),
            );
            if let Some(at) = &stored.recorded_at {
                say(
                    "recorded",
                    &format!("what Defender's directory said at {} UTC", time(at)),
                );
            }
        }
        say("policy", &self.policy);
        say("at", &format!("{} UTC", time(&self.at)));
        let at_once = if self.first.state == DecisionState::Resolving {
            ""
        } else {
            "decided at once: "
        };
        say("receipt", &format!("{at_once}{}", self.first.why));
        text + &self.table()
    }

    /// One column for each thing the directory may say.
    fn table(&self) -> String {
        let names: Vec<&str> = self.worlds.iter().map(|world| world.directory).collect();
        let mut table = Table::new(match names.as_slice() {
            ["recorded", "given", _] => &["", "AS RECORDED", "AS GIVEN", "SILENT DIRECTORY"],
            ["recorded", _, _] => &["", "AS RECORDED", "UNREMARKABLE DEVICE", "SILENT DIRECTORY"],
            ["given", _] => &["", "AS GIVEN", "SILENT DIRECTORY"],
            _ => &["", "UNREMARKABLE DEVICE", "SILENT DIRECTORY"],
        });
        let mut add = |label: String, cells: Vec<String>, below: Vec<String>| {
            table.row(
                core::iter::once(label.as_str()).chain(cells.iter().map(String::as_str)),
                below,
            );
        };
        let cells = self
            .worlds
            .iter()
            .map(|world| world.outcome.cell())
            .collect();
        add(
            "outcome".to_owned(),
            cells,
            self.below(|world| Some(world.outcome.sentence())),
        );
        let protections = self
            .worlds
            .first()
            .map_or(0, |world| world.protections.len());
        for n in 0..protections {
            let Some(name) = self.name(n, |world| &world.protections) else {
                continue;
            };
            let cells = self
                .worlds
                .iter()
                .map(|world| world.guard(&name).to_owned())
                .collect();
            add(
                format!("protection {name}"),
                cells,
                self.about(n, |world| &world.protections),
            );
        }
        let rules = self.worlds.first().map_or(0, |world| world.rules.len());
        for n in 0..rules {
            let Some(name) = self.name(n, |world| &world.rules) else {
                continue;
            };
            let cells = self
                .worlds
                .iter()
                .map(|world| world.verdict(n).to_owned())
                .collect();
            add(
                format!("{}. {name}", n + 1),
                cells,
                self.about(n, |world| &world.rules),
            );
        }
        table.text(output::columns())
    }

    fn name(&self, n: usize, of: fn(&World) -> &Vec<Explained>) -> Option<String> {
        self.worlds
            .first()
            .and_then(|world| of(world).get(n))
            .map(|one| one.name.clone())
    }

    /// What is to be said, once for all the things the directory may say where it is the same.
    fn below(&self, of: impl Fn(&World) -> Option<String>) -> Vec<String> {
        let mut groups: Vec<(Vec<&str>, Option<String>)> = Vec::new();
        for world in &self.worlds {
            let said = of(world);
            match groups.iter_mut().find(|(_, other)| *other == said) {
                Some((names, _)) => names.push(world.directory),
                None => groups.push((vec![world.directory], said)),
            }
        }
        let all = groups.len() == 1;
        let line = |(names, said): (Vec<&str>, Option<String>)| {
            said.map(|said| {
                if all {
                    said
                } else {
                    format!("{}: {said}", names.join(", "))
                }
            })
        };
        groups.into_iter().filter_map(line).collect()
    }

    /// What is said below a rule or a protection. Windows do not depend on the directory.
    fn about(&self, n: usize, of: fn(&World) -> &Vec<Explained>) -> Vec<String> {
        let mut lines = self.below(|world| of(world).get(n).and_then(detail));
        let first = self.worlds.first().and_then(|world| of(world).get(n));
        lines.extend(first.into_iter().flat_map(|one| &one.windows).map(window));
        lines
    }
}

fn window(glance: &Glance) -> String {
    let state = match (glance.open, &glance.opens) {
        (true, _) => "open".to_owned(),
        (false, Some(opens)) => format!("closed, opens {} UTC", time(opens)),
        (false, None) => "closed, and never opens".to_owned(),
    };
    format!("{} {}: {state}", glance.key, glance.window)
}
