//! What is picked in a form, as the members of an order.

use serde_json::{Map, Value, json};

use super::order_home::is_answer;
use super::sent::SentForm;
use crate::server::control::OrderVerb;
use crate::server::fields::{FormValues, body};
use crate::server::refusal::HttpError;

/// What the fields of these forms are about beside what is picked.
const OWN: &[&str] = &["reason"];

/// The members of an order about what is picked.
pub(super) fn members(verb: OrderVerb, values: &FormValues) -> Map<String, Value> {
    let mut members = values.members(OWN);
    let picks = picked(values);
    let groups: Vec<&String> = picks.iter().filter(|pick| is_group(pick)).collect();
    match (groups.as_slice(), picks.is_empty()) {
        ([group], _) if picks.len() == 1 => {
            members.insert("group".to_owned(), json!(group));
        }
        (_, false) => {
            members.insert("ids".to_owned(), json!(picks));
        }
        (_, true) if is_answer(verb) => members.extend(values.members(&["group"])),
        (_, true) => {}
    }
    if verb == OrderVerb::Approve {
        let machine = values.get("machine_other").or(values.get("machine"));
        members.extend(machine.map(|machine| ("machine".to_owned(), json!(machine))));
    }
    if takes_now(verb) && values.get("now").is_some() {
        members.insert("now".to_owned(), json!(true));
    }
    members
}

/// Whether what an order begins may be sent whatever the windows say.
pub(super) const fn takes_now(verb: OrderVerb) -> bool {
    matches!(verb, OrderVerb::Approve | OrderVerb::Retry)
}

fn is_group(pick: &str) -> bool {
    crate::journal::GroupKey::parse(pick).is_some()
}

/// What is picked, each once.
fn picked(values: &FormValues) -> Vec<String> {
    let mut picks: Vec<String> = Vec::new();
    for pick in values.all("pick").flat_map(|picks| picks.split(',')) {
        if !picks.iter().any(|known| known == pick) {
            picks.push(pick.to_owned());
        }
    }
    picks
}

/// A member that is a text.
pub(super) fn text(members: &Map<String, Value>, key: &str) -> Option<String> {
    members.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// The ids that an order names.
pub(super) fn ids(members: &Map<String, Value>) -> Vec<String> {
    let ids = members.get("ids").and_then(Value::as_array);
    let texts = ids.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

impl SentForm {
    /// The same with several groups as what is in them, because an order takes one.
    pub(super) async fn spelled_out(
        &self,
        verb: OrderVerb,
    ) -> Result<Map<String, Value>, HttpError> {
        let mut members = members(verb, &self.values);
        let picks = picked(&self.values);
        if members.contains_key("group") || !picks.iter().any(|pick| is_group(pick)) {
            return Ok(members);
        }
        let mut ids = Vec::new();
        for pick in picks {
            if is_group(&pick) {
                let preview = body(Map::from_iter([
                    ("group".to_owned(), json!(pick)),
                    ("preview".to_owned(), json!(true)),
                ]));
                let items = self.admin.order(&self.asked, verb, &preview).await?.items;
                ids.extend(items.into_iter().map(|item| item.id));
            } else {
                ids.push(pick);
            }
        }
        members.insert("ids".to_owned(), json!(ids));
        Ok(members)
    }
}
