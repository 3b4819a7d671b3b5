//! As much of PromQL and of the exposition format as it takes to see whether a query can ever find a series.

use std::collections::BTreeSet;

use regex::Regex;

/// A metric with conditions on its labels, as a query names it.
#[derive(Debug, PartialEq)]
pub(super) struct Selector {
    pub(super) metric: String,
    /// Label, operator, value.
    matchers: Vec<(String, String, String)>,
}

/// One line of /metrics.
#[derive(Debug)]
pub(super) struct Series {
    name: String,
    labels: Vec<(String, String)>,
}

/// Labels that Prometheus itself adds.
const SCRAPED: [&str; 2] = ["instance", "job"];

pub(super) fn series(exposition: &str) -> Vec<Series> {
    let line = Regex::new(r"(?m)^([a-z_]+)(?:\{(.*)\})? [^ ]+$").unwrap();
    line.captures_iter(exposition)
        .map(|found| Series {
            name: found[1].to_owned(),
            labels: pairs(found.get(2).map_or("", |labels| labels.as_str()))
                .into_iter()
                .map(|(label, _, value)| (label, value))
                .collect(),
        })
        .collect()
}

fn pairs(labels: &str) -> Vec<(String, String, String)> {
    let pair = Regex::new(r#"([a-z_]+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)""#).unwrap();
    pair.captures_iter(labels)
        .map(|found| {
            (
                found[1].to_owned(),
                found[2].to_owned(),
                found[3].to_owned(),
            )
        })
        .collect()
}

/// Every metric that a query names.
pub(super) fn selectors(query: &str) -> Vec<Selector> {
    let selector = Regex::new(r"\b((?:scanhook|process)_[a-z_]+)(?:\{([^}]*)\})?").unwrap();
    selector
        .captures_iter(query)
        .map(|found| Selector {
            metric: found[1].to_owned(),
            matchers: pairs(found.get(2).map_or("", |labels| labels.as_str())),
        })
        .collect()
}

/// The labels by which a query groups or joins.
pub(super) fn groups(query: &str) -> BTreeSet<String> {
    let grouped = Regex::new(r"\b(?:by|on|without|ignoring|group_left)\s*\(([^)]*)\)").unwrap();
    grouped
        .captures_iter(query)
        .flat_map(|found| {
            found[1]
                .split(',')
                .map(|label| label.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|label| !label.is_empty())
        .collect()
}

impl Selector {
    /// Whether one of these series is meant. A variable of a dashboard stands for any value.
    pub(super) fn finds(&self, all: &[Series]) -> bool {
        self.of(all).any(|series| {
            self.matchers
                .iter()
                .all(|matcher| series.satisfies(matcher))
        })
    }

    /// The labels that the metric has, and those that Prometheus adds.
    pub(super) fn labels<'a>(&'a self, all: &'a [Series]) -> BTreeSet<&'a str> {
        let own = self
            .of(all)
            .flat_map(|series| series.labels.iter().map(|(label, _)| label.as_str()));
        own.chain(SCRAPED).collect()
    }

    fn of<'a>(&'a self, all: &'a [Series]) -> impl Iterator<Item = &'a Series> {
        all.iter().filter(|series| series.name == self.metric)
    }
}

impl Series {
    fn satisfies(&self, (label, operator, value): &(String, String, String)) -> bool {
        if SCRAPED.contains(&label.as_str()) {
            return true;
        }
        let Some((_, own)) = self.labels.iter().find(|(known, _)| known == label) else {
            return false;
        };
        let like = || Regex::new(&format!("^(?:{value})$")).unwrap().is_match(own);
        if value.starts_with('$') {
            return true;
        }
        match operator.as_str() {
            "=" => own == value,
            "!=" => own != value,
            "=~" => like(),
            _ => !like(),
        }
    }
}

#[test]
fn a_query_with_a_word_that_is_not_there_is_seen() {
    let all = series("scanhook_x_total{code=\"full\",tenant=\"a\"} 1\nscanhook_y 2\n");
    let finds = |query: &str| selectors(query).iter().all(|one| one.finds(&all));
    assert!(finds(
        "rate(scanhook_x_total{code=~\"full|gone\",tenant=~\"$tenant\"}[5m]) / scanhook_y"
    ));
    for wrong in [
        "scanhook_z",
        "scanhook_x_total{code=\"gone\"}",
        "scanhook_x_total{kind=\"full\"}",
        "scanhook_y{code=~\".*\"}",
        "scanhook_x_total{code!=\"full\"}",
    ] {
        assert!(!finds(wrong), "{wrong}");
    }
    let grouped = groups("sum by (tenant, le) (scanhook_x_total) * on(code) scanhook_y");
    assert_eq!(grouped, ["code", "le", "tenant"].map(str::to_owned).into());
}
