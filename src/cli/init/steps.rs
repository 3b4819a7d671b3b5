//! The steps of a guide for a terminal: no links and no stars, and code as it stands.

use super::args::EXAMPLE;
use crate::cli::fit::folded;

/// The template of the Logic App, with the URL in it that it posts to where that is known.
pub(super) fn logic_app(address: &str, name: &str) -> String {
    let template = include_str!("../../../docs/sources/sentinel-logic-app.json");
    if address == EXAMPLE {
        return template.to_owned();
    }
    let url = serde_json::Value::from(format!("{address}/webhooks/{name}"));
    // The first is the parameter of the template.
    template.replacen(
        "\"ScanhookUrl\": { ",
        &format!("\"ScanhookUrl\": {{ \"defaultValue\": {url}, "),
        1,
    )
}

/// Markdown as plain text. Paragraphs are folded to the terminal's width; code stays as it is, to be copied.
pub(super) fn readable(markdown: &str, columns: Option<usize>) -> String {
    let (mut text, mut fenced, mut paragraph) = (String::new(), false, None::<String>);
    let end = |paragraph: String| format!("{}\n", folded(&prose(&paragraph), columns));
    for line in markdown.lines() {
        let fence = line.trim_start().starts_with("```");
        if let Some(begun) = paragraph
            .as_mut()
            .filter(|begun| !fence && goes_on(begun, line))
        {
            begun.push_str(&format!(" {}", line.trim_start()));
            continue;
        }
        text.extend(paragraph.take().map(end));
        match (fence, fenced) {
            (true, _) => fenced = !fenced,
            (false, true) => text.push_str(&format!("{line}\n")),
            (false, false) => paragraph = Some(line.to_owned()),
        }
    }
    text.extend(paragraph.map(end));
    text.trim_end().to_owned()
}

/// Whether a line belongs to the paragraph before it.
fn goes_on(begun: &str, line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let item = line.starts_with("- ")
        || line.starts_with('|')
        || (number != line && number.starts_with(". "));
    !item && !line.is_empty() && !begun.trim().is_empty()
}

/// One line outside of code blocks. What stands in backticks is code, too.
fn prose(line: &str) -> String {
    let mut text = String::new();
    for (n, part) in line.split('`').enumerate() {
        match n % 2 {
            0 => text.push_str(&without_links(&part.replace('*', ""))),
            _ => text.push_str(&format!("`{part}`")),
        }
    }
    text
}

/// `[text](address)` as the text, with the address behind it where it leads out of the documents.
fn without_links(part: &str) -> String {
    let mut text = String::new();
    let mut rest = part;
    while let Some((before, behind)) = rest.split_once('[') {
        let Some((label, (address, after))) = behind
            .split_once("](")
            .and_then(|(label, behind)| Some((label, behind.split_once(')')?)))
        else {
            break;
        };
        text.push_str(before);
        text.push_str(label);
        if address.contains("://") {
            text.push_str(&format!(" ({address})"));
        }
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_stars_go_and_code_stays_as_it_is() {
        let markdown = "1. *Add* [the page](x.md) of [Azure](https://a.example/x): `^https://a\\.b/.*$`, **now**.\n\n   ```text\n   a * [b](c)\n   ```";
        let text = "1. Add the page of Azure (https://a.example/x): `^https://a\\.b/.*$`, now.\n\n   a * [b](c)";
        assert_eq!(readable(markdown, None), text);
    }

    #[test]
    fn paragraphs_are_folded_anew_and_code_never() {
        let markdown = "1. One sentence that goes\n   on below.\n2. Another:\n\n   ```text\n   a line of code that is long\n   ```";
        let text = "1. One sentence that\n   goes on below.\n2. Another:\n\n   a line of code that is long";
        assert_eq!(readable(markdown, Some(20)), text);
    }
}
