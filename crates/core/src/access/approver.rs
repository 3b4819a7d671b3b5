//! Who approves, where one person is not enough: two approvals are of two people where neither credential nor names are the
//! same. This computer is one person whoever sits there, and whoever acts for others is one as the first alone. What
//! nobody can see, as who told a program for whom it acts, docs/access.md says.

use super::caller::Caller;

/// Somebody who approves, as far as it tells them from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// What tells this person or program from every other.
    pub subject: String,
    /// What they are called: one name is one person, by whatever way they come in.
    pub name: String,
    /// For whom a program says that it acts.
    pub on_behalf_of: Option<String>,
    /// Whether they may say for whom they act.
    pub for_others: bool,
}

impl Approver {
    /// The one who sent a request, and for whom they say that they act.
    #[must_use]
    pub fn of(caller: &Caller, on_behalf_of: Option<&str>) -> Approver {
        Approver {
            subject: caller.subject.clone(),
            name: caller.name.clone(),
            on_behalf_of: on_behalf_of.map(str::to_owned),
            for_others: caller.for_others,
        }
    }

    /// Whether both may be one person: by the credential, or by any name.
    #[must_use]
    pub fn may_be(&self, other: &Approver) -> bool {
        let known = |one: &str| other.names().any(|name| is_one_name(one, name));
        self.subject == other.subject || self.names().any(known)
    }

    /// Whether this approval counts beside those that were given. Whoever acts for others is never the second person: nobody
    /// knows who stands behind it.
    #[must_use]
    pub fn counts_beside(&self, given: &[Approver]) -> bool {
        let known = given.iter().any(|one| self.may_be(one));
        given.is_empty() || !(self.for_others || known)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        core::iter::once(self.name.as_str()).chain(self.on_behalf_of.as_deref())
    }
}

/// Whether two names may be those of one person, in whatever case. "anna" may be anna@corp.example; who has a domain in both
/// names is told apart by it.
fn is_one_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    let local = |name: &str| name.split_once('@').map(|(local, _)| local.to_owned());
    match (local(&one), local(&other)) {
        (Some(local), None) => local == other,
        (None, Some(local)) => local == one,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(subject: &str, name: &str) -> Approver {
        Approver {
            subject: subject.to_owned(),
            name: name.to_owned(),
            on_behalf_of: None,
            for_others: false,
        }
    }

    #[test]
    fn two_approvals_are_of_two_people_where_neither_credential_nor_name_is_the_same() {
        let anna = who("token:anna", "anna");
        let signed_in = who("https://login.example/1", "Anna@corp.example");
        let namesake = who("https://login.example/2", "anna@customer.example");
        let bob = who("token:bob", "bob");
        let program = |named: Option<&str>| Approver {
            on_behalf_of: named.map(str::to_owned),
            for_others: true,
            ..who("token:xsoar", "xsoar")
        };
        let loopback = who("loopback", "somebody on this computer");
        assert!(program(Some("anna")).counts_beside(&[]), "as the first");
        for (given, second, counts) in [
            (&anna, bob.clone(), true),
            (&anna, anna.clone(), false),
            (&anna, signed_in.clone(), false),
            (&signed_in, anna.clone(), false),
            (&signed_in, namesake.clone(), true),
            (&anna, loopback.clone(), true),
            (&loopback, loopback.clone(), false),
            (&loopback, anna.clone(), true),
            (&anna, program(Some("bob")), false),
            (&program(Some("anna")), program(Some("bob")), false),
            (&program(Some("anna")), signed_in.clone(), false),
            (&program(Some("anna")), bob.clone(), true),
        ] {
            let found = second.counts_beside(core::slice::from_ref(given));
            assert_eq!(found, counts, "{given:?} then {second:?}");
        }
        assert!(!anna.counts_beside(&[bob, anna.clone()]));
    }
}
