//! The far side plays foul: a row of the table is what it does and what must be seen then. The far side's own record and
//! the journal are the witnesses, never our word alone. After every row the far side is mended, and an honest alert is
//! acknowledged and scanned. H100 and H101 last for hours: `simulation/outages.rs` plays them, H100 here as well.

use std::io::Write;
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use scanhook_simulator::{Fault, How};
use serde_json::{Map, Value, json};

use crate::harness::{
    Authority, Certificate, DEADLINE, Far, Foul, RULES, Secured, Served, Site, Wish, alert, client,
    fault, install, join, machine, never, scan_id, until, until_in,
};

struct Row {
    /// A letter tells the cases of a row apart.
    id: &'static str,
    does: Does,
    seen: Seen,
}

/// What the far side does until it is mended.
enum Does {
    /// Answers the first scan call so, once although it carries it out and once because it does not.
    Answers(Foul),
    /// Treats every call of this route so.
    Treats(&'static str, How),
    /// Loses the first scan call, and leads every list on to this page.
    Leads(&'static str),
    /// Gives the machine's scan this status for good.
    Says(&'static str),
}

/// What must be seen, beside that nobody else was called.
enum Seen {
    /// The scan is unknown for this reason, and nothing is sent before the list was read.
    Unknown(&'static str),
    /// The same, and an alarm.
    UnknownAndAlarm(&'static str),
    /// The scan is over with its reason, and not tried again.
    Refused,
    /// One new token, then the tenant stops, with an alarm.
    Stopped,
    /// So many pages of a list that leads back to where it was, an alarm, and no conclusion from what is not on them.
    Inconclusive { lists: RangeInclusive<usize> },
    /// The scan is followed until the give-up age, and then lost.
    Lost,
    /// One token, which is believed to live so many seconds.
    Token { lives: RangeInclusive<i64> },
}

/// Stands for the address of somebody else, who must never hear of us.
const ELSEWHERE: &str = "{elsewhere}";
/// How long the client waits for an answer that drips.
const TOTAL: Duration = Duration::from_secs(3);
const GIVE_UP: Duration = Duration::from_secs(8);
/// A stopped tenant asks for a token again.
const STOPPED: Duration = Duration::from_millis(500);

fn rows() -> Vec<Row> {
    use Does::{Answers, Leads, Says, Treats};
    use Seen::{Inconclusive, Lost, Refused, Stopped, Token, Unknown, UnknownAndAlarm};
    let redirect = format!("Location: http://{ELSEWHERE}/api/machines\r\n");
    let json = "Content-Type: application/json\r\n";
    let action = |id: Value, of| {
        json!({ "id": id, "status": "Pending", "machineId": machine(of) }).to_string()
    };
    let other = action("5be1a7c0-2f44-4d1a-8a3c-6f0e9d27b815".into(), 9);
    let nameless = action(Value::Null, 1);
    let scan = |status, head: &str, body: &str| Answers(Foul::answer(status, head, body));
    let token = |expires_in: Value| Treats("token", edited("expires_in", expires_in));
    let row = |id, does, seen| Row { id, does, seen };
    vec![
        row(
            "H096",
            scan("307 Temporary Redirect", &redirect, ""),
            UnknownAndAlarm("redirect"),
        ),
        row(
            "H097a",
            scan("201 Created", "", ""),
            Unknown("empty-answer"),
        ),
        row(
            "H097b",
            scan("201 Created", "Content-Type: text/html\r\n", "<html>"),
            Unknown("unreadable-answer"),
        ),
        row(
            "H097c",
            Answers(Foul::Endless { announced: true }),
            Unknown("answer-too-long"),
        ),
        row(
            "H097c",
            Answers(Foul::Endless { announced: false }),
            Unknown("answer-too-long"),
        ),
        row("H097d", Answers(Foul::Drips), Unknown("timeout")),
        row(
            "H098a",
            scan("201 Created", json, &other),
            UnknownAndAlarm("another-machine"),
        ),
        row(
            "H098b",
            scan("201 Created", json, &nameless),
            UnknownAndAlarm("no-action-id"),
        ),
        row(
            "H099",
            Treats("scan", fault(400, "SomethingNew", None)),
            Refused,
        ),
        row(
            "H100",
            Treats("scan", fault(401, "Unauthorized", None)),
            Stopped,
        ),
        row("H102", Answers(Foul::Resets), Unknown("connection-lost")),
        row(
            "H103a",
            Leads("http://{elsewhere}/api/machineactions?$skip=10000"),
            Inconclusive { lists: 1..=20 },
        ),
        row(
            "H103b",
            Leads("/api/machineactions?$skip=10000"),
            Inconclusive { lists: 2..=20 },
        ),
        row("H104", Says("Exploded"), Lost),
        row("H106a", token(0.into()), Token { lives: 0..=60 }),
        row("H106b", token((-1).into()), Token { lives: 0..=60 }),
        row(
            "H106c",
            token(1e12.into()),
            Token {
                lives: 86_000..=86_400,
            },
        ),
        row(
            "H106d",
            token("3599".into()),
            Token {
                lives: 3_500..=3_599,
            },
        ),
    ]
}

fn edited(key: &str, value: Value) -> How {
    How::Edited {
        set: Map::from_iter([(key.to_owned(), value)]),
    }
}

#[test]
fn a_foul_far_side_doubles_nothing_loses_nothing_and_hears_no_more_than_it_should() {
    let cases = rows().into_iter().flat_map(|row| {
        let twice = matches!(row.does, Does::Answers(_));
        let row = Arc::new(row);
        [true, false]
            .into_iter()
            .take(1 + usize::from(twice))
            .map(move |executed| (row.clone(), executed))
    });
    std::thread::scope(|scope| {
        let played: Vec<_> = cases
            .map(|(row, executed)| (row.id, executed, scope.spawn(move || play(&row, executed))))
            .collect();
        let failed = played
            .into_iter()
            .filter_map(|(id, executed, run)| run.join().is_err().then_some((id, executed)));
        let failed: Vec<_> = failed.collect();
        assert!(
            failed.is_empty(),
            "rows, and whether the call was carried out: {failed:?}"
        );
    });
}

/// One row with a thread, a runtime and a log of its own.
fn play(row: &Row, executed: bool) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tracing::subscriber::with_default(subscriber, || runtime.block_on(played(row, executed, &log)));
}

async fn played(row: &Row, executed: bool, log: &Log) {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap().to_string();
    let site = open(row, executed, &there).await;

    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    match &row.seen {
        Seen::Unknown(code) => unknown(&site, &scan, code, executed).await,
        Seen::UnknownAndAlarm(code) => {
            unknown(&site, &scan, code, executed).await;
            log.has_alarm(code);
        }
        Seen::Refused => refused(&site, &scan).await,
        Seen::Stopped => {
            stopped(&site, &scan).await;
            assert!(
                log.text().contains("nothing is sent for this tenant"),
                "{}",
                log.text()
            );
        }
        Seen::Inconclusive { lists } => {
            inconclusive(&site, &scan, lists).await;
            log.has_alarm("list-incomplete");
        }
        Seen::Lost => lost(&site, &scan).await,
        Seen::Token { lives } => token(&site, &scan, lives).await,
    }
    site.far.mend();
    let next = scan_id(&site.accepted(alert("2", "high", &machine(2))).await);
    assert_eq!(
        site.scan_in(&next, "finished").await["outcome"],
        "succeeded",
        "{}",
        row.id
    );
    let once: Vec<_> = site
        .far
        .scans()
        .into_iter()
        .filter(|action| action.machine == machine(2))
        .collect();
    assert_eq!(once.len(), 1, "{}", row.id);
    assert!(
        elsewhere.accept().is_err(),
        "{}: somebody else was called",
        row.id
    );
}

/// A site whose far side does what the row says.
async fn open(row: &Row, executed: bool, elsewhere: &str) -> Site {
    let mut wish = Wish {
        front: matches!(row.does, Does::Answers(_)),
        ..Wish::default()
    };
    wish.pace.stopped = STOPPED;
    if matches!(row.does, Does::Answers(Foul::Drips)) {
        wish.timeouts.total = TOTAL;
    }
    match &row.seen {
        Seen::Lost => wish.pace.follow_for = Some(GIVE_UP),
        // Time to mend it before the list is asked for again.
        Seen::Inconclusive { .. } => wish.pace.follow_most = Duration::from_secs(6),
        _ => {}
    }
    if let Does::Says(status) = row.does {
        wish.setup.outcomes.insert(machine(1), status.to_owned());
    }
    let always = |route: &str, how| Fault {
        route: route.to_owned(),
        nth: 1,
        times: u32::MAX,
        how,
    };
    match &row.does {
        Does::Treats(route, how) => wish.faults.push(always(route, how.clone())),
        Does::Leads(next) => {
            let next = next.replace(ELSEWHERE, elsewhere);
            wish.faults.push(Fault {
                times: 1,
                ..always("scan", How::LostRequest)
            });
            wish.faults
                .push(always("list", edited("@odata.nextLink", next.into())));
        }
        Does::Answers(_) | Does::Says(_) => {}
    }
    let site = Site::with(wish).await;
    if let Does::Answers(foul) = &row.does {
        let foul = match foul {
            Foul::Says(bytes) => Foul::Says(bytes.replace(ELSEWHERE, elsewhere)),
            other => other.clone(),
        };
        site.far.front().plays(foul, executed);
    }
    site
}

/// What the journal noted of a scan.
fn noted(site: &Site, scan: &str) -> Vec<(String, String)> {
    let db = Connection::open_with_flags(site.journal(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let id: uuid::Uuid = scan.parse().unwrap();
    let sql = "SELECT what, data FROM event WHERE scan = (SELECT id FROM scan WHERE uuid = ?) ORDER BY id";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

/// Calls of the far side's record by route, in order.
fn routes(site: &Site) -> Vec<&'static str> {
    site.far.calls().iter().map(|call| call.route).collect()
}

async fn unknown(site: &Site, scan: &str, code: &str, executed: bool) {
    let ended = site.scan_in(scan, "finished").await;
    assert_eq!(ended["outcome"], "succeeded");
    let noted = noted(site, scan);
    assert_eq!(
        noted[0],
        ("unknown".to_owned(), code.to_owned()),
        "{noted:?}"
    );
    let calls = site.far.calls_of("scan");
    assert!(
        calls
            .iter()
            .all(|call| call.external_id.as_deref() == Some(scan)),
        "the same scan on every try"
    );
    let own: Vec<_> = site.far.scans();
    assert_eq!(own.len(), 1, "carried out once");
    assert_eq!(ended["action"], own[0].id.as_str());
    let routes = routes(site);
    if executed {
        assert_eq!(calls.len(), 1, "not sent again");
        assert_eq!(noted[1].0, "adopted", "{noted:?}");
    } else {
        assert_eq!(calls.len(), 2);
        let sent: Vec<_> = (0..routes.len()).filter(|n| routes[*n] == "scan").collect();
        let lists = routes[sent[0]..sent[1]]
            .iter()
            .filter(|route| **route == "list")
            .count();
        assert!(lists >= 2, "{lists} lists before it was sent again");
    }
    let written = site.far.front().written();
    assert!(
        written < 64 << 20,
        "{written} bytes of an answer were taken"
    );
}

async fn refused(site: &Site, scan: &str) {
    let ended = site.scan_in(scan, "dropped").await;
    assert_eq!(
        (&ended["outcome"], &ended["tries"]),
        (&"refused".into(), &1.into())
    );
    assert!(
        ended["detail"].as_str().unwrap().contains("SomethingNew"),
        "{ended}"
    );
    never("it is sent again", || site.far.calls_of("scan").len() > 1).await;
    assert!(site.far.scans().is_empty());
}

async fn stopped(site: &Site, scan: &str) {
    let why = site.stopped().await;
    assert!(why.contains("401"), "{why}");
    until("some tokens more are tried", async || {
        (site.far.calls_of("token").len() >= 5).then_some(())
    })
    .await;
    let tokens: Vec<Timestamp> = site
        .far
        .calls_of("token")
        .iter()
        .map(|call| call.at)
        .collect();
    for (n, pair) in tokens.windows(2).enumerate().skip(1) {
        assert!(
            pair[0] + STOPPED <= pair[1],
            "token {} came too soon",
            n + 2
        );
    }
    assert!(
        site.far.calls_of("scan").len() <= tokens.len() + 1,
        "each token is tried once"
    );
    assert!(site.far.scans().is_empty());
    site.far.mend();
    assert_eq!(
        site.scan_in(scan, "finished").await["outcome"],
        "succeeded",
        "by itself, once mended"
    );
}

async fn inconclusive(site: &Site, scan: &str, lists: &RangeInclusive<usize>) {
    let enough = lists.start();
    until("the list is read", async || {
        (site.far.calls_of("list").len() >= *enough).then_some(())
    })
    .await;
    never("it is believed not to have been executed", || {
        site.far.calls_of("scan").len() > 1
    })
    .await;
    let read = site.far.calls_of("list").len();
    assert!(lists.contains(&read), "{read} pages");
    assert_eq!(site.scan(scan).await["state"], "unknown");
    site.far.mend();
    let ended = site.scan_in(scan, "finished").await;
    assert_eq!(
        (&ended["outcome"], &ended["tries"]),
        (&"succeeded".into(), &2.into())
    );
    assert_eq!(site.far.scans().len(), 1);
}

async fn lost(site: &Site, scan: &str) {
    let ended = site.scan_in(scan, "finished").await;
    assert_eq!(
        (&ended["outcome"], &ended["tries"]),
        (&"lost".into(), &1.into())
    );
    let calls = site.far.calls();
    let sent = calls.iter().find(|call| call.route == "scan").unwrap().at;
    let last = calls
        .iter()
        .rev()
        .find(|call| call.route == "list")
        .unwrap()
        .at;
    assert!(
        last >= sent + GIVE_UP / 2,
        "followed till {last}, sent at {sent}"
    );
}

async fn token(site: &Site, scan: &str, lives: &RangeInclusive<i64>) {
    assert_eq!(site.scan_in(scan, "finished").await["outcome"], "succeeded");
    let status = site.get("/api/v1/status").await;
    let expires: Timestamp = status["tenants"][0]["lane"]["token_expires_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let left = expires.as_second() - Timestamp::now().as_second();
    assert!(lives.contains(&left), "{left} s");
    never("a second token is asked for", || {
        site.far.calls_of("token").len() > 1
    })
    .await;
}

/// The certificate rows, each with the API and with the token endpoint behind it.
const CERTIFICATES: [(&str, Certificate); 3] = [
    ("H105a", Certificate::OfAnotherName),
    ("H105b", Certificate::Expired),
    ("H105c", Certificate::SignedByItself),
];

#[tokio::test]
async fn a_far_side_without_the_right_certificate_is_shown_no_token_and_no_secret_and_the_queue_waits()
 {
    let authority = Authority::new();
    let cases = CERTIFICATES
        .iter()
        .flat_map(|(id, certificate)| [(*id, *certificate, true), (*id, *certificate, false)]);
    join(
        cases
            .map(|(id, certificate, api)| unproven(id, certificate, api, &authority))
            .collect(),
    )
    .await;
}

/// The program itself, since what it trusts comes from the system's store. That of the test is another one.
async fn unproven(id: &str, certificate: Certificate, api: bool, authority: &Authority) {
    let far = Far::open(Wish::default().setup).await;
    let secured = Secured::open(far.shared.clone(), authority, certificate).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    let settings = std::fs::read_to_string(folder.path().join("scanhook.toml")).unwrap();
    let key = if api { "api_base" } else { "authority" };
    let behind = settings.replace(
        &format!("{key} = \"http://{}\"", far.at),
        &format!("{key} = \"{}\"", secured.url()),
    );
    assert_ne!(settings, behind);
    for (file, text) in [
        ("scanhook.toml", &behind),
        ("rules.toml", &RULES.to_owned()),
        ("ca.pem", &authority.pem()),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let mut command = Served::command(folder.path());
    command.env("SSL_CERT_FILE", folder.path().join("ca.pem"));
    let served = Served::run(command).await;

    let http = client();
    assert_eq!(
        served
            .post(&http, &alert("1", "high", &machine(1)))
            .await
            .status,
        202,
        "{id}"
    );
    // The token endpoint is asked again after half a minute, the API sooner.
    let tries = if api { 3 } else { 1 };
    until("the certificate is refused", async || {
        (secured.refused() >= tries).then_some(())
    })
    .await;
    let heard: Vec<_> = far.calls().iter().map(|call| call.route).collect();
    assert_eq!(heard, if api { vec!["token"] } else { vec![] }, "{id}");
    until("the queue waits", async || {
        (states(folder.path()) == ["waiting"]).then_some(())
    })
    .await;
    until("an alarm is in the log", async || {
        let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap();
        log.lines()
            .any(|line| line.contains("\"tls\"") && line.contains("ERROR"))
            .then_some(())
    })
    .await;

    secured.shows(authority, Certificate::Right);
    assert_eq!(
        served
            .post(&http, &alert("2", "high", &machine(2)))
            .await
            .status,
        202,
        "{id}"
    );
    until_in(2 * DEADLINE, "both are scanned", async || {
        (far.scans().len() == 2).then_some(())
    })
    .await;
    assert_eq!(far.calls_of("scan").len(), 2, "{id}: each once");
}

/// The states of all scans, as the journal has them.
fn states(folder: &Path) -> Vec<String> {
    let path = folder.join("scanhook.db");
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let mut statement = db.prepare("SELECT state FROM scan ORDER BY id").unwrap();
    let states = statement.query_map([], |row| row.get(0)).unwrap();
    states.map(Result::unwrap).collect()
}

/// What was logged in one row.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn has_alarm(&self, code: &str) {
        let text = self.text();
        let found = text
            .lines()
            .any(|line| line.contains("ERROR") && line.contains(&format!("code=\"{code}\"")));
        assert!(found, "no alarm {code}: {text}");
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_clock_of_the_far_side_that_is_far_from_ours_is_shown() {
    let site = Site::with(Wish {
        front: true,
        ..Wish::default()
    })
    .await;
    site.scan_ended(&scan_id(
        &site.accepted(alert("1", "high", &machine(1))).await,
    ))
    .await;
    let notes =
        async || site.get("/api/v1/status").await["tenants"][0]["lane"]["notes"].to_string();
    assert!(!notes().await.contains("clock"), "{}", notes().await);
    // It asks to wait for so long that no later answer corrects it.
    let head = "Date: Thu, 02 Jan 2020 08:15:42 GMT\r\nRetry-After: 3600\r\n";
    site.far
        .front()
        .plays(Foul::answer("429 Too Many Requests", head, ""), false);
    site.accepted(alert("2", "high", &machine(2))).await;
    until("the difference is in the status", async || {
        notes()
            .await
            .contains("s behind this machine's")
            .then_some(())
    })
    .await;
}
