//! The public listener against real sockets: whatever arrives, the answer is the promised one, and the next honest
//! request is served.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use scanhook::in_force::door::{SecretInUrl, SourceDoor};
use scanhook::server::limits::Limits;
use scanhook::server::listener::{Drained, bind, serve};
use scanhook::server::refusal::{CredentialDefect, HttpError};
use scanhook::server::webhook::{Arrived, Door, Head, router};
use scanhook::settings::{FailureBudget, TrustedProxies};
use scanhook_core::signature::Standing;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const HEAD: Duration = Duration::from_millis(400);
const BODY: Duration = Duration::from_millis(600);
/// More than any answer here needs; reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(10);
const CAP: usize = 4096;
const ALERT: &str = r#"{"alertId":"3212"}"#;

fn short() -> Limits {
    Limits {
        head: HEAD,
        age: Duration::from_secs(60),
        grace: Duration::from_secs(5),
        per_address: 64,
        total: 256,
        ..Limits::default()
    }
}

type Seen = (String, Option<String>, IpAddr);

/// A listener with sources of every kind. Its `accept` plays the intake: the body says what shall happen.
struct Site {
    at: SocketAddr,
    stop: watch::Sender<bool>,
    ready: watch::Sender<bool>,
    served: JoinHandle<Drained>,
    /// Seconds of the monotonic clock.
    mono: Arc<AtomicU64>,
    accepted: Arc<AtomicUsize>,
    /// Bodies that say `wait` are at work / may go on.
    waiting: Arc<Semaphore>,
    go_on: Arc<Semaphore>,
    /// Source, secret of the URL and sender of each that arrived.
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Plays the judgement of a credential's headers: `X-Token` proves or fails before the body, `X-Signature` needs it.
fn before(head: Head<'_>) -> Result<Standing, HttpError> {
    match head.headers.get("x-token").map(|token| token.as_bytes()) {
        Some(b"right") => return Ok(Standing::Proven),
        Some(_) => return Err(HttpError::Unauthenticated),
        None => {}
    }
    match head.headers.get_all("x-signature").iter().count() {
        0 | 1 => Ok(Standing::Unproven),
        _ => Err(HttpError::Credential(CredentialDefect::Repeated)),
    }
}

impl Site {
    async fn open(limits: Limits) -> Site {
        Site::behind(limits, TrustedProxies::default()).await
    }

    async fn behind(limits: Limits, proxies: TrustedProxies) -> Site {
        let json = SourceDoor {
            max_body: CAP,
            ..SourceDoor::default()
        };
        let sources = BTreeMap::from([
            ("std".to_owned(), json.clone()),
            (
                "put".to_owned(),
                SourceDoor {
                    methods: vec!["POST".to_owned(), "PUT".to_owned()],
                    ..json.clone()
                },
            ),
            (
                "text".to_owned(),
                SourceDoor {
                    content_types: vec!["text/plain".to_owned()],
                    ..json.clone()
                },
            ),
            (
                "url".to_owned(),
                SourceDoor {
                    secret_in_url: SecretInUrl::Always,
                    ..json
                },
            ),
        ]);
        let (ready, ready_seen) = watch::channel(true);
        let (stop, stop_seen) = watch::channel(false);
        let mono = Arc::new(AtomicU64::new(1000));
        let clock = Arc::clone(&mono);
        let door = Door {
            sources: watch::channel(Arc::new(sources)).1,
            body_deadline: BODY,
            failures: FailureBudget {
                count: 3,
                per: Duration::from_secs(60),
            },
            body_memory: 64 << 20,
            ready: ready_seen,
            mono: Arc::new(move || Duration::from_secs(clock.load(Ordering::SeqCst))),
            told: Arc::new(|_| {}),
        };
        let accepted = Arc::new(AtomicUsize::new(0));
        let (waiting, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let accept = {
            let (accepted, waiting, go_on) = (
                Arc::clone(&accepted),
                Arc::clone(&waiting),
                Arc::clone(&go_on),
            );
            let seen = Arc::clone(&seen);
            move |arrived: Arrived| {
                let (accepted, waiting, go_on) = (
                    Arc::clone(&accepted),
                    Arc::clone(&waiting),
                    Arc::clone(&go_on),
                );
                let secret = arrived
                    .url_secret
                    .as_ref()
                    .map(|secret| secret.expose_secret().to_owned());
                seen.lock()
                    .unwrap()
                    .push((arrived.source.clone(), secret, arrived.peer));
                async move { play(&arrived, &accepted, &waiting, &go_on).await }
            }
        };
        let listener = bind(SocketAddr::from(([0, 0, 0, 0], 0))).unwrap();
        let at = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().unwrap().port()));
        let served = tokio::spawn(serve(
            listener,
            router(door, before, accept),
            limits,
            proxies,
            stop_seen,
        ));
        Site {
            at,
            stop,
            ready,
            served,
            mono,
            accepted,
            waiting,
            go_on,
            seen,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    async fn connect_from(&self, address: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::new(address.parse().unwrap(), 0))
            .unwrap();
        socket.connect(self.at).await.unwrap()
    }

