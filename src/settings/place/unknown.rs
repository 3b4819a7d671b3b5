//! What nobody took is unknown: each key that is left gets a fault, with the key that was probably meant.

use super::Section;
use super::context::Context;

impl<'i> Section<'i> {
    /// Names keys it may have, for the suggestions of [`Section::finish`].
    pub(crate) fn offer(&mut self, names: &[&'static str]) {
        self.keys.offer(names);
    }

    /// What is left of an included file stands in the wrong one.
    pub(crate) fn finish_included(self, ctx: &mut Context<'_>) {
        for unknown in self.keys.unknown() {
            let message = match unknown.key {
                "include" => "an included file includes no others; name them in scanhook.toml",
                _ => {
                    "an included file holds [tenants.x] and [sources.x] alone; this belongs into scanhook.toml"
                }
            };
            let place = self.placed(Some(unknown.span));
            ctx.at(
                "unknown-key",
                self.path(unknown.key),
                place,
                message.to_owned(),
            );
        }
    }

    /// What is left is unknown.
    pub(crate) fn finish(self, ctx: &mut Context<'_>) {
        for unknown in self.keys.unknown() {
            let message = match unknown.meant {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => format!("unknown key; known here: {}", unknown.known.join(", ")),
            };
            let place = self.placed(Some(unknown.span));
            ctx.at("unknown-key", self.path(unknown.key), place, message);
        }
        if let Some(shared) = self.shared {
            shared.finish(ctx);
        }
    }
}
