//! Credentials that end are told when two weeks, one week and one day are left, and once they have ended. What was told
//! of each stands in `lasting`, so that a restart tells nothing twice, and one that is renewed resolves it.

use core::time::Duration;

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::occasion::Occasion;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

/// Days that are left when it is told.
const TOLD_AT: [u64; 3] = [1, 7, 14];
const A_DAY: u64 = 86_400;

/// A credential whose end is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingCredential {
    /// What it is called in messages.
    pub key: String,
    /// Whose it is.
    pub tenant: Option<TenantId>,
    pub until: Timestamp,
}

impl EndingCredential {
    /// What is told of it now; `None`: nothing yet.
    fn occasion(&self, now: Timestamp) -> Option<Occasion<'_>> {
        let left = Duration::from_secs(A_DAY);
        let within = TOLD_AT
            .into_iter()
            .find(|days| self.until <= now.plus(left * u32::try_from(*days).unwrap_or(1)));
        let detail = match within? {
            _ if self.until <= now => "Renew it: what it is for fails.".to_owned(),
            1 => "Less than a day is left.".to_owned(),
            days => format!("Less than {days} days are left."),
        };
        let ending = Occasion::new(MessageType::CredentialEnding, self.tenant, &self.key);
        Some(ending.because(detail).until(Some(self.until)))
    }
}

impl Tx<'_> {
    /// These are the credentials in use whose end is known: tells which of them end soon, and which of those that were
    /// told do so no more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn tell_ending_credentials(
        &mut self,
        credentials: &[EndingCredential],
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let what = MessageType::CredentialEnding;
        let mut ending = Vec::new();
        for credential in credentials {
            let Some(occasion) = credential.occasion(now) else {
                continue;
            };
            let (tenant, key) = (credential.tenant, credential.key.as_str());
            ending.push((tenant.map_or(0, |tenant| tenant.0), key));
            let sql = "SELECT said FROM lasting WHERE what = ? AND tenant = ? AND key = ?";
            let told: Option<String> = self
                .db
                .prepare_cached(sql)?
                .query_row(
                    params![what.code(), tenant.map_or(0, |tenant| tenant.0), key],
                    |row| row.get(0),
                )
                .optional()?;
            if told.as_ref() != Some(&occasion.said()?) {
                self.forget_lasting(what, tenant, key)?;
                self.begins(&occasion, Duration::ZERO, now)?;
            }
        }
        let told = "SELECT tenant, key FROM lasting WHERE what = ?";
        for (tenant, key) in all(self.db, told, [what.code()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })? {
            if !ending.contains(&(tenant, key.as_str())) {
                let tenant = Some(TenantId(tenant)).filter(|tenant| tenant.0 > 0);
                self.ends(what, &Occasion::new(what, tenant, &key).resolved(), now)?;
            }
        }
        Ok(())
    }
}