    /// Everything the listener says until it closes.
    async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        say_on(self.connect().await, bytes.as_ref()).await
    }

    async fn status(&self, bytes: impl AsRef<[u8]>) -> u16 {
        status(&self.say(bytes).await)
    }

    /// The last line of every test: an honest request is served.
    async fn still_serves(&self) {
        // Not for failures: those of the test are over.
        self.mono.fetch_add(60, Ordering::SeqCst);
        let before = self.accepted.load(Ordering::SeqCst);
        assert_eq!(self.status(post("std", "", ALERT)).await, 202);
        assert_eq!(self.accepted.load(Ordering::SeqCst), before + 1);
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

async fn play(
    arrived: &Arrived,
    accepted: &AtomicUsize,
    waiting: &Semaphore,
    go_on: &Semaphore,
) -> Result<Response, HttpError> {
    match &arrived.body[..] {
        b"forged" => return Err(HttpError::Unauthenticated),
        b"panic" => panic!("text that must stay inside"),
        b"wait" => {
            waiting.add_permits(1);
            go_on.acquire().await.unwrap().forget();
        }
        _ => {}
    }
    accepted.fetch_add(1, Ordering::SeqCst);
    Ok((StatusCode::ACCEPTED, arrived.body.clone()).into_response())
}

async fn say_on(stream: TcpStream, bytes: &[u8]) -> String {
    let (mut read, mut write) = stream.into_split();
    let mut answer = Vec::new();
    // Writing may fail half way: the listener need not take all of a hostile request.
    let both = async { tokio::join!(write.write_all(bytes), read.read_to_end(&mut answer)) };
    let (_, ended) = timeout(PATIENCE, both)
        .await
        .expect("the connection is closed in time");
    assert!(
        ended.is_ok() || !answer.is_empty(),
        "reset before any answer"
    );
    String::from_utf8(answer).unwrap()
}

/// Reads on an open connection until the text occurs.
async fn hear(stream: &mut TcpStream, text: &str) -> String {
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(text) {
        let mut piece = [0; 1024];
        let n = timeout(PATIENCE, stream.read(&mut piece))
            .await
            .expect("an answer in time")
            .unwrap();
        assert!(n > 0, "closed after {:?}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&piece[..n]);
    }
    String::from_utf8(heard).unwrap()
}

fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..))
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

fn statuses(answer: &str) -> Vec<u16> {
    answer
        .match_indices("HTTP/1.")
        .map(|(at, _)| status(&answer[at..]))
        .collect()
}

/// An honest request with more header lines, on a connection of its own.
fn post(path: &str, headers: &str, body: &str) -> String {
    post_on(path, &format!("Connection: close\r\n{headers}"), body)
}

/// The same on a connection that stays.
fn post_on(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /webhooks/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// A request of which every line but the first is up to the caller.
fn bare(line: &str, headers: &str) -> String {
    format!("{line}\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_connection_that_never_finishes_its_head_is_closed_at_the_deadline() {
    let site = Site::open(short()).await;
    for start in [
        "",
        "P",
        "PRI * HT",
        "POST /webhooks/std HTTP/1.1\r\nHost: x\r\nX-Half: ",
    ] {
        let begun = Instant::now();
        assert_eq!(site.say(start).await, "", "{start:?}");
        assert!(
            begun.elapsed() >= HEAD && begun.elapsed() < HEAD * 5,
            "{start:?}: {:?}",
            begun.elapsed()
        );
    }
    site.still_serves().await;
}

#[tokio::test]
async fn a_head_in_drips_does_not_move_its_deadline() {
    let site = Site::open(short()).await;
    let (mut read, mut write) = site.connect().await.into_split();
    let begun = Instant::now();
    let drip = async {
        write
            .write_all(b"POST /webhooks/std HTTP/1.1\r\nHost: x\r\nX-Half: ")
            .await
            .unwrap();
        while write.write_all(b"x").await.is_ok() {
            sleep(HEAD / 8).await;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = drip => {}
        _ = read.read_to_end(&mut answer) => {}
        () = sleep(PATIENCE) => panic!("still open"),
    }
    assert!(
        answer.is_empty() && begun.elapsed() < HEAD * 5,
        "{:?}",
        begun.elapsed()
    );
    site.still_serves().await;
}

#[tokio::test]
async fn a_body_in_drips_is_answered_408_within_its_one_deadline() {
    let site = Site::open(short()).await;
    let (mut read, mut write) = site.connect().await.into_split();
    let begun = Instant::now();
    let drip = async {
        let head = "POST /webhooks/std HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n";
        write.write_all(head.as_bytes()).await.unwrap();
        while write.write_all(b"x").await.is_ok() {
            sleep(BODY / 8).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 512];
    let n = tokio::select! {
        () = drip => 0,
        n = read.read(&mut answer) => n.unwrap(),
        () = sleep(PATIENCE) => 0,
    };
    let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("\"body-timeout\"") && answer.contains("connection: close"));
    assert!(begun.elapsed() >= BODY && begun.elapsed() < BODY * 5);
    assert_eq!(site.accepted(), 0);
    site.still_serves().await;
}

#[tokio::test]
async fn other_protocols_are_turned_away_at_once() {
    let site = Site::open(Limits {
        head: PATIENCE,
        ..short()
    })
    .await;
    let begun = Instant::now();
    assert_eq!(
        site.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            .await,
        ""
    );
    let hello =
        b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00\x00\x02\x13\x01\x01\x00";
    assert_eq!(site.status(hello).await, 400);
    assert!(begun.elapsed() < PATIENCE / 2);
    for upgrade in ["h2c", "websocket"] {
        let headers = format!("Connection: Upgrade\r\nUpgrade: {upgrade}\r\n");
        assert_eq!(
            site.status(post("std", &headers, ALERT)).await,
            202,
            "{upgrade}"
        );
    }
    assert_eq!(site.status(post("std", "", ALERT)).await, 202);
}

#[tokio::test]
async fn too_many_or_too_large_headers_are_answered_431() {
    let site = Site::open(short()).await;
    // Four lines are the request's own.
    let lines = |n: usize| (0..n).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    assert_eq!(site.status(post("std", &lines(60), ALERT)).await, 202);
    assert_eq!(site.status(post("std", &lines(61), ALERT)).await, 431);
    let large = format!("X-Large: {}\r\n", "y".repeat(500_000));
    assert_eq!(site.status(post("std", &large, ALERT)).await, 431);
    let long = format!("{}?{}", "std", "y".repeat(100_000));
    assert!(matches!(
        site.status(post(&long, "", ALERT)).await,
        414 | 431
    ));
    site.still_serves().await;
}

#[tokio::test]
async fn a_body_over_the_cap_is_answered_413_and_not_read_further() {
    let site = Site::open(short()).await;
    assert_eq!(site.status(post("std", "", &"1".repeat(CAP))).await, 202);
    assert_eq!(
        site.status(post("std", "", &"1".repeat(CAP + 1))).await,
        413
    );
    // The sender pushes all of it before it reads: it must still find the answer, not a reset.
    let answer = site.say(post("std", "", &"1".repeat(3_000_000))).await;
    assert_eq!(status(&answer), 413);
    assert!(answer.contains("\"body-too-large\"") && answer.contains("application/problem+json"));
    // Bodies that were read for nothing are failures, and the next window begins without any.
    site.mono.fetch_add(60, Ordering::SeqCst);
    let chunks = "400\r\n".to_owned() + &"1".repeat(0x400) + "\r\n";
    let head = "POST /webhooks/std HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        site.status(format!("{head}{}0\r\n\r\n", chunks.repeat(4)))
            .await,
        202
    );
    assert_eq!(
        site.status(format!("{head}{}", chunks.repeat(5))).await,
        413
    );
    let drops = "1\r\n1\r\n".repeat(CAP) + "0\r\n\r\n";
    assert_eq!(site.status(format!("{head}{drops}")).await, 202);
    site.still_serves().await;
}

#[tokio::test]
async fn a_body_is_framed_in_one_way_only() {
    let site = Site::open(short()).await;
    let line = "POST /webhooks/std HTTP/1.1";
    let json = "Host: x\r\nContent-Type: application/json\r\n";
    let both = format!(
        "{line}\r\n{json}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{}",
        post("std", "X-Smuggled: 1\r\n", "forged")
    );
    let answers = statuses(&site.say(both).await);
    assert_eq!(answers.first(), Some(&202));
    assert!(
        matches!(answers.get(1), None | Some(400 | 401)),
        "{answers:?}"
    );
    for (headers, expected) in [
        ("Content-Length: 2\r\nContent-Length: 3\r\n", 400),
        ("Content-Length: 2\r\nContent-Length: 2\r\n", 202),
        ("Content-Length: +2\r\n", 400),
        ("Content-Length: 2, 2\r\n", 400),
        ("Content-Length : 2\r\n", 400),
        ("X-Folded: a\r\n b\r\nContent-Length: 2\r\n", 400),
    ] {
        assert_eq!(
            site.status(format!("{line}\r\n{json}{headers}\r\n{{}}"))
                .await,
            expected,
            "{headers}"
        );
    }
    let old = format!(
        "POST /webhooks/std HTTP/1.0\r\n{json}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
    );
    assert_eq!(site.status(old).await, 400);
    let huge =
        format!("{line}\r\n{json}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{{}}");
    assert_eq!(site.status(huge).await, 400);
    let bare_line_ends = post("std", "", ALERT).replace("\r\n", "\n");
    assert_eq!(site.status(bare_line_ends).await, 202);
    site.still_serves().await;
}

#[tokio::test]
async fn a_request_names_one_host() {
    let site = Site::open(short()).await;
    let none = post("std", "", ALERT).replace("Host: x\r\n", "");
    assert!(site.say(&none).await.contains("\"missing-host\""));
    assert_eq!(site.status(&none).await, 400);
    let answer = site.say(post("std", "Host: x\r\n", ALERT)).await;
    assert!(status(&answer) == 400 && answer.contains("\"repeated-host\""));
    assert_eq!(site.accepted(), 0);
    // HTTP/1.0 has no such rule, and the health checks of some balancers speak it.
    assert_eq!(site.status("GET /livez HTTP/1.0\r\n\r\n").await, 200);
    site.still_serves().await;
}

#[tokio::test]
async fn a_request_that_will_be_refused_is_not_encouraged_to_send_its_body() {
    let site = Site::open(short()).await;
    let expect = |path: &str, length: usize, headers: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n{headers}\r\n"
        )
    };
    for (request, expected) in [
        (expect("/webhooks/std", 10, "X-Token: wrong\r\n"), 401),
        (expect("/nowhere", 10, ""), 404),
        (expect("/webhooks/nobody", 10, ""), 404),
        (expect("/webhooks/std", CAP + 1, ""), 413),
        (
            expect("/webhooks/std", 10, "X-Signature: a\r\nX-Signature: b\r\n"),
            400,
        ),
        (
            expect("/webhooks/std", 10, "Content-Encoding: gzip\r\n"),
            415,
        ),
    ] {
        assert_eq!(statuses(&site.say(&request).await), [expected], "{request}");
    }
    site.mono.fetch_add(60, Ordering::SeqCst);
    let mut honest = site.connect().await;
    honest
        .write_all(expect("/webhooks/std", ALERT.len(), "").as_bytes())
        .await
        .unwrap();
    hear(&mut honest, "100 Continue").await;
    honest.write_all(ALERT.as_bytes()).await.unwrap();
    hear(&mut honest, "202 Accepted").await;
    site.still_serves().await;
}

#[tokio::test]
async fn the_public_port_has_webhooks_and_probes_and_nothing_else() {
    let site = Site::open(short()).await;
    for path in [
        "/",
        "//",
        "/metrics",
        "/admin",
        "/debug",
        "/api/v1/status",
        "/-/reload",
        "/webhooks",
        "/webhooks/",
        "/webhooks/../admin",
        "/webhooks/%2e%2e/admin",
        "/%2e%2e/admin",
        "/webhooks/%00",
        "/webhooks/std%00",
        "/webhooks/%73td",
        "/webhooks/std//",
        "/webhooks/std/x",
        "/webhooks/std/x/",
        "/webhooks/url",
        "/webhooks/url/",
        "/webhooks/url/x/y",
        "/webhooks/std/..%2fadmin",
        "/webhooks//std",
        "//webhooks/std",
        "/WEBHOOKS/std",
        "/livez/",
        "/webhooks/%ff",
    ] {
        for method in ["GET", "POST"] {
            let answer = site.say(bare(
                &format!("{method} {path} HTTP/1.1"),
                "Host: x\r\nConnection: close\r\n",
            ));
            let answer = answer.await;
            assert_eq!(status(&answer), 404, "{method} {path}");
            assert!(answer.contains("application/problem+json"), "{answer}");
        }
    }
    for line in [
        "CONNECT host:443 HTTP/1.1",
        "GET http://169.254.169.254/ HTTP/1.1",
        "POST http://x/metrics HTTP/1.1",
    ] {
        assert!(
            matches!(site.status(bare(line, "Host: x\r\n")).await, 400 | 404),
            "{line}"
        );
    }
    assert_eq!(site.accepted(), 0);
    site.still_serves().await;
}

#[tokio::test]
async fn a_target_with_a_host_or_a_slash_at_its_end_is_the_path_in_it() {
    let site = Site::open(short()).await;
    for target in [
        "http://scanhook.example/webhooks/std",
        "https://elsewhere.example:8443/webhooks/std?x=1",
        "HTTP://10.0.0.1/webhooks/std/",
        "/webhooks/std/",
        "/webhooks/std/?x=1",
    ] {
        let request = post("std", "", ALERT).replace("/webhooks/std", target);
        assert_eq!(site.status(request).await, 202, "{target}");
    }
    assert_eq!(
        site.status(bare(
            "GET http://x/livez HTTP/1.1",
            "Host: x\r\nConnection: close\r\n"
        ))
        .await,
        200
    );
    assert_eq!(site.status(post("url/secret/", "", ALERT)).await, 202);
    assert_eq!(
        site.seen.lock().unwrap().last().unwrap().1.as_deref(),
        Some("secret")
    );
    assert_eq!(
        site.status(post("url/", "", ALERT)).await,
        404,
        "no secret is not an empty secret"
    );
    site.still_serves().await;
}

#[tokio::test]
async fn probes_answer_with_a_status_and_no_word() {
    let site = Site::open(short()).await;
    for (ready, path, expected) in [
        (true, "livez", 200),
        (true, "readyz", 200),
        (false, "readyz", 503),
        (false, "livez", 200),
    ] {
        site.ready.send_replace(ready);
        let answer = site
            .say(bare(
                &format!("GET /{path} HTTP/1.1"),
                "Host: x\r\nConnection: close\r\n",
            ))
            .await;
        assert_eq!(status(&answer), expected, "{path}");
        assert!(
            answer.ends_with("\r\n\r\n") && !answer.to_ascii_lowercase().contains("server:"),
            "{answer}"
        );
    }
    let answer = site.say(bare("POST /livez HTTP/1.1", "Host: x\r\n")).await;
    assert!(
        status(&answer) == 405 && answer.contains("allow: GET, HEAD"),
        "{answer}"
    );
    site.still_serves().await;
}

#[tokio::test]
async fn a_source_takes_the_methods_and_content_types_it_declares() {
    let site = Site::open(short()).await;
    for (source, method, expected) in [
        ("std", "PUT", 405),
        ("std", "GET", 405),
        ("put", "PUT", 202),
        ("std", "post", 405),
    ] {
        let request = post(source, "", ALERT).replacen("POST", method, 1);
        assert_eq!(site.status(&request).await, expected, "{method} {source}");
    }
    assert!(
        site.say(post("put", "", ALERT).replacen("POST", "DELETE", 1))
            .await
            .contains("allow: POST, PUT\r\n")
    );
    for (source, value, expected) in [
        ("std", "application/json; charset=utf-8", 202),
        ("std", "Application/JSON;charset=\"UTF-8\"", 202),
        ("std", "application/json; charset=utf8", 202),
        (
            "std",
            "application/json; odata=verbose; charset=US-ASCII; v=1",
            202,
        ),
        ("text", "text/plain; charset=utf-8", 202),
        ("std", "application/json; charset=utf-16", 415),
        ("std", "application/jsonx", 415),
        ("std", "text/plain", 415),
        ("std", "application/x-www-form-urlencoded", 415),
        ("std", "multipart/form-data; boundary=files", 415),
        (
            "std",
            "application/json\r\nContent-Type: application/json",
            415,
        ),
        ("text", "text/plain", 202),
        ("text", "application/json", 415),
    ] {
        let request = post(source, "", ALERT).replace("application/json", value);
        assert_eq!(site.status(&request).await, expected, "{source}: {value}");
    }
    assert_eq!(
        site.status(post("std", "", ALERT).replace("Content-Type: application/json\r\n", ""))
            .await,
        415
    );
    for (value, expected) in [
        ("identity", 202),
        ("utf-8", 202),
        ("", 202),
        ("gzip", 415),
        ("identity, gzip", 415),
        ("br", 415),
    ] {
        let header = format!("Content-Encoding: {value}\r\n");
        assert_eq!(
            site.status(post("std", &header, ALERT)).await,
            expected,
            "{value}"
        );
    }
    site.still_serves().await;
}

#[tokio::test]
async fn an_answer_names_what_came_and_what_is_taken() {
    let site = Site::open(short()).await;
    let typed = |value: &str| post("std", "", ALERT).replace("application/json", value);
    let untyped = post("std", "", ALERT).replace("Content-Type: application/json\r\n", "");
    for (request, came, taken) in [
        (typed("text/csv"), "`text/csv`", "application/json in UTF-8"),
        (
            typed("application/json; charset=utf-16"),
            "`application/json; charset=utf-16`",
            "application/json in UTF-8",
        ),
        (
            typed(&"x".repeat(500)),
            &*format!("`{}...`", "x".repeat(80)),
            "application/json in UTF-8",
        ),
        (
            typed("a`<b>\u{e4}"),
            "`a?<b>??`",
            "application/json in UTF-8",
        ),
        (untyped, "none", "application/json in UTF-8"),
        (
            post("std", "Content-Encoding: br\r\n", ALERT),
            "`br`",
            "no compression",
        ),
        (
            post("put", "", ALERT).replacen("POST", "PATCH", 1),
            "`PATCH`",
            "POST, PUT",
        ),
    ] {
        let answer = site.say(&request).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.ends_with(&format!(" Sent: {came}. Taken: {taken}.")),
            "{detail}"
        );
        assert!(detail.is_ascii() && detail.len() < 250, "{detail}");
    }
    let answer = site.say(post("std", "", &"1".repeat(CAP + 1))).await;
    assert!(answer.contains(&format!("Taken: {CAP} bytes.")), "{answer}");
    site.still_serves().await;
}

