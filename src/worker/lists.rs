//! What a worker remembers of its lists, and a list call on its way.

use super::listing::{Listing, MOST_ROWS};
use crate::defender::client::TOO_LONG;
use crate::defender::list::{self, ListReply};
use crate::defender::request::NextPage;
use crate::defender::{Answer, Endpoints};
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// What a worker remembers of its lists.
pub(super) struct ListState {
    pub(super) listing: Option<Listing>,
    /// When the last list was begun.
    pub(super) listed_at: Timestamp,
    /// Rows to ask for at once: fewer, after an answer that was too long.
    pub(super) rows: usize,
    /// What is wrong with the lists.
    pub(super) note: Option<String>,
    /// When the old scans are looked for next; none: there are none, as far as is known.
    pub(super) old_at: Option<Timestamp>,
    /// When that was done last.
    pub(super) old_begun: Timestamp,
    /// Old scans that are to be read by their ids.
    pub(super) by_id: Vec<ScanId>,
    /// The old ones want a list of their own.
    pub(super) old_list: bool,
}

impl ListState {
    /// Nothing is known of the old ones: they are looked for at once.
    pub(super) fn new(rows: usize) -> ListState {
        let never = Timestamp::default();
        ListState {
            listing: None,
            listed_at: never,
            rows: rows.min(MOST_ROWS),
            note: None,
            old_at: Some(never),
            old_begun: never,
            by_id: Vec::new(),
            old_list: false,
        }
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        let times = [&mut self.listed_at, &mut self.old_begun]
            .into_iter()
            .chain(&mut self.old_at);
        times.for_each(|at| *at = at.moved(by));
        if let Some(listing) = &mut self.listing {
            listing.moved(by);
        }
    }

    pub(super) fn old_no_later_than(&mut self, at: Timestamp) {
        self.old_at = Some(self.old_at.map_or(at, |old_at| old_at.min(at)));
    }
}

/// A list call on its way, and its answer, once it is read: that needs no transaction.
#[derive(Clone, Debug)]
pub struct ListCall {
    pub(super) generation: u64,
    pub(super) asked: NextPage,
    pub(super) endpoints: Endpoints,
    pub(super) reply: Option<ListReply>,
}

impl ListCall {
    /// Reads the answer ahead of the transaction that takes it.
    pub(super) fn hear(&mut self, answer: &Answer) {
        self.reply = Some(self.read(answer));
    }

    pub(super) fn read(&self, answer: &Answer) -> ListReply {
        match answer {
            Answer::Http(response) => list::read(response, &self.asked, &self.endpoints),
            Answer::Unknown(code) if code == TOO_LONG => ListReply::TooLong,
            Answer::NotSent(_) | Answer::Unknown(_) => ListReply::Failed("not-answered"),
        }
    }
}
