//! A list of machine actions under way, page by page: which page is asked for next, whether the list is complete, and
//! what its pages held.

use std::collections::{BTreeMap, BTreeSet};

use crate::defender::Endpoints;
use crate::defender::list::ActionPage;
use crate::defender::reply::{ActionView, Next};
use crate::defender::request::{NextPage, first_page};
use scanhook_core::alert::MachineId;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// The most rows that Defender gives for one question (defender-api, list).
pub(super) const MOST_ROWS: usize = 10_000;
/// No list asks for fewer rows at once, however long the answers are.
pub(super) const LEAST_ROWS: usize = 10;
/// Rows of one list: more pages than hold so many are an error of the far side.
const LONGEST: usize = 500_000;
/// Answers in a row that are no page before a list is given up and begun anew.
const STRIKES: u32 = 3;

/// Whom a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    /// Those that were due when it was begun.
    Due,
    /// The old ones that are looked for by themselves, as far as they are dealt with after the last page.
    Old(ScanId),
}

/// Where a list stands after a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListStep {
    /// There is another page to ask for.
    More,
    Complete,
    /// It leads round in a circle, does not end, or cannot be followed: what it left out is not known.
    Incomplete,
}

/// A list under way.
pub(super) struct Listing {
    pub(super) whom: Whom,
    /// When its first page was asked for: what was sent later need not be in it.
    pub(super) begun: Timestamp,
    /// What was created before this is not in it, by the far side's clock.
    pub(super) since: Timestamp,
    /// The page to ask for next.
    pub(super) page: NextPage,
    /// The list from its beginning, in our own words: a link to a next page asks for fewer rows than we do.
    question: NextPage,
    /// Rows that are asked for at once.
    top: usize,
    /// Pages that were read, so that none is read twice.
    read: BTreeSet<String>,
    /// Rows so far, and those of them since a question of our own making.
    rows: usize,
    since_question: usize,
    strikes: u32,
    /// All pages are read, and what follows from them is being written down.
    pub(super) complete: bool,
    /// Running scans whose action was on a page.
    pub(super) found: BTreeSet<ScanId>,
    /// Unknown scans of which a row that cannot be read may be the action.
    pub(super) unclear: BTreeSet<ScanId>,
    /// Rows that cannot be read; and whether one of them may be anybody's.
    pub(super) odd: usize,
    pub(super) anybodys: bool,
    /// Somebody else's open action per machine that is busy, the newest.
    pub(super) foreign: BTreeMap<MachineId, ActionView>,
}

impl Listing {
    pub(super) fn begin(
        whom: Whom,
        since: Timestamp,
        top: usize,
        e: &Endpoints,
        now: Timestamp,
    ) -> Listing {
        let question = first_page(e, since, top);
        Listing {
            whom,
            begun: now,
            since,
            page: question.clone(),
            question,
            top,
            read: BTreeSet::new(),
            rows: 0,
            since_question: 0,
            strikes: 0,
            complete: false,
            found: BTreeSet::new(),
            unclear: BTreeSet::new(),
            odd: 0,
            anybodys: false,
            foreign: BTreeMap::new(),
        }
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        self.begun = self.begun.moved(by);
    }

    /// Takes what a page says of the next one. A full answer without a next page is not the end: `$top` is the most
    /// that one question may bring, and the far side names no next page where that cuts the list off.
    pub(super) fn turn(&mut self, page: &ActionPage) -> ListStep {
        self.strikes = 0;
        self.read.insert(self.page.as_str().to_owned());
        self.rows += page.rows();
        self.since_question += page.rows();
        let next = match &page.next {
            Next::Page(next) => next.clone(),
            Next::None if self.since_question < self.top => return ListStep::Complete,
            Next::Unusable if page.rows() == 0 => return ListStep::Incomplete,
            Next::None | Next::Unusable => self.after(),
        };
        if self.rows > LONGEST
            || self.read.len() > LONGEST / self.top
            || self.read.contains(next.as_str())
        {
            return ListStep::Incomplete;
        }
        self.page = next;
        ListStep::More
    }

    /// The answer was too long to be read: fewer rows are asked for from here on. False: no fewer can be asked for.
    pub(super) fn shorten(&mut self, e: &Endpoints) -> Option<usize> {
        if self.top <= LEAST_ROWS {
            return None;
        }
        self.top = (self.top / 4).max(LEAST_ROWS);
        self.question = first_page(e, self.since, self.top);
        self.page = if self.rows == 0 {
            self.question.clone()
        } else {
            self.after()
        };
        Some(self.top)
    }

