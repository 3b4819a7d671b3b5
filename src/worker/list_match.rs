//! What a page of the list holds of our scans: running ones end, unknown ones are adopted, and what may be anybody's is
//! noted for the end of the list.

use super::intent::tail;
use super::listing::Listing;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::list::{self, ActionPage};
use crate::defender::reply::SentScan;
use crate::journal::{JournalError, OpenScan};

impl TenantWorker {
    /// Ends and adopts what this page holds.
    pub(super) fn match_page(
        &mut self,
        turn: &mut Turn<'_, '_>,
        listing: &mut Listing,
        page: &ActionPage,
    ) -> Result<(), JournalError> {
        for scan in turn.tx.unknown_scans(self.id)? {
            self.match_unknown(turn, listing, &scan, page)?;
        }
        for action in &page.actions {
            let Some(scan) = turn.tx.scan_of_action(self.id, &action.id)? else {
                continue;
            };
            listing.found.insert(scan.scan.id);
            if let Some(outcome) = action.status.outcome() {
                self.end(turn, &scan.scan, outcome, action, scan.sent_at)?;
            }
        }
        listing.odd += page.odd.len();
        listing.anybodys |= page.odd.iter().any(list::OddRow::is_anybodys);
        Ok(())
    }

    fn match_unknown(
        &mut self,
        turn: &mut Turn<'_, '_>,
        listing: &mut Listing,
        scan: &OpenScan,
        page: &ActionPage,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let tail = tail(&scan.scan);
        let sent = SentScan {
            machine: &scan.scan.machine,
            // Whether or not calls carry it now, the one that was lost may have.
            external_id: Some(scan.scan.uuid),
            tail: &tail,
            // Every try of a scan carries the same id, and an earlier one may be what is found.
            since: scan.far_sent_at.minus(self.pace.skew),
        };
        if let Some(action) = page.ours(&sent) {
            listing.found.insert(scan.scan.id);
            turn.tx
                .event("adopted", self.id, Some(scan.scan.id), &action.id, now)?;
            return self.adopt(turn, &scan.scan, action, scan.sent_at);
        }
        if page.odd.iter().any(|row| row.may_be(&sent)) {
            listing.unclear.insert(scan.scan.id);
        }
        if let Some(newest) = page.open_of(&scan.scan.machine).filter(|_| scan.busy) {
            let kept = listing
                .foreign
                .entry(scan.scan.machine.clone())
                .or_insert_with(|| newest.clone());
            if kept.created < newest.created {
                *kept = newest.clone();
            }
        }
        Ok(())
    }
}
