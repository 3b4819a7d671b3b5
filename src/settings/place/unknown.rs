//! What nobody took is unknown: each key that is left gets a fault, with the key that was probably meant.

use super::Section;
use super::context::Context;

impl<'i> Section<'i> {
    /// Names keys it may have, for the suggestions of [`Section::finish`].
    pub(crate) fn offer(&mut self, names: &[&'static str]) {
        self.keys.offer(names);
    }

    /// What is left is unknown.
    pub(crate) fn finish(self, ctx: &mut Context<'_>) {
        for unknown in self.keys.unknown() {
            let message = match unknown.meant {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => format!("unknown key; known here: {}", unknown.known.join(", ")),
            };
            ctx.at(
                "unknown-key",
                self.path(unknown.key),
                Some(unknown.span),
                message,
            );
        }
    }
}
