//! What nobody took is unknown: each key that is left gets a fault, with the key that was probably meant.

use super::Section;
use super::context::Context;

impl<'i> Section<'i> {
    /// Names keys it may have, for the suggestions of [`Section::finish`].
    pub(crate) fn offer(&mut self, names: &[&'static str]) {
        self.asked.extend(names);
    }

    /// What is left is unknown.
    pub(crate) fn finish(self, ctx: &mut Context<'_>) {
        for (name, (span, _)) in &self.entries {
            let message = match meant(name, &self.asked) {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => format!("unknown key; known here: {}", self.asked.join(", ")),
            };
            ctx.at("unknown-key", self.path(name), Some(span.clone()), message);
        }
    }
}

/// The key that was probably meant.
fn meant<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .min()?;
    (near.0 <= (name.len() / 3).max(1)).then_some(near.1)
}
