//! Reads the file of a list. Its lines are not quoted in a finding: a secret may lie where a list should.

use toml::de::DeTable;

use super::list_entry::{odd, understood};
use super::walk::{Node, Walk};
use crate::rules::finding::{code, quoted};
use crate::rules::list::{ListType, WrittenList};

/// Reads a list's file by the name the rules give it.
pub type ReadList<'r> = &'r mut dyn FnMut(&str) -> Result<String, String>;

impl Walk<'_> {
    /// One entry a line; what stands behind `#` is a comment.
    pub(super) fn list_file(
        &mut self,
        file: &Node<'_>,
        table: &DeTable<'_>,
        list: &mut WrittenList,
        read: ReadList<'_>,
    ) {
        let Some(name) = self.text(file, "`file`") else {
            return;
        };
        let text = match read(name) {
            Ok(text) => text,
            Err(why) => {
                let message = format!("the list {} cannot be read: {why}", quoted(name));
                self.error_with(
                    code::UNREADABLE_LIST,
                    file.span(),
                    message,
                    "its path counts from the rules file",
                );
                return;
            }
        };
        let (mut count, mut told) = (0, false);
        for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let entry = uncommented(line);
            if entry.is_empty() {
                continue;
            }
            count += 1;
            match understood(list.kind, entry) {
                Ok(written) => {
                    // Told once: a file that a tool writes has the same mistake on every line.
                    if let (false, Some((code, what, remedy))) = (told, odd(list.kind, entry)) {
                        told = true;
                        self.lint(
                            code,
                            file.span(),
                            &format!("{name}:{}: {what}", n + 1),
                            remedy,
                        );
                    }
                    list.entries.push((written, None));
                }
                // Without a word of it: a secret may lie where a list should.
                Err((code, _)) => self.error(
                    code,
                    file.span(),
                    format!("{name}:{}: {}", n + 1, unfit(list.kind)),
                ),
            }
        }
        let least = table.get("min_entries").map_or(Some(1), |least| {
            self.integer(least, "`min_entries`", 0..10_000_001)
        });
        if let Some(least) = least.filter(|least| count < *least) {
            let message = format!(
                "{} has {count} entries, and must have {least}",
                quoted(name)
            );
            let remedy =
                "a list that was emptied by accident must not pass; `min_entries = 0` allows it";
            self.error_with(code::TOO_FEW_ENTRIES, file.span(), message, remedy);
        }
    }
}

/// A line of a list's file without its comment.
fn uncommented(line: &str) -> &str {
    let comment = line.char_indices().find(|(at, c)| {
        *c == '#'
            && line
                .get(..*at)
                .is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    });
    line.get(..comment.map_or(line.len(), |(at, _)| at))
        .unwrap_or(line)
        .trim()
}

/// What is wrong with a line of a list's file.
fn unfit(kind: ListType) -> &'static str {
    match kind {
        ListType::Text => "the line is not text",
        ListType::Glob => "the line is not a glob",
        ListType::Cidr => {
            "the line is not a network: it must be an address, or an address with the prefix it has"
        }
        ListType::MachineId => "the line is not a machine id: it must be 40 hex digits",
    }
}
