//! The pages, as a browser without JavaScript uses them: all through real HTTP.

mod doors;
mod held;
mod messages;
mod now;
mod roles;
mod scans;

use std::sync::LazyLock;

use regex::Regex;
use reqwest::Method;

use crate::harness::{Answer, Site};

/// What stands within a word or a sentence.
static INLINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("</?(?:bdi|strong|b|code|time)(?: [^>]*)?>").unwrap());
static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?s)<[^>]*>").unwrap());

/// A page as a browser asks for it.
async fn page(site: &Site, path: &str) -> Answer {
    ask(site, Method::GET, path, &[], None).await
}

/// A request of a browser, with these header lines, or of a form with these fields.
async fn ask(
    site: &Site,
    method: Method,
    path: &str,
    lines: &[(&str, &str)],
    form: Option<&[(&str, &str)]>,
) -> Answer {
    let url = format!("http://{}{path}", site.admin);
    let mut request = site.http.request(method, url).header("accept", "text/html");
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    if let Some(fields) = form {
        let part = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        };
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", part(name), part(value)))
            .collect();
        request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(pairs.join("&"));
    }
    Answer::of(request.send().await.unwrap()).await
}

/// What a form of a page sends from there.
async fn submit(site: &Site, path: &str, fields: &[(&str, &str)]) -> Answer {
    let origin = format!("http://{}", site.admin);
    let lines = [
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    ask(site, Method::POST, path, &lines, Some(fields)).await
}

/// The hidden fields of the form that leads there, as a browser sends them.
fn hidden(html: &str, action: &str) -> Vec<(String, String)> {
    let form = html
        .split("<form ")
        .find(|form| form.contains(&format!("action=\"{action}\"")))
        .unwrap_or_else(|| panic!("no form leads to {action}: {html}"));
    let form = form.split("</form>").next().unwrap();
    let field = Regex::new(r#"<input type="hidden" name="([^"]*)" value="([^"]*)">"#).unwrap();
    let fields = field.captures_iter(form);
    fields
        .map(|found| (found[1].to_owned(), read(&found[2])))
        .collect()
}

/// Sends a form with its hidden fields and these.
async fn press(site: &Site, html: &str, action: &str, more: &[(&str, &str)]) -> Answer {
    let hidden = hidden(html, action);
    let mut fields: Vec<(&str, &str)> = hidden
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fields.extend(more);
    submit(site, action, &fields).await
}

/// What a person reads of a page.
fn read(html: &str) -> String {
    let text = INLINE.replace_all(html, "");
    let text = TAG.replace_all(&text, " ");
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A person reads all of this on the page.
fn says(answer: &Answer, expected: &[&str]) {
    let text = read(&answer.text);
    for expected in expected {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}
