//! The stream of events, followed by programs: what comes first, how one goes on after a cut, and what ends it.

use std::time::{Duration, Instant};

use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::access::{ask, roles, table, token};
use crate::harness::{Site, Wish, alert, machine, until};

/// More than any frame here takes to come.
const PATIENCE: Duration = Duration::from_secs(20);

const RULES: &str = r#"
version = 1
[defaults]
mode = "approve"
hold_for = "30m"
[[rule]]
name = "all"
scan = "quick"
when = { source.exists = true }
"#;

pub async fn site(more: String) -> Site {
    Site::with(Wish {
        rules: RULES.to_owned(),
        more,
        ..Wish::default()
    })
    .await
}

/// One frame: its id, its event, its data.
#[derive(Debug)]
pub struct Frame {
    pub id: Option<i64>,
    pub event: String,
    pub data: Value,
}

/// A program that follows.
pub struct Follower {
    response: reqwest::Response,
    rest: String,
    /// All that came.
    pub heard: String,
}

impl Follower {
    pub async fn ask(
        site: &Site,
        path: &str,
        token: Option<&str>,
        last: Option<i64>,
    ) -> reqwest::Response {
        let mut request = site
            .http
            .get(format!("http://{}{path}", site.admin))
            .header("accept", "text/event-stream");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        request.send().await.unwrap()
    }

    pub async fn follow(
        site: &Site,
        path: &str,
        token: Option<&str>,
        last: Option<i64>,
    ) -> Follower {
        let response = Follower::ask(site, path, token, last).await;
        assert_eq!(response.status().as_u16(), 200);
        Follower {
            response,
            rest: String::new(),
            heard: String::new(),
        }
    }

    /// The next frame that is no sign of life; `None`: the stream ended as it should.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.rest.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.rest = rest;
                let field = |name: &str| {
                    let line = frame.lines().find_map(|line| line.strip_prefix(name));
                    line.map(str::to_owned)
                };
                if let Some(event) = field("event: ") {
                    let data = serde_json::from_str(&field("data: ").unwrap()).unwrap();
                    let id = field("id: ").map(|id| id.parse().unwrap());
                    return Some(Frame { id, event, data });
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk());
            let bytes = chunk
                .await
                .expect("a frame in time")
                .expect("the stream is whole")?;
            let text = std::str::from_utf8(&bytes).unwrap();
            self.rest.push_str(text);
            self.heard.push_str(text);
        }
    }

    /// The next one of this type.
    async fn next_of(&mut self, event: &str) -> Frame {
        loop {
            let frame = self.next().await.expect("the stream goes on");
            if frame.event == event {
                return frame;
            }
        }
    }
}

#[tokio::test]
async fn whoever_follows_is_greeted_told_as_it_happens_and_goes_on_where_they_were_cut_off() {
    let site = site(String::new()).await;
    site.accepted(alert("1", "high", &machine(1))).await;
    let mut live = Follower::follow(&site, "/api/v1/events", None, None).await;
    let headers = live.response.headers().clone();
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["cache-control"], "no-store");
    let hello = live.next().await.unwrap();
    assert_eq!((hello.event.as_str(), hello.id), ("hello", None));
    assert_eq!(hello.data["version"], env!("CARGO_PKG_VERSION"));
    let seq = hello.data["seq"].as_i64().unwrap();
    assert!(hello.data["oldest"].as_i64().unwrap() <= seq && seq > 0);
    assert!(live.heard.starts_with("retry: 5000\n"), "{}", live.heard);

    // From now on: the alert of before is not told.
    site.accepted(alert("2", "high", &machine(2))).await;
    let held = live.next().await.unwrap();
    assert_eq!(held.event, "decision.held");
    assert_eq!(held.data["data"]["alerts"][0]["id"], "2");
    assert_eq!(held.data["data"]["seq"].as_i64(), held.id);
    assert!(held.id.unwrap() > seq);

    // Whoever comes back hears what was missed, by header or by parameter, and the header counts.
    site.accepted(alert("3", "high", &machine(3))).await;
    drop(live);
    for (path, last) in [
        (format!("/api/v1/events?after={}", held.id.unwrap()), None),
        ("/api/v1/events?after=0".to_owned(), held.id),
    ] {
        let mut again = Follower::follow(&site, &path, None, last).await;
        assert_eq!(again.next().await.unwrap().event, "hello");
        let missed = again.next_of("decision.held").await;
        assert_eq!(missed.data["data"]["alerts"][0]["id"], "3");
    }
    // The body is that of a page.
    let page = site.admin("/api/v1/events?after=0").await;
    let lines: Vec<Value> = page
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.contains(&held.data), "{}", page.text);
}

