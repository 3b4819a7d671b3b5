//! Two customers at one responder, and words of each in all that is theirs: nothing of one is in any answer to the other,
//! on any route, in any format. What is looked for is there for whoever may see it, so that a miss would be seen.

use std::collections::BTreeSet;

use reqwest::Method;
use scanhook::server::access::ROUTES;
use serde_json::{Value, json};

use crate::access::{ask, roles, table, token};
use crate::events::Follower;
use crate::harness::{
    Answer, SIEM_SECRET, SOUTH, Site, TENANT, Wish, generic, listed, machine, two_customers, until,
};

/// Held and scanned at both, and a rule and a protection for one of them alone.
const RULES: &str = r#"
version = 1

[[protect]]
name    = "canary-south protection"
when    = { device.name.glob = "canary-south-dc*", tenant = "south" }
at_most = "hold"

[[rule]]
name = "canary-south rule"
scan = "full"
mode = "enforce"
when = { alert.title.contains = "canary-south-scanned", tenant = "south" }

[[rule]]
name = "scanned"
scan = "quick"
mode = "enforce"
when = { alert.title.contains = "scanned" }

[[rule]]
name = "held"
scan = "quick"
mode = "approve"
when = { severity.gte = "high" }
"#;

/// What a customer has: ids by which it may be asked for.
struct Customer {
    name: &'static str,
    canary: &'static str,
    machine: String,
    /// The decision that a scan answers.
    decision: String,
    /// By what a route is about, all that may stand at its placeholder.
    ids: Vec<(&'static str, Vec<String>)>,
}

async fn send(site: &Site, source: &str, body: Value) -> Value {
    let request = site
        .http
        .post(format!("http://{}/webhooks/{source}", site.public))
        .bearer_auth(SIEM_SECRET)
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()
}

/// One alert that is scanned, one that is held, one that is parked, each full of a word.
async fn customer(site: &Site, name: &'static str, source: &str, n: u32) -> Customer {
    let canary = if name == "north" {
        "canary-north"
    } else {
        "canary-south"
    };
    let (mut deliveries, mut decisions) = (Vec::new(), Vec::new());
    for what in ["scanned", "held", "parked"] {
        let word = format!("{canary}-{what}");
        // Of one machine the scan would answer the other alert as well.
        let (n, name) = if what == "held" {
            (n + 10, "laptop")
        } else {
            (n, "pc")
        };
        let device = json!({ "mde_id": machine(n), "name": format!("{canary}-{name}") });
        let devices = if what == "parked" {
            json!([])
        } else {
            json!([device])
        };
        let body = json!({ "alert_id": word, "title": word, "severity": "high", "devices": devices,
                           "url": format!("https://siem.example/{word}") });
        let receipt = send(site, source, body).await;
        deliveries.push(receipt["delivery"].as_str().unwrap().to_owned());
        for one in receipt["alerts"][0]["decisions"].as_array().unwrap() {
            decisions.push(one["id"].as_str().unwrap().to_owned());
        }
    }
    let path = format!("/api/v1/scans?tenant={name}");
    let scan = until("its scan is begun", async || {
        let scans = ask(site, Method::GET, &path, Some(&token(3)), None)
            .await
            .json();
        scans["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await;
    let group = until("its other decision is held", async || {
        let path = format!("/api/v1/held?tenant={name}");
        let held = ask(site, Method::GET, &path, Some(&token(3)), None)
            .await
            .json();
        let key = held["items"][0]["key"].as_str()?;
        (held["decisions"] == 1).then(|| key.to_owned())
    })
    .await;
    let decision = decisions[0].clone();
    let held = decisions.iter().cloned().chain([group]);
    let ids = vec![
        ("alerts", deliveries.clone()),
        ("deliveries", deliveries),
        ("held", held.collect()),
        ("decisions", decisions),
        ("scans", vec![scan]),
        ("machines", vec![machine(n)]),
    ];
    Customer {
        name,
        canary,
        machine: machine(n),
        decision,
        ids,
    }
}

async fn two() -> (Site, [Customer; 2]) {
    let sources = format!("{}{}", generic("n", "north"), generic("s", "south"));
    let receiver =
        "[receivers.soar]\nwebhook = { url = \"http://127.0.0.1:9/in\" }\nevents = [\"all\"]\n";
    let tokens = format!(
        "{}{}{receiver}",
        roles(),
        table("north", 70, "role = \"operator\"\ntenants = [\"north\"]")
    );
    let mut wish = Wish {
        rules: RULES.to_owned(),
        config: Some(format!("{}{tokens}", two_customers("south", &sources))),
        ..Wish::default()
    };
    wish.setup.machines = vec![
        listed(1, "canary-north-pc.corp.example", TENANT),
        listed(2, "canary-south-pc.corp.example", SOUTH),
    ];
    let site = Site::with(wish).await;
    let paused = json!({ "tenant": "south", "reason": "canary-south pause" });
    let answer = ask(
        &site,
        Method::POST,
        "/api/v1/pause",
        Some(&token(3)),
        Some(paused),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let south = customer(&site, "south", "s", 2).await;
    let north = customer(&site, "north", "n", 1).await;
    until("the scan of north is over", async || {
        let path = "/api/v1/scans?tenant=north&state=finished";
        let scans = ask(&site, Method::GET, path, Some(&token(3)), None).await;
        (scans.json()["items"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    (site, [north, south])
}

/// As what an answer is asked for: more of the query, and `Accept`. Routes that do not take one refuse it, or answer as
/// they always do.
const FORMATS: &[(&str, &str)] = &[
    ("", "*/*"),
    ("format=csv", "*/*"),
    ("format=ndjson", "*/*"),
    ("", "text/csv"),
    ("", "application/x-ndjson"),
    ("", "text/html"),
];

/// What is asked for besides.
const QUERIES: &[&str] = &[
    "",
    "tenant=south",
    "tenant=north",
    "source=s",
    // A page shows what it is asked for: the word itself is in no query.
    "device=*nary-south*",
    "device=canary-north-pc",
    "q=canary",
    "after=0",
    "group=machine",
    "verbose",
];

/// Every path of a route that names something of a customer.
fn paths(route: &str, customer: &Customer) -> Vec<String> {
    let path = route
        .replace("{tenant}", customer.name)
        .replace("{n}", "0")
        .replace("{hash}", "0")
        .replace("{name}", "soar");
    let placeholders = ["{delivery}", "{id}", "{key}"];
    let Some(placeholder) = placeholders.iter().find(|name| path.contains(**name)) else {
        return vec![path];
    };
    let below = path.strip_prefix("/api/v1/").unwrap_or(&path[1..]);
    let of = below.split('/').next().unwrap();
    let (_, ids) = customer
        .ids
        .iter()
        .find(|(kind, _)| *kind == of)
        .unwrap_or_else(|| panic!("what stands in {route}?"));
    ids.iter().map(|id| path.replace(placeholder, id)).collect()
}

async fn asked(site: &Site, path: &str, accept: &str, token: &str) -> Answer {
    let request = site
        .http
        .get(format!("http://{}{path}", site.admin))
        .bearer_auth(token)
        .header("accept", accept);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn nothing_of_one_customer_is_in_any_answer_to_another_on_any_route_in_any_format() {
    let (site, [north, south]) = two().await;
    let (theirs, everybody) = (token(70), token(3));
    let everything = json!({ "reason": "canary-south: change of everything" });
    let path = "/api/v1/pause";
    let paused = ask(
        &site,
        Method::POST,
        path,
        Some(&everybody),
        Some(everything),
    )
    .await;
    assert_eq!(paused.status, 200, "{}", paused.text);
    let (mut seen, mut shown) = (BTreeSet::new(), BTreeSet::new());
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        for customer in [&north, &south] {
            for path in paths(route.path, customer) {
                for (format, accept) in FORMATS {
                    // One thing is what it is, whatever stands behind its path.
                    let several = if route.path.contains('{') {
                        2
                    } else {
                        QUERIES.len()
                    };
                    for query in &QUERIES[..several] {
                        let query: Vec<_> = [*query, *format]
                            .into_iter()
                            .filter(|part| !part.is_empty())
                            .collect();
                        let path = format!("{path}?{}", query.join("&"));
                        let answer = asked(&site, &path, accept, &theirs).await;
                        let whole = format!("{:?} {}", answer.headers, answer.text);
                        for word in [south.canary, south.machine.as_str()] {
                            assert!(!whole.contains(word), "{path} {accept}: {whole}");
                        }
                        if answer.status == 200 && answer.text.contains(north.canary) {
                            seen.insert((route.path, *format, *accept));
                        }
                        if query.is_empty() || query == [*format] {
                            let answer = asked(&site, &path, accept, &everybody).await;
                            if answer.text.contains(south.canary) {
                                shown.insert((route.path, *format, *accept));
                            }
                        }
                    }
                }
            }
        }
    }
    // What is looked for is there: for everybody's eyes, and the customer's own for theirs.
    for list in [
        "/api/v1/alerts",
        "/api/v1/decisions",
        "/api/v1/scans",
        "/api/v1/held",
    ] {
        for (format, accept) in FORMATS {
            for found in [&seen, &shown] {
                assert!(
                    found.contains(&(list, *format, *accept)),
                    "{list} {format} {accept}: {found:?}"
                );
            }
        }
    }
    for one in [
        "/api/v1/alerts/{delivery}/{n}",
        "/api/v1/decisions/{id}",
        "/api/v1/decisions/{id}/explain",
        "/api/v1/deliveries/{id}/body",
        "/api/v1/machines/{tenant}/{id}",
        "/api/v1/events",
        "/",
        "/held",
        "/held/{id}",
        "/alerts",
        "/alerts/{delivery}/{n}",
        "/scans",
        "/scans/{id}",
        "/machines/{tenant}/{id}",
        "/api/v1/held/{key}",
    ] {
        for found in [&seen, &shown] {
            assert!(found.contains(&(one, "", "*/*")), "{one}: {found:?}");
        }
    }
}

#[tokio::test]
async fn whoever_follows_for_one_customer_hears_nothing_of_another() {
    let (site, [north, south]) = two().await;
    let heard = async |token: &str, last: &str| {
        let mut live = Follower::follow(&site, "/api/v1/events?after=0", Some(token), None).await;
        while !live.heard.contains(last) {
            live.next().await.expect("the stream goes on");
        }
        live.heard
    };
    // The last thing that happened is the end of north's scan.
    let theirs = heard(&token(70), "scan.ended").await;
    assert!(theirs.contains(north.canary), "{theirs}");
    assert!(
        !theirs.contains(south.canary) && !theirs.contains(&south.machine),
        "{theirs}"
    );
    let all = heard(&token(3), "scan.ended").await;
    assert!(all.contains(south.canary), "{all}");
}

#[tokio::test]
async fn an_alert_of_ones_own_source_is_seen_and_a_rule_for_another_customer_is_not() {
    let (site, [north, south]) = two().await;
    let theirs = token(70);
    let parked = ask(
        &site,
        Method::GET,
        "/api/v1/alerts?state=parked",
        Some(&theirs),
        None,
    )
    .await;
    let items = parked.json()["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 1, "{}", parked.text);
    assert_eq!(items[0]["id"], "canary-north-parked");
    let [of_north, of_south] = [&north, &south].map(|one| one.decision.clone());
    let path = |id: &str| format!("/api/v1/decisions/{id}/explain");
    let ours = ask(&site, Method::GET, &path(&of_north), Some(&theirs), None).await;
    let rules: Vec<_> = ours.json()["worlds"][0]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["name"].clone())
        .collect();
    assert_eq!(rules, [json!("scanned"), json!("held")], "{}", ours.text);
    let refused = ask(&site, Method::GET, &path(&of_south), Some(&theirs), None).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (404, &json!("unknown-id"))
    );
    let all = ask(&site, Method::GET, &path(&of_north), Some(&token(3)), None).await;
    assert_eq!(
        all.json()["worlds"][0]["rules"].as_array().unwrap().len(),
        3
    );
}
