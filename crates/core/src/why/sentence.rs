//! The whole sentence of a decision, clause by clause: the entry to everything that is said here.

use super::phrase::{Of, cannot_be_a_name};
use super::record::Why;
use crate::directory::FoundBy;
use crate::person::{By, Did, Said};
use crate::scan::{Kind, Reason};

impl Why {
    /// One sentence for this decision: who or what decided, the number or the time, and what can be done about it. Text
    /// of alerts stands in it as data: control characters were replaced when it was recorded.
    #[must_use]
    pub fn sentence(
        &self,
        reason: Reason,
        rule: Option<&str>,
        kind: Option<Kind>,
        device: &str,
    ) -> String {
        let of = Of {
            why: self,
            rule,
            kind,
            device,
        };
        let mut clauses = vec![of.decided(reason)];
        clauses.extend(self.found());
        if matches!(reason, Reason::Undecided | Reason::Protection) && cannot_be_a_name(device) {
            clauses.push(format!(
                "`{device}` cannot be a host name, so nobody is asked for it"
            ));
        }
        clauses.extend(self.approved());
        clauses.extend(of.next(reason));
        clauses.extend(self.said.as_ref().map(spoken));
        clauses.join("; ")
    }

    /// Who has approved it, before the one whose word was the last.
    fn approved(&self) -> Option<String> {
        let last = self.said.as_ref().filter(|said| said.did == Did::Approved);
        let before =
            self.approvals.len() - usize::from(last.is_some() && !self.approvals.is_empty());
        let given = self.approvals.iter().take(before).map(|one| {
            let words = words(&one.by);
            format!("by {}{words} at {}", one.by.who, one.at.shown())
        });
        let given = given.collect::<Vec<_>>().join(" and ");
        (!given.is_empty()).then(|| format!("approved {given}"))
    }

    /// What the directory says of the machine, a clause each.
    fn found(&self) -> Vec<String> {
        let Some(looked) = &self.directory else {
            return Vec::new();
        };
        let by = looked.by.map(|by| {
            let name = looked
                .name
                .as_ref()
                .map_or("a machine without a name".to_owned(), |name| {
                    format!("`{name}`")
                });
            match by {
                FoundBy::Id => format!("its id is that of {name}"),
                FoundBy::Name => format!("its name is that of {name}"),
                FoundBy::Entra => format!("its Entra device id is that of {name}"),
                FoundBy::Address => format!("its address was that of {name}"),
            }
        });
        by.into_iter().chain(looked.notes.iter().cloned()).collect()
    }
}

fn spoken(said: &Said) -> String {
    let did = match said.did {
        Did::Approved => "approved",
        Did::Denied => "denied",
        Did::Retried => "tried again",
    };
    let did = if said.at_once {
        format!("{did} regardless of windows")
    } else {
        did.to_owned()
    };
    format!("{did} by {}{}", said.by.who, words(&said.by))
}

/// Why they say so, in brackets.
fn words(by: &By) -> String {
    by.words
        .as_ref()
        .map_or_else(String::new, |words| format!(" ({words})"))
}
