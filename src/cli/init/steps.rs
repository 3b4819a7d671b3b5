//! The steps of a guide for a terminal: no links and no stars, and code as it stands.

use super::EXAMPLE;

/// The template of the Logic App, with the URL in it that it posts to where that is known.
pub(super) fn logic_app(address: &str, name: &str) -> String {
    let template = include_str!("../../../docs/sources/sentinel-logic-app.json");
    if address == EXAMPLE {
        return template.to_owned();
    }
    let url = serde_json::Value::from(format!("{address}/webhooks/{name}"));
    // The first is the parameter of the template.
    template.replacen("\"ScanhookUrl\": { ", &format!("\"ScanhookUrl\": {{ \"defaultValue\": {url}, "), 1)
}

/// Markdown as plain text.
pub(super) fn readable(markdown: &str) -> String {
    let (mut text, mut fenced) = (String::new(), false);
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            text.push_str(&format!("{line}\n"));
        } else {
            text.push_str(&format!("{}\n", prose(line)));
        }
    }
    text.trim_end().to_owned()
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
        let Some((label, (address, after))) =
            behind.split_once("](").and_then(|(label, behind)| Some((label, behind.split_once(')')?)))
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
        assert_eq!(readable(markdown), text);
    }
}
