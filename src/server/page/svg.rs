//! Pictures that this program drew: the one thing that goes into a page unescaped.

use core::fmt::Write as _;

/// The markup of a picture. It is made of numbers and of our own words alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) struct Svg(String);

impl Svg {
    /// An empty picture of this size that says what it shows. `title` and `says` are our own words.
    pub(in crate::server) fn new(width: u32, height: u32, title: &'static str) -> Svg {
        Svg(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
             class=\"picture\"><title>{title}</title>"
        ))
    }

    /// One bar whose parts share its length; nothing where there is nothing to share.
    pub(in crate::server) fn stacked(
        title: &'static str,
        parts: &[(&'static str, u64)],
    ) -> Option<Svg> {
        let all: u64 = parts.iter().map(|(_, many)| many).sum();
        if all == 0 {
            return None;
        }
        let mut svg = Svg::new(160, 14, title);
        let mut x = 0.0;
        for (class, many) in parts {
            #[allow(clippy::cast_precision_loss, reason = "a picture of pixels")]
            let width = 160.0 * *many as f64 / all as f64;
            if width > 0.0 {
                svg.bar(class, [x, 0.0, width, 14.0]);
            }
            x += width;
        }
        Some(svg)
    }

    /// A bar.
    pub(in crate::server) fn bar(&mut self, class: &'static str, [x, y, width, height]: [f64; 4]) {
        let _ = write!(
            self.0,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        );
    }

    /// A line through these points.
    pub(in crate::server) fn line(&mut self, class: &'static str, points: &[(f64, f64)]) {
        let _ = write!(self.0, "<polyline class=\"{class}\" points=\"");
        for (x, y) in points {
            let _ = write!(self.0, "{x:.1},{y:.1} ");
        }
        self.0.push_str("\"/>");
    }

    /// A number, or a time of day.
    pub(in crate::server) fn number(
        &mut self,
        class: &'static str,
        (x, y): (f64, f64),
        number: u64,
    ) {
        let _ = write!(
            self.0,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{number}</text>"
        );
    }

    /// One of our own words.
    pub(in crate::server) fn word(
        &mut self,
        class: &'static str,
        (x, y): (f64, f64),
        word: &'static str,
    ) {
        let _ = write!(
            self.0,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{word}</text>"
        );
    }

    /// The finished markup.
    pub(in crate::server) fn markup(&self) -> String {
        format!("{}</svg>", self.0)
    }
}
