//! Conditions and their truth: Kleene's three values, so that what cannot be known decides nothing by accident.

use super::fact_view::FactView;
use super::field::Field;
use super::leaf::Leaf;
use super::named::Named;
use super::truth::Truths;
use crate::verdict::Seen;

/// A condition: a conjunction, a disjunction, its negation, or one field compared.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    None(Vec<Condition>),
    Leaf(Leaf),
}

impl Condition {
    pub(super) fn truths(&self, view: &FactView<'_>) -> Truths {
        self.judged_by(&|leaf| leaf.truths(view))
    }

    /// What it may turn out to be for any event of this tenant, whatever else that says.
    pub(super) fn truths_for_tenant(&self, view: &FactView<'_>) -> Truths {
        self.judged_by(&|leaf| match leaf.field {
            Field::Named(Named::Tenant) => leaf.truths(view),
            _ => Truths::EITHER,
        })
    }

    fn judged_by(&self, judge: &impl Fn(&Leaf) -> Truths) -> Truths {
        let any = |parts: &[Condition]| Truths::any(parts.iter().map(|part| part.judged_by(judge)));
        match self {
            Condition::All(parts) => Truths::all(parts.iter().map(|part| part.judged_by(judge))),
            Condition::Any(parts) => any(parts),
            Condition::None(parts) => any(parts).not(),
            Condition::Leaf(leaf) => judge(leaf),
        }
    }

    /// Every leaf, in file order.
    pub(super) fn leaves(&self) -> Vec<&Leaf> {
        fn collect<'c>(condition: &'c Condition, out: &mut Vec<&'c Leaf>) {
            match condition {
                Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
                    parts.iter().for_each(|part| collect(part, out));
                }
                Condition::Leaf(leaf) => out.push(leaf),
            }
        }
        let mut out = Vec::new();
        collect(self, &mut out);
        out
    }

    /// Whether it asks for this field.
    pub(super) fn mentions(&self, named: Named) -> bool {
        self.leaves()
            .iter()
            .any(|leaf| leaf.field == Field::Named(named))
    }

    /// Each field of the condition once, with the value it has.
    pub(super) fn seen(&self, view: &FactView<'_>) -> Vec<Seen> {
        let mut seen: Vec<Seen> = Vec::new();
        for leaf in self.leaves() {
            if seen.iter().all(|seen| seen.field != leaf.field.name()) {
                seen.push(leaf.seen(view));
            }
        }
        seen
    }

    /// The fields whose conditions are neither true nor false, or which the directory can still tell, each once.
    pub(super) fn unknown_fields(&self, view: &FactView<'_>) -> Vec<&str> {
        let mut fields = Vec::new();
        for leaf in self.leaves() {
            let truths = leaf.truths(view);
            if (truths.may_be_unknown() || truths == Truths::EITHER)
                && !fields.contains(&leaf.field.name())
            {
                fields.push(leaf.field.name());
            }
        }
        fields
    }

    /// The first part that keeps it from being true: false if there is one, else one that is unknown.
    pub(super) fn first_failing(&self, view: &FactView<'_>) -> Option<&Leaf> {
        let worst = |parts: &[Condition]| -> Option<usize> {
            let of = |truths: Truths| parts.iter().position(|part| part.truths(view) == truths);
            of(Truths::FALSE).or_else(|| {
                parts
                    .iter()
                    .position(|part| part.truths(view) != Truths::TRUE)
            })
        };
        match self {
            Condition::All(parts) => parts.get(worst(parts)?)?.first_failing(view),
            // None of them holds. One that nobody can judge is why nobody can judge the whole; otherwise the first says
            // best what was looked for.
            Condition::Any(parts) => {
                let open = parts
                    .iter()
                    .filter(|part| part.truths(view) != Truths::FALSE);
                open.chain(parts).find_map(|part| part.first_failing(view))
            }
            // One of them does hold: that one is in the way.
            Condition::None(parts) => {
                let hit = parts.iter().find(|part| part.truths(view) == Truths::TRUE);
                match hit {
                    Some(hit) => hit
                        .leaves()
                        .into_iter()
                        .find(|leaf| leaf.truths(view) == Truths::TRUE),
                    None => parts
                        .iter()
                        .find(|part| part.truths(view) != Truths::FALSE)?
                        .first_failing(view),
                }
            }
            Condition::Leaf(leaf) => (leaf.truths(view) != Truths::TRUE).then_some(leaf),
        }
    }
}