    /// An answer that is no page. What was read stays read, unless that comes too often.
    pub(super) fn failed(&mut self) -> bool {
        self.strikes += 1;
        !self.read.is_empty() && self.strikes < STRIKES
    }

    /// A question of our own for what follows the rows so far.
    fn after(&mut self) -> NextPage {
        self.since_question = 0;
        self.question.after(self.rows)
    }
}
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn listing(top: usize) -> Listing {
        Listing::begin(
            Whom::Due,
            Timestamp::from_millis(0),
            top,
            &Endpoints::commercial(),
            Timestamp::from_millis(9),
        )
    }

    fn page(rows: usize, next: Next) -> ActionPage {
        let mut page = ActionPage::default();
        page.odd = vec![crate::defender::list::OddRow::default(); rows];
        page.next = next;
        page
    }

    fn at(place: &str) -> Next {
        let asked = listing(2).page;
        let link = format!("https://elsewhere.example/?{place}");
        Next::Page(NextPage::of(&link, &asked, &Endpoints::commercial(), "machineactions").unwrap())
    }

    #[test]
    fn as_many_rows_as_were_asked_for_are_not_the_end_of_a_list() {
        let mut listing = listing(2);
        let first = listing.page.clone();
        assert_eq!(listing.turn(&page(2, Next::None)), ListStep::More);
        assert_eq!(listing.page, first.after(2));
        assert_eq!(listing.turn(&page(2, Next::None)), ListStep::More);
        assert_eq!(listing.page, first.after(4));
        assert_eq!(listing.turn(&page(0, Next::None)), ListStep::Complete);
    }

    #[test]
    fn smaller_pages_that_are_led_to_count_together() {
        let mut listing = listing(3);
        assert_eq!(listing.turn(&page(2, at("$skip=2"))), ListStep::More);
        assert_eq!(
            listing.turn(&page(1, Next::None)),
            ListStep::More,
            "three rows were asked for, and three came"
        );
        assert_eq!(listing.turn(&page(1, Next::None)), ListStep::Complete);
    }

    #[test]
    fn a_link_that_asks_for_fewer_rows_shortens_no_question_of_ours() {
        let mut listing = listing(2);
        let first = listing.page.clone();
        let link = format!("{}&$skip=1", first.as_str().replace("$top=2", "$top=1"));
        let link = format!("https://api.security.microsoft.com{link}");
        let next = NextPage::of(&link, &first, &Endpoints::commercial(), "machineactions").unwrap();
        assert_eq!(listing.turn(&page(1, Next::Page(next))), ListStep::More);
        assert!(
            listing.page.as_str().contains("$top=1&"),
            "as the far side says"
        );
        assert_eq!(listing.turn(&page(1, Next::None)), ListStep::More);
        assert_eq!(
            listing.page,
            first.after(2),
            "one row more would fill a question for one, and end the list"
        );
        assert_eq!(listing.turn(&page(1, Next::None)), ListStep::Complete);
    }

    #[test]
    fn a_list_that_leads_back_or_does_not_end_is_incomplete() {
        let mut round = listing(10);
        assert_eq!(round.turn(&page(1, at("$skip=1"))), ListStep::More);
        assert_eq!(round.turn(&page(1, at("$skip=1"))), ListStep::Incomplete);
        let mut endless = listing(10_000);
        let turns = (1..).map(|n| endless.turn(&page(1, at(&format!("$skip={n}")))));
        assert_eq!(turns.take_while(|turn| *turn == ListStep::More).count(), 50);
    }

    #[test]
    fn a_next_page_that_cannot_be_used_is_found_by_counting() {
        let mut listing = listing(10);
        let first = listing.page.clone();
        assert_eq!(listing.turn(&page(3, Next::Unusable)), ListStep::More);
        assert_eq!(listing.page, first.after(3));
        assert_eq!(listing.turn(&page(0, Next::Unusable)), ListStep::Incomplete);
    }

    #[test]
    fn an_answer_that_is_too_long_is_asked_for_in_smaller_parts_from_where_it_was() {
        let mut listing = listing(10_000);
        assert_eq!(listing.turn(&page(3, at("$skip=3"))), ListStep::More);
        let sizes: Vec<_> =
            core::iter::from_fn(|| listing.shorten(&Endpoints::commercial())).collect();
        assert_eq!(sizes, [2_500, 625, 156, 39, 10]);
        assert!(listing.page.as_str().ends_with("$top=10&$skip=3"));
    }
}
