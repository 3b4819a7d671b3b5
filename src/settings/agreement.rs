//! What all processes with one journal must have been told alike. Each reads its own files, and a lease moves from one to
//! the other: were they told differently, what happens to an alert would depend on who has the lease.

use sha2::{Digest, Sha256};

use super::Settings;

impl Settings {
    /// A short hash over tenants, where their calls go, their shares, modes and limits, and over whom each source acts for
    /// and what it writes back. Nothing secret is in it.
    #[must_use]
    pub fn agreement(&self) -> String {
        let mut hash = Sha256::new();
        for tenant in &self.tenants {
            let (share, limit) = (tenant.quota, tenant.limit);
            let line = format!(
                "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}\n",
                tenant.name,
                tenant.app(),
                tenant.endpoints,
                tenant.mode.map(|mode| mode.code()),
                (share.per_minute, share.per_hour),
                (limit.scans, limit.per),
                (tenant.on_unknown.code(), tenant.external_id),
                tenant.follow_for,
            );
            hash.update(line);
        }
        for source in &self.sources {
            let (name, tenants, back) = (&source.name, &source.tenants, &source.write_back);
            hash.update(format!("{name:?} {tenants:?} {back:?}\n"));
        }
        hash.update(format!("{} {}", self.dry_run, self.simulate));
        hex::encode(&hash.finalize()[..8])
    }
}
