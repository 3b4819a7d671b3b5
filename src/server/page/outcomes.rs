//! How a rule's scans ended, as one stacked bar.

use std::collections::BTreeMap;

use super::svg::Svg;

/// The bar; nothing where none has ended.
pub(super) fn bar(outcomes: &BTreeMap<String, u64>) -> Option<Svg> {
    let many = |is_in: fn(&str) -> bool| {
        let those = outcomes.iter().filter(|(outcome, _)| is_in(outcome));
        those.map(|(_, many)| many).sum()
    };
    let parts = [
        ("good", many(|outcome| outcome == "succeeded")),
        (
            "other",
            many(|outcome| matches!(outcome, "cancelled" | "simulated")),
        ),
        (
            "bad",
            many(|outcome| !matches!(outcome, "succeeded" | "cancelled" | "simulated")),
        ),
    ];
    Svg::stacked("How its scans ended", &parts)
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