#[tokio::test]
async fn a_secret_in_the_url_reaches_the_intake_decoded() {
    let site = Site::open(short()).await;
    assert_eq!(site.status(post("url/a%2Fb%20c", "", ALERT)).await, 202);
    let address = IpAddr::from([127, 0, 0, 1]);
    assert_eq!(
        *site.seen.lock().unwrap(),
        [("url".to_owned(), Some("a/b c".to_owned()), address)]
    );
    assert_eq!(site.status(post("url/%ff", "", ALERT)).await, 401);
    site.still_serves().await;
}

#[tokio::test]
async fn one_address_cannot_take_the_connections_of_another() {
    let site = Site::open(Limits {
        head: PATIENCE * 2,
        per_address: 4,
        total: 6,
        ..short()
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = site.connect().await;
        // The first answer shows that this one is in.
        stream
            .write_all(bare("GET /livez HTTP/1.1", "Host: x\r\n").as_bytes())
            .await
            .unwrap();
        hear(&mut stream, "200 OK").await;
        held.push(stream);
    }
    let mut fifth = site.connect().await;
    let turned_away = timeout(PATIENCE, fifth.read(&mut [0; 1]))
        .await
        .expect("closed at once");
    assert!(turned_away.map_or(true, |n| n == 0));
    let honest = post("std", "", ALERT);
    assert_eq!(
        status(&say_on(site.connect_from("127.0.0.2").await, honest.as_bytes()).await),
        202
    );
    drop(held);
    // Ended connections free their seats; how soon is the kernel's business.
    let again = async {
        loop {
            let mut stream = site.connect().await;
            let mut answer = String::new();
            if stream.write_all(honest.as_bytes()).await.is_ok()
                && stream.read_to_string(&mut answer).await.is_ok()
                && status(&answer) == 202
            {
                break;
            }
        }
    };
    timeout(PATIENCE, again)
        .await
        .expect("a seat is free again");
}

/// Connections of these addresses that send half a head, and again whenever they are closed.
fn besiege(
    at: SocketAddr,
    addresses: std::ops::RangeInclusive<u8>,
    each: usize,
) -> tokio::task::JoinSet<()> {
    let mut slow = tokio::task::JoinSet::new();
    for address in addresses.flat_map(|n| std::iter::repeat_n([127, 0, 9, n], each)) {
        slow.spawn(async move {
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind(SocketAddr::new(address.into(), 0)).unwrap();
                if let Ok(mut stream) = socket.connect(at).await {
                    let _ = stream
                        .write_all(b"POST /webhooks/std HTTP/1.1\r\nX-Half: ")
                        .await;
                    let _ = stream.read(&mut [0; 1]).await;
                }
                sleep(Duration::from_millis(300)).await;
            }
        });
    }
    slow
}

