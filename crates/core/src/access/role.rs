//! The four roles, and what each kind of operation takes.

codes! {
    /// How much somebody may do. Each role includes those before it.
    pub enum AdminRole {
        /// Reads lists, details and reasons.
        Viewer = "viewer",
        /// Answers what is held, and may stop scans: whoever may start one may always stop them.
        Approver = "approver",
        /// Resumes, cancels, retries, and reads stored bodies.
        Operator = "operator",
        /// Reloads, reads the audit, and sees who may come in.
        Admin = "admin",
    }
}

codes! {
    /// What an operation does, as far as access is concerned.
    pub enum Permission {
        /// Look at rows of the tenants in the grant.
        Read = "read",
        /// Look at what belongs to no tenant: metrics, the policy, sources.
        ReadAll = "read-all",
        /// Approve or deny what is held.
        Answer = "answer",
        /// Keep scans from being sent.
        Pause = "pause",
        /// Resume, cancel, retry; read a stored body.
        Operate = "operate",
        /// Reload, audit, refusals of sources, who may come in.
        Administer = "administer",
    }
}

impl Permission {
    /// The least role that it takes.
    #[must_use]
    pub const fn least(self) -> AdminRole {
        match self {
            Permission::Read | Permission::ReadAll => AdminRole::Viewer,
            Permission::Answer | Permission::Pause => AdminRole::Approver,
            Permission::Operate => AdminRole::Operator,
            Permission::Administer => AdminRole::Admin,
        }
    }

    /// Whether it concerns what belongs to no single tenant, so that a grant for some tenants is not enough.
    #[must_use]
    pub const fn is_for_all_tenants(self) -> bool {
        matches!(self, Permission::ReadAll | Permission::Administer)
    }
}
