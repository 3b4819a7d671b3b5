//! The values at a path, and a fault where two readers could see two of them. Conditions and sources both look this
//! way.

use super::notes::Notes;
use super::path::{At, Path};
use crate::alert::AlertReason;
use crate::json::{Doubt, Json};
use crate::plain::one_line;

impl Notes {
    /// The values at a path that are not missing.
    pub(super) fn look<'j, 'a>(&mut self, path: &Path, at: At<'j, 'a>) -> Vec<&'j Json<'a>> {
        self.look_fitting(path, at, &mut |_| true)
    }

    pub(super) fn look_fitting<'j, 'a>(
        &mut self,
        path: &Path,
        at: At<'j, 'a>,
        fits: &mut dyn FnMut(&'j Json<'a>) -> bool,
    ) -> Vec<&'j Json<'a>> {
        match path.doubt(at) {
            Some(Doubt::TwoCases(key)) => {
                self.fault(
                    AlertReason::AmbiguousKey,
                    format!("`{key}` stands there in more than one letter case"),
                );
            }
            Some(Doubt::Twice(key)) => {
                self.fault(
                    AlertReason::DuplicateKey,
                    format!("`{}` stands there twice", one_line(key, 80)),
                );
            }
            None => {}
        }
        path.values(at, fits)
    }
}
