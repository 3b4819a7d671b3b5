//! Which rules are worth a look. A rule that can match only where some field has one of a few values, or holds one of
//! a few texts, is found by these; of several such conditions the rarest is taken. The others are always looked at.

use super::census::{Census, Way};
use super::fact_view::FactView;
use super::index_place::IndexPlace;
use super::rule::Rule;

/// Fewer rules are looked at one by one.
const FEW: usize = 4;

/// Finds the rules that may match.
#[derive(Clone, Debug)]
pub(super) struct Index {
    size: usize,
    /// Rules without a condition to find them by.
    always: Vec<usize>,
    places: Vec<IndexPlace>,
}

impl Index {
    pub(super) fn of(rules: &[Rule]) -> Index {
        let size = rules.len();
        let mut index = Index {
            size,
            always: Vec::new(),
            places: Vec::new(),
        };
        if size < FEW {
            return index;
        }
        let mut census = Census {
            size,
            ..Census::default()
        };
        for rule in rules {
            census.take(&rule.when);
        }
        index.places = census
            .fields
            .iter()
            .map(|field| IndexPlace::of(field))
            .collect();
        for (number, rule) in rules.iter().enumerate() {
            match census.best(&rule.when) {
                Some((_, ways)) => ways.into_iter().for_each(|way| index.add(way, number)),
                None => index.always.push(number),
            }
        }
        index.places.retain(|place| !place.all.is_empty());
        for place in &mut index.places {
            place.build();
        }
        index
    }

    fn add(&mut self, way: Way, number: usize) {
        let Some(place) = self.places.get_mut(way.field) else {
            return;
        };
        let map = if way.part {
            &mut place.texts
        } else {
            &mut place.values
        };
        map.entry(way.key).or_default().push(number);
        if place.all.last() != Some(&number) {
            place.all.push(number);
        }
    }

    /// The numbers of all rules that are not certainly false, in file order, and some others.
    pub(super) fn candidates(&self, view: &FactView<'_>) -> Vec<usize> {
        if self.size < FEW {
            return (0..self.size).collect();
        }
        let mut found = self.always.clone();
        for place in &self.places {
            place.find(view, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
