//! When a certificate holds, and how near its end is.

use core::time::Duration;

use scanhook_core::time::Timestamp;

/// How long before its end a certificate is worth a warning.
pub const NOTICE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// From when to when a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidityPeriod {
    pub from: Timestamp,
    /// Its last second.
    pub until: Timestamp,
}

/// Where a moment lies in the time of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStanding {
    NotYet,
    Valid,
    /// It ends within [`NOTICE`].
    Ending,
    Expired,
}

impl ValidityPeriod {
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> CertificateStanding {
        if now < self.from {
            CertificateStanding::NotYet
        } else if now > self.until {
            CertificateStanding::Expired
        } else if now.plus(NOTICE) > self.until {
            CertificateStanding::Ending
        } else {
            CertificateStanding::Valid
        }
    }

    /// The day it ends in UTC, as YYYY-MM-DD.
    #[must_use]
    pub fn last_day(&self) -> String {
        day(self.until)
    }

    /// What somebody should know of it now: that it has ended, ends soon, or holds only later.
    #[must_use]
    pub fn concern(&self, now: Timestamp) -> Option<String> {
        let last = self.last_day();
        match self.standing(now) {
            CertificateStanding::Valid => None,
            CertificateStanding::NotYet => Some(format!(
                "the certificate is not valid before {}",
                day(self.from)
            )),
            CertificateStanding::Ending => {
                Some(format!("the certificate ends on {last}; renew it before"))
            }
            CertificateStanding::Expired => {
                Some(format!("the certificate has expired on {last}; renew it"))
            }
        }
    }
}

fn day(at: Timestamp) -> String {
    at.to_jiff().strftime("%Y-%m-%d").to_string()
}