/// Honest requests one after the other: how many were not answered, and the slowest of 99 in 100.
async fn honest_under_siege(site: &Site, requests: usize) -> (usize, Duration) {
    let mut times = Vec::new();
    for _ in 0..requests {
        let begun = Instant::now();
        let mut stream = site.connect().await;
        let mut answer = String::new();
        let said = async {
            stream.write_all(post("std", "", ALERT).as_bytes()).await?;
            stream.read_to_string(&mut answer).await
        };
        let _ = timeout(PATIENCE, said).await;
        if status(&answer) == 202 {
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    (requests - times.len(), times[times.len() * 99 / 100 - 1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_connections_of_twenty_addresses_that_come_again_shut_no_honest_sender_out() {
    let site = Site::open(Limits {
        per_address: 64,
        total: 400,
        ..short()
    })
    .await;
    let slow = besiege(site.at, 1..=20, 40);
    sleep(HEAD).await;
    let (lost, slowest) = honest_under_siege(&site, 200).await;
    assert!(
        lost <= 2 && slowest < PATIENCE / 2,
        "{lost} lost, {slowest:?}"
    );
    drop(slow);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_connections_of_more_addresses_than_seats_make_room_for_an_honest_sender() {
    let site = Site::open(Limits {
        head: PATIENCE,
        per_address: 4,
        total: 100,
        ..short()
    })
    .await;
    let slow = besiege(site.at, 1..=120, 2);
    sleep(HEAD).await;
    let (lost, slowest) = honest_under_siege(&site, 100).await;
    assert!(
        lost <= 1 && slowest < PATIENCE / 2,
        "{lost} lost, {slowest:?}"
    );
    drop(slow);
}

#[tokio::test]
async fn connections_in_all_are_capped_too() {
    let site = Site::open(Limits {
        head: PATIENCE * 2,
        per_address: 4,
        total: 2,
        ..short()
    })
    .await;
    let mut held = Vec::new();
    for address in ["127.0.0.1", "127.0.0.2"] {
        let mut stream = site.connect_from(address).await;
        stream
            .write_all(bare("GET /livez HTTP/1.1", "Host: x\r\n").as_bytes())
            .await
            .unwrap();
        hear(&mut stream, "200 OK").await;
        held.push(stream);
    }
    let mut third = site.connect_from("127.0.0.3").await;
    let turned_away = timeout(PATIENCE, third.read(&mut [0; 1]))
        .await
        .expect("closed at once");
    assert!(turned_away.map_or(true, |n| n == 0));
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight_and_waits_for_nothing_half_open() {
    let site = Site::open(Limits {
        head: PATIENCE * 2,
        grace: PATIENCE,
        ..short()
    })
    .await;
    let _silent = site.connect().await;
    let mut half = site.connect().await;
    half.write_all(b"POST /webhooks/std HTTP/1.1\r\nHost: x\r\nX-Half: ")
        .await
        .unwrap();
    let mut idle = site.connect().await;
    idle.write_all(bare("GET /livez HTTP/1.1", "Host: x\r\n").as_bytes())
        .await
        .unwrap();
    hear(&mut idle, "200 OK").await;
    let mut half_again = site.connect().await;
    half_again
        .write_all(bare("GET /livez HTTP/1.1", "Host: x\r\n").as_bytes())
        .await
        .unwrap();
    hear(&mut half_again, "200 OK").await;
    half_again
        .write_all(b"POST /webhooks/std HT")
        .await
        .unwrap();
    let mut busy = site.connect().await;
    busy.write_all(post_on("std", "", "wait").as_bytes())
        .await
        .unwrap();
    site.waiting.acquire().await.unwrap().forget();

    let begun = Instant::now();
    site.stop.send_replace(true);
    let mut rest = Vec::new();
    timeout(PATIENCE / 2, idle.read_to_end(&mut rest))
        .await
        .expect("an idle connection is closed")
        .unwrap();
    assert!(
        TcpStream::connect(site.at).await.is_err(),
        "no new connections"
    );
    assert!(!site.served.is_finished());
    site.go_on.add_permits(1);
    let answer = hear(&mut busy, "wait").await;
    assert!(
        status(&answer) == 202 && answer.contains("connection: close"),
        "{answer}"
    );
    assert_eq!(
        timeout(PATIENCE, site.served).await.unwrap().unwrap(),
        Drained { cut: 0 }
    );
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn stopping_ends_with_the_grace_even_if_a_request_does_not() {
    let site = Site::open(Limits {
        grace: Duration::from_millis(300),
        ..short()
    })
    .await;
    let mut busy = site.connect().await;
    busy.write_all(post_on("std", "", "wait").as_bytes())
        .await
        .unwrap();
    site.waiting.acquire().await.unwrap().forget();
    site.stop.send_replace(true);
    assert_eq!(
        timeout(PATIENCE, site.served).await.unwrap().unwrap(),
        Drained { cut: 1 }
    );
    assert_eq!(site.accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_panic_ends_its_request_and_nothing_else() {
    let site = Site::open(short()).await;
    let mut stream = site.connect().await;
    stream
        .write_all(post_on("std", "", "panic").as_bytes())
        .await
        .unwrap();
    let answer = hear(&mut stream, "}").await;
    assert!(
        status(&answer) == 500 && answer.contains("\"internal\"") && !answer.contains("inside"),
        "{answer}"
    );
    stream
        .write_all(post_on("std", "", ALERT).as_bytes())
        .await
        .unwrap();
    assert_eq!(status(&hear(&mut stream, "3212").await), 202);
    site.still_serves().await;
}

#[tokio::test]
async fn who_fails_too_often_is_answered_503_before_his_body_is_read() {
    let site = Site::open(short()).await;
    let forged = post("std", "", "forged");
    for _ in 0..3 {
        let answer = site.say(&forged).await;
        assert!(
            status(&answer) == 401 && !answer.contains("detail"),
            "{answer}"
        );
    }
    let expect = forged.replace("\r\n\r\nforged", "\r\nExpect: 100-continue\r\n\r\n");
    let answer = site.say(expect).await;
    assert_eq!(statuses(&answer), [503]);
    assert!(
        answer.contains("retry-after: 60\r\n") && answer.contains("\"failure-budget\""),
        "{answer}"
    );
    // Others are not concerned, and neither is anybody once the window is over.
    let honest = post("std", "", ALERT);
    assert_eq!(
        status(&say_on(site.connect_from("127.0.0.2").await, honest.as_bytes()).await),
        202
    );
    site.mono.fetch_add(60, Ordering::SeqCst);
    site.still_serves().await;
}

/// A request whose body is announced and never comes whole.
fn unfinished(headers: &str) -> String {
    post("std", headers, "[").replace("Content-Length: 1\r\n", "Content-Length: 4000\r\n")
}

#[tokio::test]
async fn a_body_that_was_read_for_nothing_is_a_failure_but_not_of_whoever_is_proved_by_the_head() {
    // Cut off, too slow, too large.
    for way in 0..3 {
        let site = Site::open(short()).await;
        let waste = async |headers: &str| match way {
            0 => {
                let mut stream = site.connect().await;
                stream
                    .write_all(unfinished(headers).as_bytes())
                    .await
                    .unwrap();
                // The head is there when the next request of the same connection would be.
                stream.shutdown().await.unwrap();
                let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new()))
                    .await
                    .expect("closed");
            }
            1 => assert_eq!(site.status(unfinished(headers)).await, 408),
            _ => assert_eq!(
                site.status(post("std", headers, &"1".repeat(CAP + 1)))
                    .await,
                413
            ),
        };
        for _ in 0..3 {
            waste("X-Token: right\r\n").await;
        }
        assert_eq!(
            site.status(post("std", "", ALERT)).await,
            202,
            "way {way}: nothing was spent"
        );
        for _ in 0..3 {
            waste("").await;
        }
        assert_eq!(site.status(post("std", "", ALERT)).await, 503, "way {way}");
        site.still_serves().await;
    }
}

#[tokio::test]
async fn failures_of_an_address_count_in_sum_over_connections_sources_and_kinds() {
    let site = Site::open(short()).await;
    assert_eq!(site.status(post("std", "", "forged")).await, 401);
    assert_eq!(site.status(post("url/%ff", "", ALERT)).await, 401);
    assert_eq!(
        site.status(post("put", "X-Token: wrong\r\n", ALERT)).await,
        401
    );
    for source in ["std", "put", "url/x"] {
        assert_eq!(site.status(post(source, "", ALERT)).await, 503, "{source}");
    }
    site.still_serves().await;
}

#[tokio::test]
async fn honest_requests_spend_no_failure_budget() {
    let site = Site::open(short()).await;
    for _ in 0..10 {
        assert_eq!(site.status(post("std", "", ALERT)).await, 202);
    }
}

#[tokio::test]
async fn only_a_trusted_proxy_names_the_sender() {
    let claim = post(
        "std",
        "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n",
        ALERT,
    );
    let plain = Site::open(short()).await;
    assert_eq!(plain.status(&claim).await, 202);
    assert_eq!(
        plain.seen.lock().unwrap()[0].2,
        IpAddr::from([127, 0, 0, 1])
    );
    let proxies = TrustedProxies(vec!["127.0.0.0/8".parse().unwrap()]);
    let behind = Site::behind(
        Limits {
            per_address: 0,
            ..short()
        },
        proxies,
    )
    .await;
    assert_eq!(behind.status(&claim).await, 202);
    assert_eq!(
        behind.seen.lock().unwrap()[0].2,
        IpAddr::from([198, 51, 100, 7])
    );
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let site = Site::open(short()).await;
    let requests: String = (0..200)
        .map(|n| post_on("std", "", &format!("[{n}]")))
        .collect();
    let answers = site.say(requests).await;
    assert_eq!(statuses(&answers), [202; 200]);
    let places: Vec<_> = (0..200)
        .map(|n| answers.find(&format!("[{n}]")).unwrap())
        .collect();
    assert!(places.is_sorted());
    assert_eq!(site.accepted(), 200);
    site.still_serves().await;
}

#[tokio::test]
async fn a_sender_may_shut_its_side_once_the_request_is_out() {
    let site = Site::open(short()).await;
    let mut stream = site.connect().await;
    stream
        .write_all(post("std", "", "wait").as_bytes())
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    site.waiting.acquire().await.unwrap().forget();
    site.go_on.add_permits(1);
    assert_eq!(status(&hear(&mut stream, "wait").await), 202);
    site.still_serves().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_an_alert() {
    let site = Site::open(short()).await;
    let mut stream = site.connect().await;
    stream
        .write_all(
            post("std", "", ALERT)
                .replace("Length: 18", "Length: 4000")
                .as_bytes(),
        )
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_ne!(status(&answer), 202, "{answer}");
    assert_eq!(site.accepted(), 0);
    site.still_serves().await;
}

#[tokio::test]
async fn a_connection_is_closed_at_its_age_however_busy() {
    let site = Site::open(Limits {
        age: Duration::from_millis(500),
        ..short()
    })
    .await;
    let begun = Instant::now();
    let mut stream = site.connect().await;
    let probe = bare("GET /livez HTTP/1.1", "Host: x\r\n");
    let mut answers = 0;
    let busy = async {
        loop {
            let mut piece = [0; 512];
            if stream.write_all(probe.as_bytes()).await.is_err()
                || !matches!(stream.read(&mut piece).await, Ok(1..))
            {
                break;
            }
            answers += 1;
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, busy).await.expect("closed at its age");
    assert!(
        answers > 1 && begun.elapsed() >= Duration::from_millis(450),
        "{answers} in {:?}",
        begun.elapsed()
    );
    site.still_serves().await;
}
