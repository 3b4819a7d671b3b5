//! Findings as commands to the runner of GitHub Actions, which shows them at their lines. What stands in a file becomes no
//! command: a line break is escaped, and so is what would end a property.

use std::collections::BTreeMap;

use super::finding::CheckFinding;
use scanhook_core::plain::spelled_out;

/// A line for each finding, and one for those of a code that are only counted.
pub(super) fn annotations(
    findings: &[CheckFinding],
    omitted: &BTreeMap<&'static str, usize>,
) -> String {
    let counted = omitted
        .iter()
        .map(|(code, more)| format!("::notice title={code}::and {more} more of `{code}`\n"));
    findings.iter().map(annotation).chain(counted).collect()
}

fn annotation(finding: &CheckFinding) -> String {
    let level = match finding.level {
        "note" => "notice",
        level => level,
    };
    let mut properties = vec![format!("file={}", property(&finding.file))];
    properties.extend(finding.line.map(|line| format!("line={line}")));
    properties.extend(finding.column.map(|column| format!("col={column}")));
    properties.extend(finding.code.map(|code| format!("title={}", property(code))));
    format!(
        "::{level} {}::{}\n",
        properties.join(","),
        data(&finding.sentences())
    )
}

fn data(text: &str) -> String {
    let escaped = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    spelled_out(&escaped)
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_is_one_line_and_ends_no_property() {
        let finding = CheckFinding {
            file: "a,line=1:\n::error::b.toml".to_owned(),
            line: Some(3),
            column: Some(7),
            level: "note",
            code: Some("unknown-key"),
            message: "100%\r\n::stop-commands::x\u{1b}[2J".to_owned(),
            remedy: Some("a, b: c".to_owned()),
        };
        assert_eq!(
            annotations(&[finding], &BTreeMap::from([("syntax", 2)])),
            "::notice file=a%2Cline=1%3A%0A%3A%3Aerror%3A%3Ab.toml,line=3,col=7,title=unknown-key::\
             100%25%0D%0A::stop-commands::x\\u001b[2J%0Aa, b: c\n\
             ::notice title=syntax::and 2 more of `syntax`\n"
        );
    }
}
