//! A role, and for which tenants it holds.

use std::collections::BTreeSet;

use super::role::{AdminRole, Permission};

/// The tenants that a grant is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantScope {
    /// Every tenant, and what belongs to none: sources, global pauses, metrics, the policy.
    All,
    /// Rows of these tenants and nothing else. Never empty.
    Only(BTreeSet<String>),
}

impl TenantScope {
    /// Whether rows of this tenant are seen.
    #[must_use]
    pub fn includes(&self, tenant: &str) -> bool {
        match self {
            TenantScope::All => true,
            TenantScope::Only(names) => names.contains(tenant),
        }
    }

    /// The names, where not all are seen.
    #[must_use]
    pub const fn names(&self) -> Option<&BTreeSet<String>> {
        match self {
            TenantScope::All => None,
            TenantScope::Only(names) => Some(names),
        }
    }
}

/// What somebody was given: a role, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminGrant {
    /// How much.
    pub role: AdminRole,
    /// For which tenants.
    pub tenants: TenantScope,
}

impl AdminGrant {
    /// What several grants come to: the strongest role, for the tenants of all of them.
    #[must_use]
    pub fn together<'g>(grants: impl IntoIterator<Item = &'g AdminGrant>) -> Option<AdminGrant> {
        let mut grants = grants.into_iter();
        let mut whole = grants.next()?.clone();
        for grant in grants {
            whole.role = whole.role.max(grant.role);
            whole.tenants = match (whole.tenants, &grant.tenants) {
                (TenantScope::Only(mut names), TenantScope::Only(more)) => {
                    names.extend(more.iter().cloned());
                    TenantScope::Only(names)
                }
                _ => TenantScope::All,
            };
        }
        Some(whole)
    }

    /// Whether an operation of this kind is allowed.
    #[must_use]
    pub fn allows(&self, permission: Permission) -> bool {
        self.role >= permission.least()
            && (self.tenants == TenantScope::All || !permission.is_for_all_tenants())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(role: AdminRole, names: &[&str]) -> AdminGrant {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        AdminGrant {
            role,
            tenants: TenantScope::Only(names),
        }
    }

    #[test]
    fn a_role_includes_those_before_it_and_no_other() {
        for role in AdminRole::ALL {
            let grant = AdminGrant {
                role: *role,
                tenants: TenantScope::All,
            };
            for permission in Permission::ALL {
                assert_eq!(
                    grant.allows(*permission),
                    *role >= permission.least(),
                    "{role} {permission}"
                );
            }
        }
    }

    #[test]
    fn of_several_grants_the_strongest_role_counts_and_tenants_add_up() {
        let (berlin, paris) = (
            only(AdminRole::Approver, &["berlin"]),
            only(AdminRole::Viewer, &["paris"]),
        );
        let both = only(AdminRole::Approver, &["berlin", "paris"]);
        assert_eq!(AdminGrant::together([&berlin, &paris]), Some(both.clone()));
        assert_eq!(AdminGrant::together([&paris, &berlin]), Some(both));
        let all = AdminGrant {
            role: AdminRole::Viewer,
            tenants: TenantScope::All,
        };
        let whole = AdminGrant {
            role: AdminRole::Approver,
            tenants: TenantScope::All,
        };
        assert_eq!(AdminGrant::together([&berlin, &all]), Some(whole));
        assert_eq!(AdminGrant::together([]), None);
    }

    #[test]
    fn a_grant_for_some_tenants_reaches_nothing_that_belongs_to_all() {
        let grant = only(AdminRole::Admin, &["berlin"]);
        assert!(grant.allows(Permission::Operate));
        assert!(!grant.allows(Permission::ReadAll));
        assert!(!grant.allows(Permission::Administer));
        assert!(grant.tenants.includes("berlin") && !grant.tenants.includes("paris"));
    }
}
