//! The picture of what waits: when the last scan will have left, and when the directory will have answered, beside the time
//! at which the first decision is made without its answer.

use core::time::Duration;

use super::svg::Svg;
use super::times;
use crate::api::NowView;
use scanhook_core::time::Timestamp;

const SIZE: [u32; 2] = [720, 74];
/// Room for words on the left, and for times below.
const LEFT: f64 = 74.0;
const FOOT: f64 = 52.0;
const BAR: f64 = 16.0;

/// What waits now, and until when.
pub(super) struct DrainPicture {
    waiting: u64,
    scans: Option<Duration>,
    questions: Option<Duration>,
    /// When the first decision is made without an answer.
    limit: Option<Duration>,
}

impl DrainPicture {
    pub(super) fn of(now: &NowView, at: Timestamp) -> DrainPicture {
        let ahead = |time: &Option<String>| {
            let time = time.as_deref().and_then(Timestamp::parse)?;
            Some(time.since(at))
        };
        let directory = &now.directory;
        let minutes = (directory.per_minute > 0 && directory.questions > 0)
            .then(|| directory.questions.div_ceil(directory.per_minute));
        DrainPicture {
            waiting: now.flow.waiting,
            scans: ahead(&now.flow.last_leaves_at),
            questions: minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60))),
            limit: ahead(&directory.first_ends_at),
        }
    }

    /// When the waiting scans will have left, in words.
    pub(super) fn words(&self) -> Option<String> {
        let leaves = times::ahead(self.scans?);
        Some(match self.waiting {
            1 => format!("1 scan waits; it leaves {leaves}."),
            waiting => format!("{waiting} scans wait; the last leaves {leaves}."),
        })
    }

    /// Draws it, where anything waits.
    pub(super) fn draw(&self) -> Option<Svg> {
        let longest = self.scans.into_iter().chain(self.questions).max()?;
        let [width, height] = SIZE.map(f64::from);
        // Whole minutes, with a little room behind the longest bar.
        let minutes = longest.max(self.limit.unwrap_or_default()).as_secs() / 60 + 1;
        #[allow(clippy::cast_precision_loss, reason = "a picture of pixels")]
        let across = |span: Duration| {
            (width - LEFT - 8.0) * (span.as_secs_f64() / (minutes * 60) as f64).min(1.0)
        };
        let mut svg = Svg::new(
            SIZE[0],
            SIZE[1],
            "When what waits will have left, and when the directory will have answered",
        );
        for (row, word, class, span) in [
            (8.0, "scans", "alerts", self.scans),
            (30.0, "directory", "held", self.questions),
        ] {
            if let Some(span) = span {
                svg.word("legend", (4.0, row + 12.0), word);
                svg.bar(class, [LEFT, row, across(span).max(1.0), BAR]);
            }
        }
        if let Some(limit) = self.limit {
            let x = LEFT + across(limit);
            svg.line("share", &[(x, 4.0), (x, FOOT)]);
            svg.word(
                "legend",
                (LEFT + 120.0, height - 6.0),
                "dashed: the first decision is made without an answer",
            );
        }
        svg.line("axis", &[(LEFT, 4.0), (LEFT, FOOT), (width - 4.0, FOOT)]);
        svg.word("legend", (LEFT, height - 6.0), "now");
        svg.number("legend", (width - 64.0, height - 6.0), minutes);
        svg.word("legend", (width - 40.0, height - 6.0), "min");
        Some(svg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn nothing_that_waits_is_no_picture() {
        let nothing = DrainPicture {
            waiting: 0,
            scans: None,
            questions: None,
            limit: None,
        };
        assert_eq!((nothing.draw(), nothing.words()), (None, None));
    }

    #[test]
    fn only_what_waits_has_a_row_and_only_a_line_is_explained() {
        let rows = |scans, questions, limit| {
            let picture = DrainPicture {
                waiting: 1,
                scans,
                questions,
                limit,
            };
            let markup = picture.draw().map(|svg| svg.markup()).unwrap_or_default();
            [">scans<", ">directory<", "dashed"].map(|what| markup.contains(what))
        };
        assert_eq!(rows(Some(MINUTE), None, None), [true, false, false]);
        assert_eq!(rows(None, Some(MINUTE), None), [false, true, false]);
        let all = rows(Some(MINUTE), Some(MINUTE), Some(MINUTE));
        assert_eq!(all, [true, true, true]);
    }

    #[test]
    fn a_directory_that_is_too_slow_reaches_beyond_the_dashed_line() {
        let storm = DrainPicture {
            waiting: 412,
            scans: Some(9 * MINUTE),
            questions: Some(18 * MINUTE),
            limit: Some(9 * MINUTE),
        };
        let markup = storm.draw().map(|svg| svg.markup()).unwrap_or_default();
        // 638 pixels are 19 minutes.
        assert!(
            markup.contains("class=\"alerts\" x=\"74.0\" y=\"8.0\" width=\"302.2\""),
            "{markup}"
        );
        assert!(
            markup.contains("class=\"held\" x=\"74.0\" y=\"30.0\" width=\"604.4\""),
            "{markup}"
        );
        assert!(
            markup.contains("points=\"376.2,4.0 376.2,52.0 \""),
            "{markup}"
        );
        assert_eq!(
            storm.words().as_deref(),
            Some("412 scans wait; the last leaves in 9 min.")
        );
    }
}
