//! What could not be played: it is said beside the result, because it is no part of it.

use crate::cli::output::{complain, plain};
use crate::replay::{ReplayReport, Unusable};

/// What could not be played.
#[derive(Default, serde::Serialize)]
pub(super) struct Left {
    /// Bodies, or rows of the journal, that cannot be read.
    pub(super) unreadable: u64,
    /// The first of them.
    pub(super) first: Vec<Unusable>,
    /// Bodies whose alerts say no time.
    pub(super) timeless: u64,
    /// Files of the folder that are no bodies.
    pub(super) passed_over: u64,
}

impl Left {
    pub(super) fn damaged(&mut self, place: &str, rows: usize) {
        if rows > 0 {
            self.unreadable += rows as u64;
            if self.first.len() < 10 {
                let why = "rows of it cannot be read by this version".to_owned();
                self.first.push(Unusable {
                    place: place.to_owned(),
                    why,
                });
            }
        }
    }
}

/// What was left out is said on stderr: it is no result.
pub(super) fn tell(left: &Left) {
    for Unusable { place, why } in &left.first {
        complain(&format!("{}: {}", plain(place), plain(why)));
    }
    let number = |many: u64| {
        if many == 1 {
            "1 body".to_owned()
        } else {
            format!("{many} bodies")
        }
    };
    if left.unreadable > 0 {
        let why = if left.unreadable == 1 { "it" } else { "they" };
        complain(&format!(
            "{} passed over because {why} cannot be read",
            number(left.unreadable)
        ));
    }
    if left.timeless > 0 {
        let how = "taken to have come with the one before, or when the file was written";
        complain(&format!(
            "{} without the time of an alert, {how}",
            number(left.timeless)
        ));
    }
    if left.passed_over > 0 {
        let files = if left.passed_over == 1 {
            "file"
        } else {
            "files"
        };
        complain(&format!(
            "{} other {files} passed over: bodies are .json, .ndjson, .jsonl",
            left.passed_over
        ));
    }
}

pub(super) fn whole(report: &ReplayReport, left: &Left) -> serde_json::Result<serde_json::Value> {
    let mut whole = serde_json::to_value(report)?;
    if let Some(object) = whole.as_object_mut() {
        object.insert("left_out".to_owned(), serde_json::to_value(left)?);
    }
    Ok(whole)
}
