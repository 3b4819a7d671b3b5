//! Messages: who is told of what, in which form, and what becomes of those that are not taken. The receivers are played
//! over real HTTP.

mod channels;
mod delivery;
mod desk;
mod lasting;
mod mail;
mod occasions;
mod outbox;
mod shapes;
mod verbs;

use serde_json::Value;

use crate::harness::{ASKING, Inbox, Site, Wish};

/// A secret of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A site that tells this receiver, with lines of its table.
async fn telling(inbox: &Inbox, lines: &str) -> Site {
    Site::with(wish(&format!(
        "\n[receivers.soar]\nwebhook = {{ url = \"{}\", secret_file = [\"out.secret\", \"old.secret\"] }}\nrepeat = \"10s\"\n{lines}\n",
        inbox.url()
    )))
    .await
}

fn wish(more: &str) -> Wish {
    Wish {
        rules: ASKING.to_owned(),
        more: format!("{more}\n[admin]\npublic_url = \"https://scanhook.corp.example\"\n"),
        secrets: vec![("out.secret", SECRET), ("old.secret", OLD_SECRET)],
        ..Wish::default()
    }
}

/// What status says of a receiver.
async fn receiver(site: &Site, name: &str) -> Value {
    let status = site.get("/api/v1/status").await;
    let found = status["receivers"].as_array().unwrap().iter();
    found
        .clone()
        .find(|receiver| receiver["name"] == name)
        .expect("it is shown")
        .clone()
}