#[tokio::test]
async fn a_place_that_is_forgotten_is_gone_and_what_is_no_number_is_refused() {
    let site = site(String::new()).await;
    site.accepted(alert("1", "high", &machine(1))).await;
    until("events are told", async || {
        (site.admin("/api/v1/events").await.text.lines().count() > 0).then_some(())
    })
    .await;
    let db = Connection::open(site.journal()).unwrap();
    db.busy_timeout(PATIENCE).unwrap();
    db.execute_batch("DELETE FROM occasion").unwrap();
    for (path, last) in [
        ("/api/v1/events?after=0", None),
        ("/api/v1/events", Some(0)),
    ] {
        let gone = Follower::ask(&site, path, None, last).await;
        assert_eq!(gone.status().as_u16(), 410);
        let problem: Value = serde_json::from_str(&gone.text().await.unwrap()).unwrap();
        assert_eq!(problem["code"], "events-gone");
    }
    let odd = Follower::ask(&site, "/api/v1/events", None, Some(-1)).await;
    assert_eq!(odd.status().as_u16(), 400);
}

#[tokio::test]
async fn four_may_follow_with_one_grant_and_a_seat_that_is_left_is_free() {
    let site = site(roles()).await;
    let viewer = token(0);
    let mut seats = Vec::new();
    for _ in 0..4 {
        seats.push(Follower::follow(&site, "/api/v1/events", Some(&viewer), None).await);
    }
    let full = Follower::ask(&site, "/api/v1/events", Some(&viewer), None).await;
    assert_eq!(full.status().as_u16(), 503);
    assert!(full.headers().contains_key("retry-after"));
    let problem: Value = serde_json::from_str(&full.text().await.unwrap()).unwrap();
    assert_eq!(problem["code"], "too-many-listeners");
    // Another grant has seats of its own, and a page of events takes none.
    seats.push(Follower::follow(&site, "/api/v1/events", Some(&token(1)), None).await);
    let page = ask(&site, Method::GET, "/api/v1/events", Some(&viewer), None).await;
    assert_eq!(page.status, 200);
    let metrics = ask(&site, Method::GET, "/metrics", Some(&viewer), None).await;
    assert!(
        metrics.text.contains("scanhook_listeners 5"),
        "{}",
        metrics.text
    );

    seats.remove(0);
    until("the seat is free", async || {
        let again = Follower::ask(&site, "/api/v1/events", Some(&viewer), None).await;
        (again.status().as_u16() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stop_ends_every_stream_with_a_word_and_waits_for_none() {
    let mut site = site(String::new()).await;
    let mut live = Follower::follow(&site, "/api/v1/events", None, None).await;
    assert_eq!(live.next().await.unwrap().event, "hello");
    let begun = Instant::now();
    site.stop().await;
    // The grace of this site is two seconds, after which connections are cut.
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let bye = live.next().await.unwrap();
    assert_eq!(
        (bye.event.as_str(), &bye.data),
        ("bye", &json!({ "reason": "stopping" }))
    );
    assert!(live.next().await.is_none());
}

#[tokio::test]
async fn a_token_that_is_removed_hears_nothing_more() {
    let soar = table("soar", 40, "role = \"viewer\"");
    let site = site(format!("{}{soar}", roles())).await;
    let mut live = Follower::follow(&site, "/api/v1/events", Some(&token(40)), None).await;
    assert_eq!(live.next().await.unwrap().event, "hello");
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&soar, "")).unwrap();
    let reloaded = ask(
        &site,
        Method::POST,
        "/-/reload",
        Some(&token(3)),
        Some(json!({})),
    )
    .await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.text);
    let bye = live.next().await.unwrap();
    assert_eq!(
        (bye.event.as_str(), &bye.data["reason"]),
        ("bye", &json!("signed-out"))
    );
    assert!(live.next().await.is_none());
}

#[tokio::test]
async fn the_verb_shows_events_as_they_happen_until_it_is_ended() {
    use std::io::BufRead as _;
    let site = site(String::new()).await;
    site.accepted(alert("first", "high", &machine(1))).await;
    let admin = format!("http://{}", site.admin);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_scanhook"))
        .args(["events", "--after", "0", "-o", "json", "--admin", &admin])
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    let (said, heard) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    for id in ["first", "second"] {
        if id == "second" {
            site.accepted(alert(id, "high", &machine(2))).await;
        }
        let told = until("the event is shown", async || {
            heard.try_recv().ok().filter(|line| line.contains(id))
        })
        .await;
        let event: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(event["type"], "decision.held");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap();
    let gone = std::process::Command::new(env!("CARGO_BIN_EXE_scanhook"))
        .args(["events", "--admin", "http://127.0.0.1:1"])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(gone.status.code(), Some(69));
}

#[tokio::test]
async fn metrics_tell_of_holds_that_end_soon() {
    let site = site(String::new()).await;
    site.accepted(alert("1", "high", &machine(1))).await;
    let metrics = site.admin("/metrics").await.text;
    for line in [
        "scanhook_holds_ending{tenant=\"default\"} 1",
        "scanhook_forecast_held{tenant=\"default\"} 0",
        "scanhook_listeners 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}
