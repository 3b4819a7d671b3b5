//! A policy as one text: the rules, and behind them the files of the lists as comments. What decided can be explained from it
//! later, whatever has become of the files.

use super::{Checked, ListFile, Policy};
use scanhook_core::rules::Finding;

/// Begins the part of a record that holds a list's file; a comment to TOML.
const LIST_MARK: &str = "\n#:scanhook list ";

impl Policy {
    /// Compiles what [`Policy::record`] wrote.
    ///
    /// # Errors
    /// The text of the rules, with every fault in it.
    pub fn recall(record: &str) -> Result<Checked, (String, Vec<Finding>)> {
        let mut parts = record.split(LIST_MARK);
        let text = parts.next().unwrap_or_default().to_owned();
        let lists: Vec<ListFile> = parts.filter_map(recalled).collect();
        let mut read = |name: &str| {
            let list = lists.iter().find(|list| list.name == name);
            list.map(|list| list.text.clone())
                .ok_or_else(|| "the record does not hold it".to_owned())
        };
        Policy::compile(text, None, &mut read)
    }

    /// Everything it was made from as one text, which [`Policy::recall`] compiles again: the rules, and behind them the
    /// files of the lists as comments.
    #[must_use]
    pub fn record(&self) -> String {
        let mut record = self.text.clone();
        for list in &self.lists {
            record.push_str(&format!(
                "{LIST_MARK}{}",
                serde_json::json!([list.name, list.text])
            ));
        }
        record
    }
}

/// The file of a list, from its part of a record.
fn recalled(part: &str) -> Option<ListFile> {
    let (name, text) = serde_json::from_str(part).ok()?;
    Some(ListFile { name, text })
}
