//! Which certificates somebody has to be told of, and of which they were told already: one line for each, not one a look.

use std::collections::BTreeMap;

use scanhook_core::time::Timestamp;

use super::validity::{CertificateStanding, ValidityPeriod};

/// A certificate in use: where, such as `server` or `tenant/berlin`, and when it holds.
pub type PlacedCertificate = (String, ValidityPeriod);

/// What was told of certificates.
#[derive(Default)]
pub struct CertificateNotices(BTreeMap<String, (ValidityPeriod, CertificateStanding)>);

/// What somebody should know of certificates now, each with where it is used.
pub fn concerns(
    certificates: &[PlacedCertificate],
    now: Timestamp,
) -> impl Iterator<Item = String> {
    certificates
        .iter()
        .filter_map(move |(place, valid)| Some(format!("{place}: {}", valid.concern(now)?)))
}

impl CertificateNotices {
    /// Where something is to be told now that was not, and what.
    pub fn news(
        &mut self,
        certificates: Vec<PlacedCertificate>,
        now: Timestamp,
    ) -> Vec<(String, String)> {
        let mut news = Vec::new();
        let mut told = BTreeMap::new();
        for (place, valid) in certificates {
            let standing = valid.standing(now);
            if self.0.get(&place) != Some(&(valid, standing)) {
                news.extend(valid.concern(now).map(|concern| (place.clone(), concern)));
            }
            told.insert(place, (valid, standing));
        }
        self.0 = told;
        news
    }
}
