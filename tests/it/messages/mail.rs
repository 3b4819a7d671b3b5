//! Mails: what stands in them, how the way to the relay is kept, and what its replies mean.

use serde_json::{Value, json};

use super::wish;
use crate::harness::{
    Authority, Begins, Certificate, Posted, Relay, Site, Wish, alert, machine, never, until,
};

const LOGIN: &str = ", user = \"scanhook\", secret_file = \"mail.secret\"";

/// A site that writes to two people by this relay, which is named by `scheme`, with more keys of its table.
async fn writing(relay: &Relay, authority: &Authority, (scheme, more): (&str, &str)) -> Site {
    let table = format!(
        "\n[receivers.soc]\nemail = {{ smtp = \"{scheme}://localhost:{}\", from = \"scanhook <scanhook@corp.example>\", \
         to = [\"soc@corp.example\", \"Night <night@corp.example>\"]{more} }}\n\n[network]\nca_file = \"ca.pem\"\n",
        relay.at.port()
    );
    let pem: &'static str = Box::leak(authority.pem().into_boxed_str());
    let wish = wish(&table);
    let mut secrets = wish.secrets.clone();
    secrets.extend([("ca.pem", pem), ("mail.secret", "mail-canary")]);
    Site::with(Wish { secrets, ..wish }).await
}

async fn row(site: &Site, state: &str) -> Value {
    until("the message is there", async || {
        let rows = site.get(&format!("/api/v1/outbox?state={state}")).await;
        let row = rows["items"][0].clone();
        (row["tries"].as_u64() > Some(0)).then_some(row)
    })
    .await
}

fn names(mail: &Posted) -> Vec<String> {
    let (headers, _) = mail.parts();
    let mut names: Vec<String> = headers.into_iter().map(|(name, _)| name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_held_decision_is_mailed_over_tls_with_a_link_and_nothing_of_the_alert_becomes_a_header()
{
    let authority = Authority::new();
    let relay = Relay::open(Begins::AtOnce, &authority, Certificate::Right).await;
    let site = writing(&relay, &authority, ("smtps", LOGIN)).await;
    let alert = json!({
        "alert_id": "INC-7\r\nBcc: eve@evil.example", "severity": "medium",
        "title": "x\r\n.\r\nMAIL FROM:<eve@evil.example>\r\nBcc: eve@evil.example\r\n\r\n<script>",
        "devices": [{ "mde_id": machine(1), "name": "lt-042" }],
    });
    let receipt = site.accepted(alert.to_string()).await;
    let mail = &relay.posted(1).await[0];
    assert!(mail.secured);
    assert_eq!(mail.login.as_deref(), Some(" scanhook mail-canary"));
    assert_eq!(mail.hello, "corp.example");
    assert!(mail.from.starts_with("FROM:<scanhook@corp.example>"));
    assert_eq!(
        mail.to,
        ["TO:<soc@corp.example>", "TO:<night@corp.example>"]
    );
    assert_eq!(
        names(mail),
        [
            "Auto-Submitted",
            "Content-Transfer-Encoding",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "References",
            "Subject",
            "To",
        ]
    );
    assert_eq!(mail.header("Content-Type"), "text/plain; charset=utf-8");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    let subject = mail.header("Subject");
    assert!(
        subject.starts_with("scanhook: Held for a person (default): Quick scan of lt-042"),
        "{subject}"
    );
    let decision = receipt["alerts"][0]["decisions"][0]["id"].as_str().unwrap();
    let (_, body) = mail.parts();
    let body = body.replace("=\r\n", "");
    assert!(
        body.contains(&format!("https://scanhook.corp.example/held/{decision}")),
        "{body}"
    );
    let sent = row(&site, "sent").await;
    let id = sent["id"].as_str().unwrap();
    assert_eq!(mail.header("Message-ID"), format!("<{id}@corp.example>"));
    assert_eq!(
        site.get("/api/v1/status").await["receivers"][0]["kind"],
        "email"
    );
    assert_eq!(relay.all().len(), 1);
}

#[tokio::test]
async fn a_login_is_shown_only_after_starttls_and_to_nobody_who_does_not_offer_it() {
    let authority = Authority::new();
    let relay = Relay::open(Begins::OnDemand, &authority, Certificate::Right).await;
    let site = writing(&relay, &authority, ("smtp", LOGIN)).await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    let mail = &relay.posted(1).await[0];
    assert!(mail.secured && mail.login.is_some());
    let plain: Vec<String> = relay
        .said()
        .into_iter()
        .filter_map(|(secured, line)| (!secured).then_some(line))
        .collect();
    assert_eq!(plain, ["EHLO corp.example", "STARTTLS"]);

    let stripped = Relay::open(Begins::Never, &authority, Certificate::Right).await;
    let site = writing(&stripped, &authority, ("smtp", LOGIN)).await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    let waits = until("its answer is known", async || {
        let row = row(&site, "waiting").await;
        row["answer"].is_string().then_some(row)
    })
    .await;
    let answer = waits["answer"].as_str().unwrap();
    assert!(answer.starts_with("smtp:"), "{answer}");
    let said = stripped.said();
    assert!(
        said.iter()
            .all(|(_, line)| line.starts_with("EHLO") || line == "QUIT"),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_relay_whose_certificate_is_not_believed_gets_nothing() {
    let authority = Authority::new();
    for wrong in [Certificate::SignedByItself, Certificate::OfAnotherName] {
        let relay = Relay::open(Begins::AtOnce, &authority, wrong).await;
        let site = writing(&relay, &authority, ("smtps", LOGIN)).await;
        site.accepted(alert("1", "medium", &machine(1))).await;
        let waits = until("its answer is known", async || {
            let row = row(&site, "waiting").await;
            row["answer"].is_string().then_some(row)
        })
        .await;
        assert_eq!(waits["answer"], "tls", "{wrong:?}");
        assert!(relay.said().is_empty(), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_reply_of_4xx_is_followed_by_a_try_with_the_same_id_and_one_of_5xx_by_none() {
    let authority = Authority::new();
    let relay = Relay::open(Begins::Never, &authority, Certificate::Right).await;
    relay.plan(".", "451 4.7.1 greylisted, come back");
    let site = writing(&relay, &authority, ("smtp", "")).await;
    site.accepted(alert("1", "medium", &machine(1))).await;
    let told = relay.posted(2).await;
    assert_eq!(told[0].header("Message-ID"), told[1].header("Message-ID"));
    assert!(told[0].login.is_none(), "this computer asks for none");

    relay.plan("RCPT", "550 5.1.1 nobody\u{7} of that name");
    let tried = site.ordered("/api/v1/receivers/soc/test", json!({})).await;
    assert_eq!(tried["state"], "dead", "{tried}");
    assert_eq!(tried["answer"], "550: 5.1.1 nobody  of that name");
    never("a mail that was refused is sent", || relay.all().len() > 2).await;
    let tried = site.ordered("/api/v1/receivers/soc/test", json!({})).await;
    assert_eq!(
        (&tried["state"], &tried["answer"]),
        (&"sent".into(), &"250: queued".into())
    );
}
