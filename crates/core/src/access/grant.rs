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
    fn a_grant_for_some_tenants_reaches_nothing_that_belongs_to_all() {
        let grant = only(AdminRole::Admin, &["berlin"]);
        assert!(grant.allows(Permission::Operate));
        assert!(!grant.allows(Permission::ReadAll));
        assert!(!grant.allows(Permission::Administer));
        assert!(grant.tenants.includes("berlin") && !grant.tenants.includes("paris"));
    }
}
