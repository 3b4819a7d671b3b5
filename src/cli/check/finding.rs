//! One finding, as others read it.

use serde::Serialize;

/// Something in one of the files that is wrong or worth a second look.
#[derive(Serialize)]
pub(super) struct CheckFinding {
    pub(super) file: String,
    /// From 1; so is the column, which counts characters.
    pub(super) line: Option<usize>,
    pub(super) column: Option<usize>,
    /// `error`, `warning` or `note`.
    pub(super) level: &'static str,
    pub(super) code: Option<&'static str>,
    pub(super) message: String,
    pub(super) remedy: Option<String>,
}

impl CheckFinding {
    /// What is wrong and what to do, a line each.
    pub(super) fn sentences(&self) -> String {
        match &self.remedy {
            Some(remedy) => format!("{}\n{remedy}", self.message),
            None => self.message.clone(),
        }
    }
}
