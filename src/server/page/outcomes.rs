//! How a rule's scans ended, as one stacked bar.

use std::collections::BTreeMap;

use super::svg::Svg;

const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 14.0;

/// The bar; nothing where none has ended.
pub(super) fn bar(outcomes: &BTreeMap<String, u64>) -> Option<Svg> {
    let all: u64 = outcomes.values().sum();
    if all == 0 {
        return None;
    }
    let mut svg = Svg::new(160, 14, "How its scans ended");
    let mut x = 0.0;
    for (class, is_in) in [
        ("good", |outcome: &str| outcome == "succeeded"),
        ("other", |outcome: &str| {
            outcome == "cancelled" || outcome == "simulated"
        }),
        ("bad", |outcome: &str| {
            !matches!(outcome, "succeeded" | "cancelled" | "simulated")
        }),
    ] as [(&'static str, fn(&str) -> bool); 3]
    {
        let many: u64 = outcomes
            .iter()
            .filter(|(outcome, _)| is_in(outcome))
            .map(|(_, many)| many)
            .sum();
        #[allow(clippy::cast_precision_loss, reason = "a picture of pixels")]
        let width = WIDTH * many as f64 / all as f64;
        if width > 0.0 {
            svg.bar(class, [x, 0.0, width, HEIGHT]);
        }
        x += width;
    }
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_fill_the_bar_and_nothing_is_no_bar() {
        assert_eq!(bar(&BTreeMap::new()), None);
        let outcomes = [("succeeded", 3), ("lost", 1)];
        let outcomes = outcomes.map(|(outcome, many)| (outcome.to_owned(), many));
        let markup = bar(&BTreeMap::from(outcomes)).map(|svg| svg.markup());
        let markup = markup.unwrap_or_default();
        assert!(
            markup.contains("class=\"good\" x=\"0.0\" y=\"0.0\" width=\"120.0\""),
            "{markup}"
        );
        assert!(
            markup.contains("class=\"bad\" x=\"120.0\" y=\"0.0\" width=\"40.0\""),
            "{markup}"
        );
    }
}
