//! The alerts that a scan's comment cites, as the call to Defender tells them.

use super::error::JournalError;
use super::scan_row::damaged;
use super::tx::Tx;
use scanhook_core::alert::Alert;
use scanhook_core::scan::ScanId;

/// One alert a scan's comment cites.
#[derive(Clone, Debug)]
pub struct Cited {
    pub source: String,
    pub rule: String,
    /// The device as the alert names it.
    pub device: String,
    pub alert: Alert,
}

impl Tx<'_> {
    /// The alerts a scan's comment cites, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn cited(&self, scan: ScanId) -> Result<Vec<Cited>, JournalError> {
        let mut statement = self.db.prepare_cached(
            "SELECT a.source, coalesce(d.rule, ''), d.device, a.fields
             FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n WHERE d.scan = ? ORDER BY d.id",
        )?;
        let rows = statement.query_map([scan.0], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get::<_, String>(3)?,
            ))
        })?;
        let mut cited = Vec::new();
        for row in rows {
            let (source, rule, device, fields) = row?;
            let alert = serde_json::from_str(&fields).map_err(|_| damaged())?;
            cited.push(Cited {
                source,
                rule,
                device,
                alert,
            });
        }
        Ok(cited)
    }
}
