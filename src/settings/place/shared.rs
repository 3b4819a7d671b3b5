//! A table that several others share: its keys count where theirs are missing, table by table and key by key.

use std::path::PathBuf;

use super::context::Context;
use super::{KeyPath, Section};

impl<'i> Section<'i> {
    /// Lets the keys of another table count where this one does not have them, all but these.
    pub(crate) fn share(&mut self, shared: &Section<'i>, all_but: &[&'static str]) {
        self.shared = Some(Box::new(shared.clone()));
        self.own.extend(all_but);
    }

    /// These keys of the shared table do not count here.
    pub(crate) fn keep_own(&mut self, names: &[&'static str]) {
        self.own.extend(names);
    }

    /// Whether the key that was asked for is the shared table's.
    pub(crate) fn is_shared(&self, name: &str) -> bool {
        matches!(self.places.get(name), Some(KeyPath::Shared))
    }

    /// What the shared table says under a key, as a text.
    pub(crate) fn shared_text(&self, ctx: &mut Context<'i>, name: &'static str) -> Option<String> {
        self.shared.as_ref()?.as_ref().clone().take(ctx, name)
    }

    /// What the shared table has of it is taken from it in any case: it is known there, whoever uses it.
    pub(super) fn found_in_shared<T>(
        &mut self,
        find: impl FnOnce(&mut Section<'i>) -> Option<T>,
        name: &str,
    ) -> Option<T> {
        let found = self.shared.as_mut().and_then(|shared| find(shared));
        found.filter(|_| !self.own.contains(&name))
    }

    /// Keys that this table must not have, and why.
    pub(crate) fn refuse(&mut self, ctx: &mut Context<'i>, names: &[&'static str], why: &str) {
        for name in names {
            if self.found(ctx, name).is_some() {
                self.fault(ctx, name, "bad-value", why);
            }
        }
    }

    /// These keys are known, and what they say is not looked at.
    pub(crate) fn pass_over(&mut self, ctx: &mut Context<'i>, names: &[&'static str]) {
        for name in names {
            let _ = self.found(ctx, name);
        }
    }

    /// The folder that a relative path under this key counts from: that of the file which says it.
    pub(crate) fn folder(&self, ctx: &Context<'_>, name: &str) -> PathBuf {
        match (self.places.get(name), &self.shared) {
            (Some(KeyPath::Variable(_)), _) => ctx.folder(0),
            (Some(KeyPath::Shared), Some(shared)) => shared.folder(ctx, name),
            _ => ctx.folder(self.file),
        }
    }
}
