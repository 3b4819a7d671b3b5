//! What a refusal of the admin listener says, as a person reads it.

use serde_json::Value;

use crate::cli::output::plain;

/// The code of a refusal; none where the answer is somebody else's.
pub(super) fn code(body: &str) -> Option<String> {
    serde_json::from_str::<Value>(body)
        .ok()?
        .get("code")?
        .as_str()
        .map(str::to_owned)
}

/// Whether an order was refused because it names who gives it.
pub(super) fn refuses_name(body: &str) -> bool {
    let key = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|problem| Some(problem.get("key")?.as_str()? == "by"));
    code(body).as_deref() == Some("unknown-key") && key == Some(true)
}

/// The sentence and the code of a refusal, as far as it has them.
pub(crate) fn detail(body: &str) -> String {
    let Ok(problem) = serde_json::from_str::<Value>(body) else {
        return plain(body);
    };
    let text = |key| problem.get(key).and_then(Value::as_str);
    let sentence = text("detail")
        .or(text("title"))
        .unwrap_or("no reason is given");
    let mut detail = text("code").map_or_else(
        || sentence.to_owned(),
        |code| format!("{sentence} [{code}]"),
    );
    for (key, label) in [
        ("key", "key"),
        ("takes", "it takes"),
        ("needs", "it needs the role"),
    ] {
        if let Some(more) = text(key) {
            detail.push_str(&format!("; {label}: {more}"));
        }
    }
    if let Some(item) = problem.get("item") {
        detail.push_str(&about(item));
    }
    plain(&detail)
}

/// What a refused order says of the thing it was about.
fn about(item: &Value) -> String {
    let shown = ["device", "state", "reason"]
        .into_iter()
        .filter_map(|key| item.get(key).and_then(Value::as_str));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let mut text = if shown.is_empty() {
        shown
    } else {
        format!("; it is: {shown}")
    };
    let candidates = item
        .get("candidates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let candidates = candidates.collect::<Vec<_>>().join("; ");
    if !candidates.is_empty() {
        text.push_str(&format!("; it may be: {candidates}"));
    }
    text
}
