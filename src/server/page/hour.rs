//! The picture of the last hour: alerts a minute as bars, scan calls as a line, the share of the quota dashed, pauses shaded.
//! The same numbers stand in a table beside it.

use super::svg::Svg;
use crate::api::{MinuteView, PauseView, TenantView};
use scanhook_core::time::Timestamp;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 150.0;
/// Room for numbers on the left, and for times below.
const LEFT: f64 = 44.0;
const BELOW: f64 = 20.0;
const ABOVE: f64 = 16.0;

/// What the picture shows.
pub(super) struct HourPicture<'h> {
    pub(super) minutes: &'h [MinuteView],
    /// Scan calls that all tenants may make in a minute.
    pub(super) share: Option<u64>,
    pub(super) pauses: &'h [PauseView],
}

/// Scan calls that may leave in a minute, all tenants together.
pub(super) fn share(tenants: &[TenantView]) -> Option<u64> {
    let of = tenants.iter().filter_map(|tenant| tenant.quota.get("scan"));
    let sum: u64 = of.map(|quota| u64::from(quota.effective_per_minute)).sum();
    (sum > 0).then_some(sum)
}

/// The height of a number above the axis.
fn up(number: u64, most: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a picture of pixels")]
    let part = number as f64 / most as f64;
    part * (HEIGHT - BELOW - ABOVE)
}

/// A round number that is not less.
fn rounded(number: u64) -> u64 {
    let mut step = 1;
    loop {
        for times in [1, 2, 5] {
            if number <= step * times {
                return step * times;
            }
        }
        step *= 10;
    }
}

impl HourPicture<'_> {
    /// The most that happened in a minute, or may.
    fn most(&self) -> u64 {
        let happened = self
            .minutes
            .iter()
            .flat_map(|minute| [minute.alerts, minute.scan_calls]);
        let most = happened.max().unwrap_or_default();
        rounded(most.max(self.share.unwrap_or_default()).max(4))
    }

    fn x(&self, minute: usize) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "sixty minutes")]
        let part = minute as f64 / self.minutes.len().max(1) as f64;
        LEFT + part * (WIDTH - LEFT - 4.0)
    }

    /// Draws it.
    pub(super) fn draw(&self) -> Svg {
        let mut svg = Svg::new(
            720,
            150,
            "Alerts and scan calls of the last hour, by the minute",
        );
        let (most, foot) = (self.most(), HEIGHT - BELOW);
        let width = self.x(1) - self.x(0);
        for at in (0..self.minutes.len()).filter(|at| self.is_paused(*at)) {
            svg.bar("paused", [self.x(at), ABOVE, width, foot - ABOVE]);
        }
        for (at, minute) in self.minutes.iter().enumerate() {
            if minute.alerts > 0 {
                let high = up(minute.alerts, most).max(1.0);
                svg.bar("alerts", [self.x(at) + 1.0, foot - high, width - 2.0, high]);
            }
        }
        let calls = self.minutes.iter().enumerate();
        let calls: Vec<(f64, f64)> = calls
            .map(|(at, minute)| (self.x(at) + width / 2.0, foot - up(minute.scan_calls, most)))
            .collect();
        svg.line("calls", &calls);
        if let Some(share) = self.share {
            let at = foot - up(share, most);
            svg.line("share", &[(LEFT, at), (WIDTH - 4.0, at)]);
        }
        svg.line("axis", &[(LEFT, ABOVE), (LEFT, foot), (WIDTH - 4.0, foot)]);
        svg.number("legend", (4.0, ABOVE + 8.0), most);
        svg.number("legend", (4.0, foot), 0);
        svg.word("legend", (LEFT, HEIGHT - 5.0), "60 min ago");
        svg.word("legend", (WIDTH - 28.0, HEIGHT - 5.0), "now");
        svg.word(
            "legend",
            (LEFT + 120.0, HEIGHT - 5.0),
            "bars: alerts, line: scan calls, dashed: share of the quota, shaded: paused",
        );
        svg
    }

    fn is_paused(&self, at: usize) -> bool {
        let minute = self.minutes.get(at);
        let Some(at) = minute.and_then(|minute| Timestamp::parse(&minute.at)) else {
            return false;
        };
        self.pauses
            .iter()
            .filter(|pause| pause.rule.is_none() && pause.device.is_none())
            .filter_map(|pause| Timestamp::parse(&pause.at))
            .any(|since| since <= at.plus(core::time::Duration::from_secs(59)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(alerts: [u64; 3]) -> Vec<MinuteView> {
        let minute = |(at, alerts): (usize, u64)| MinuteView {
            at: format!("2026-11-29T05:0{at}:00Z"),
            alerts,
            scan_calls: alerts / 2,
            held: 0,
        };
        alerts.into_iter().enumerate().map(minute).collect()
    }

    #[test]
    fn a_minute_without_alerts_has_no_bar_and_the_share_is_dashed() {
        let minutes = minutes([0, 8, 2]);
        let picture = HourPicture {
            minutes: &minutes,
            share: Some(100),
            pauses: &[],
        };
        let markup = picture.draw().markup();
        assert_eq!(markup.matches("class=\"alerts\"").count(), 2);
        assert_eq!(markup.matches("class=\"share\"").count(), 1);
        assert_eq!(markup.matches("class=\"paused\"").count(), 0);
        assert!(markup.contains("role=\"img\"") && markup.contains("<title>"));
        assert!(!markup.contains("style="));
    }

    #[test]
    fn scales_end_at_a_round_number() {
        for (number, expected) in [(0, 1), (4, 5), (11, 20), (812, 1_000), (1_001, 2_000)] {
            assert_eq!(rounded(number), expected);
        }
    }
}
