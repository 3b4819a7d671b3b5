//! TLS on our own listeners, and senders that are proved by a client certificate.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, SanType, date_time_ymd};
use scanhook::settings::{Flags, Inputs, Settings};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
};

use crate::harness::{Answer, Authority, Site, Wish, alert, credential, join, machine, until};

const LOOK: Duration = Duration::from_millis(25);
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

const TLS: &str = "[server.tls]\ncert_file = \"chain.pem\"\nkey_file = \"key.pem\"\n";

/// A site with TLS on its public listener, and the authority that signed its certificate and those of senders.
struct Secure {
    site: Site,
    authority: Authority,
}

/// Some of scanhook.toml, and what the certificate is to be like.
struct Plan {
    server: &'static str,
    more: String,
    change: fn(&mut CertificateParams),
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            server: "",
            more: TLS.to_owned(),
            change: |_| {},
        }
    }
}

/// Tests end before this matters.
fn kept(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

impl Secure {
    async fn open() -> Secure {
        Secure::with(Plan::default()).await
    }

    async fn with(plan: Plan) -> Secure {
        let authority = Authority::new();
        let (certificate, key) = authority.issue(&NAMES, plan.change);
        let site = Site::with(Wish {
            server: plan.server,
            more: plan.more,
            look: LOOK,
            secrets: vec![
                ("chain.pem", kept(certificate)),
                ("key.pem", kept(key)),
                ("ca.pem", kept(authority.pem())),
            ],
            ..Wish::default()
        })
        .await;
        Secure { site, authority }
    }

    fn url(&self, source: &str) -> String {
        format!("https://{}/webhooks/{source}", self.site.public)
    }

    /// A client that trusts our authority, and shows this certificate with its key.
    fn client(&self, shown: Option<&(String, String)>) -> reqwest::Client {
        let authority = reqwest::Certificate::from_pem(self.authority.pem().as_bytes()).unwrap();
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .tls_certs_only([authority]);
        if let Some((certificate, key)) = shown {
            let both = format!("{key}{certificate}");
            builder = builder.identity(reqwest::Identity::from_pem(both.as_bytes()).unwrap());
        }
        builder.build().unwrap()
    }

    async fn post(&self, http: &reqwest::Client, body: &str) -> Result<Answer, reqwest::Error> {
        let (name, value) = credential("siem", body.as_bytes());
        let request = http
            .post(self.url("siem"))
            .header("content-type", "application/json")
            .header(name, value);
        Ok(Answer::of(request.body(body.to_owned()).send().await?).await)
    }

    /// A handshake with one version; which was agreed on, and the certificate of the listener.
    async fn shake(&self, at: SocketAddr, version: &'static SupportedProtocolVersion) -> Shaken {
        let mut roots = RootCertStore::empty();
        roots.add(der(&self.authority.pem())).unwrap();
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(at).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        let session = stream.get_ref().1;
        Shaken {
            version: session.protocol_version().unwrap(),
            alpn: session.alpn_protocol().unwrap().to_vec(),
            certificate: session.peer_certificates().unwrap()[0].to_vec(),
        }
    }

    /// What the listener shows now.
    async fn shown(&self) -> Vec<u8> {
        self.shake(self.site.public, &TLS13).await.certificate
    }

    fn put(&self, name: &str, text: &str) {
        put(self.site.folder.path(), name, text);
    }

    async fn reload(&self, successful: bool) -> Value {
        until("the files are read", async || {
            let reload = self.site.get("/api/v1/status").await["reload"].clone();
            (reload["successful"] == successful).then_some(reload)
        })
        .await
    }
}

struct Shaken {
    version: ProtocolVersion,
    alpn: Vec<u8>,
    certificate: Vec<u8>,
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// Beside the file, then over it.
fn put(folder: &Path, name: &str, text: &str) {
    let beside = folder.join(format!("{name}.new"));
    std::fs::write(&beside, text).unwrap();
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(beside, folder.join(name)).unwrap();
}

/// A body of an alert that has not been sent yet.
fn body() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    alert(&format!("t{n}"), "low", &machine(n))
}

#[tokio::test]
async fn an_alert_arrives_by_tls_1_2_and_1_3_and_by_nothing_older() {
    let secure = Secure::open().await;
    let http = secure.client(None);
    assert_eq!(secure.post(&http, &body()).await.unwrap().status, 202);
    for (version, expected) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let shaken = secure.shake(secure.site.public, version).await;
        assert_eq!(
            (shaken.version, shaken.alpn.as_slice()),
            (expected, &b"http/1.1"[..])
        );
    }
    // A ClientHello of TLS 1.1, and the fatal alert that answers it.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 47, 1, 0]);
    let mut stream = TcpStream::connect(secure.site.public).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!((answer[0], answer[5]), (21, 2), "{answer:?}");
}

#[tokio::test]
async fn plain_http_on_the_port_of_https_is_told_so() {
    let secure = Secure::open().await;
    let url = format!("http://{}/webhooks/siem", secure.site.public);
    let request = secure.site.http.post(url).body("{}");
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("speaks https"), "{}", answer.text);
    let door = secure.site.get("/api/v1/status").await["door"].clone();
    assert_eq!(door[0]["code"], "plain-http", "{door}");
    assert_eq!(secure.site.rows().delivery, 0);
}

#[tokio::test]
async fn a_client_that_does_not_know_our_authority_shows_in_status() {
    let secure = Secure::open().await;
    let stranger = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    assert!(secure.post(&stranger, &body()).await.is_err());
    let door = until("the handshake is told", async || {
        let door = secure.site.get("/api/v1/status").await["door"].clone();
        (door[0]["code"] == "tls-handshake").then_some(door)
    })
    .await;
    let detail = door[0]["detail"].as_str().unwrap();
    assert!(detail.contains("does not accept our certificate"), "{door}");
}

/// Connections to the public listener from many addresses, each with the beginning of a handshake.
async fn stalled(at: SocketAddr, count: u32) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for n in 0..count {
        let socket = TcpSocket::new_v4().unwrap();
        let from = SocketAddr::from(([127, 1, 0, u8::try_from(1 + n % 200).unwrap()], 0));
        socket.bind(from).unwrap();
        let mut stream = socket.connect(at).await.unwrap();
        if n % 2 == 0 {
            // It may have been closed already, to make room.
            let _ = stream.write_all(&[22, 3, 1, 2, 0, 1]).await;
        }
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn stalled_handshakes_do_not_keep_an_honest_sender_out_and_end_at_their_deadline() {
    let count = std::env::var("HANDSHAKES").map_or(400, |count| count.parse().unwrap());
    let secure = Secure::with(Plan {
        server: "connections = { per_address = 64, total = 128 }",
        ..Plan::default()
    })
    .await;
    let begun = Instant::now();
    let streams = stalled(secure.site.public, count).await;
    for _ in 0..5 {
        let http = secure.client(None);
        let asked = Instant::now();
        assert_eq!(secure.post(&http, &body()).await.unwrap().status, 202);
        assert!(asked.elapsed() < Duration::from_secs(5));
    }
    let ended = join(
        streams
            .into_iter()
            .map(|mut stream| async move {
                // Closed or reset, without a byte.
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                rest.len()
            })
            .collect(),
    )
    .await;
    assert!(ended.iter().all(|bytes| *bytes == 0));
    let slack = Duration::from_secs(5);
    assert!(
        begun.elapsed() < Duration::from_secs(5) + slack + Duration::from_millis(u64::from(count))
    );
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_no_request_is_lost_meanwhile() {
    let secure = Secure::open().await;
    let (done, lost, sent) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    let senders = (0..4).map(|n| {
        let (secure, done, lost, sent) = (&secure, &done, &lost, &sent);
        async move {
            let keeps = secure.client(None);
            while !done.load(Ordering::Relaxed) {
                // Half of them shake hands for each request.
                let http = if n % 2 == 0 {
                    keeps.clone()
                } else {
                    secure.client(None)
                };
                let answer = secure.post(&http, &body()).await;
                if !answer.is_ok_and(|answer| answer.status == 202) {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
                sent.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let swaps = async {
        for _ in 0..5 {
            let (certificate, key) = secure.authority.issue(&NAMES, |_| {});
            let before = sent.load(Ordering::Relaxed);
            secure.put("chain.pem", &certificate);
            secure.put("key.pem", &key);
            let new = der(&certificate);
            until("the new certificate is shown", async || {
                (secure.shown().await == *new).then_some(())
            })
            .await;
            until("requests go on", async || {
                (sent.load(Ordering::Relaxed) > before + 4).then_some(())
            })
            .await;
        }
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(join(senders.collect()), swaps);
    assert_eq!(lost.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_broken_pair_keeps_the_old_one_and_is_a_fault_that_names_the_file() {
    let secure = Secure::open().await;
    let old = secure.shown().await;
    let (certificate, key) = secure.authority.issue(&NAMES, |_| {});
    let (_, other_key) = secure.authority.issue(&NAMES, |_| {});
    let folder = secure.site.folder.path();
    let (old_certificate, old_key) = (
        std::fs::read_to_string(folder.join("chain.pem")).unwrap(),
        std::fs::read_to_string(folder.join("key.pem")).unwrap(),
    );
    for (name, text, says) in [
        ("chain.pem", certificate.as_str(), "does not belong"),
        ("key.pem", &other_key, "does not belong"),
        ("chain.pem", "garbage", "holds no certificate"),
        ("chain.pem", &certificate[..200], "broken PEM"),
        ("key.pem", "", "holds no private key"),
    ] {
        secure.put(name, text);
        let reload = secure.reload(false).await;
        let fault = &reload["faults"][0];
        let message = fault["message"].as_str().unwrap();
        assert_eq!(fault["code"], "bad-certificate", "{reload}");
        assert!(
            message.contains(says) && message.contains(".pem"),
            "{reload}"
        );
        assert_eq!(secure.shown().await, old);
        secure.put("chain.pem", &old_certificate);
        secure.put("key.pem", &old_key);
        secure.reload(true).await;
    }
    std::fs::remove_file(folder.join("key.pem")).unwrap();
    let reload = secure.reload(false).await;
    assert!(
        reload["faults"][0]["message"]
            .as_str()
            .unwrap()
            .contains("key.pem"),
        "{reload}"
    );
    // One file after the other: the old pair until both fit.
    secure.put("key.pem", &key);
    secure.reload(false).await;
    assert_eq!(secure.shown().await, old);
    secure.put("chain.pem", &certificate);
    secure.reload(true).await;
    assert_eq!(secure.shown().await, *der(&certificate));
}

#[tokio::test]
async fn whether_a_listener_has_tls_takes_a_restart() {
    let secure = Secure::open().await;
    let file = secure.site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(TLS, "")).unwrap();
    let restart = until("it is told", async || {
        let reload = secure.site.get("/api/v1/status").await["reload"].clone();
        (reload["needs_restart"] != serde_json::json!([])).then_some(reload)
    })
    .await;
    assert_eq!(restart["needs_restart"][0], "server.tls");
    assert!(!secure.shown().await.is_empty());
}

/// The faults of a configuration with these three files.
fn faults(certificate: &str, key: &str, mode: u32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("chain.pem"), certificate).unwrap();
    std::fs::write(path("key.pem"), key).unwrap();
    std::fs::set_permissions(path("chain.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::set_permissions(path("key.pem"), std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::write(path("scanhook.toml"), TLS).unwrap();
    let inputs = Inputs {
        file: Some(path("scanhook.toml")),
        flags: Flags {
            simulate: true,
            ..Flags::default()
        },
        ..Inputs::default()
    };
    let faults = Settings::load(&inputs).err().unwrap_or_default();
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

#[test]
fn a_bad_pair_is_a_fault_at_the_start_that_says_what_to_do() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&NAMES, |_| {});
    assert_eq!(faults(&certificate, &key, 0o600), "");
    assert_eq!(faults(&certificate, &key, 0o640), "");
    for (certificate, key, mode, says) in [
        (certificate.as_str(), key.as_str(), 0o644, "chmod 600"),
        (
            &certificate,
            &authority.issue(&NAMES, |_| {}).1,
            0o600,
            "does not belong",
        ),
        (
            &certificate,
            &key.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            0o600,
            "openssl pkey -in",
        ),
        (&format!("{certificate}{key}"), &key, 0o600, "chmod 600"),
    ] {
        let told = faults(certificate, key, mode);
        assert!(
            told.contains(says) && told.contains("server.tls."),
            "{told}"
        );
    }
}

/// A site with one source for each of these kinds of `mtls`, by its number.
fn sources(kinds: &[String]) -> String {
    let source = |(n, kind): (usize, &String)| {
        format!("[sources.m{n}]\npreset = \"generic\"\nauth = {{ mtls = {{ {kind} }} }}\n")
    };
    kinds.iter().enumerate().map(source).collect()
}

async fn ask(secure: &Secure, http: &reqwest::Client, source: &str, header: Option<&str>) -> u16 {
    let mut request = http
        .post(secure.url(source))
        .header("content-type", "application/json");
    if let Some(header) = header {
        request = request.header("client-cert", header);
    }
    request.body(body()).send().await.unwrap().status().as_u16()
}

fn of_client(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let uri = "spiffe://example/siem".try_into().unwrap();
    params.subject_alt_names.push(SanType::URI(uri));
}

#[tokio::test]
async fn a_client_certificate_proves_a_sender_by_each_of_its_names() {
    let asks = format!("{TLS}client_ca_file = \"ca.pem\"\n");
    let mut secure = Secure::with(Plan {
        more: asks,
        ..Plan::default()
    })
    .await;
    let shown = secure.authority.issue(&["siem.example"], of_client);
    let other = secure.authority.issue(&["other.example"], |_| {});
    let print = hex::encode(Sha256::digest(der(&shown.0)));
    let kinds = [
        "san_dns = [\"x.example\", \"siem.example\"]".to_owned(),
        "san_uri = \"spiffe://example/siem\"".to_owned(),
        "subject = \"CN=siem,O=Example\"".to_owned(),
        format!("fingerprint = \"{print}\""),
    ];
    let file = secure.site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + &sources(&kinds)).unwrap();
    secure.site.restart().await;

    let (right, wrong, none) = (
        secure.client(Some(&shown)),
        secure.client(Some(&other)),
        secure.client(None),
    );
    for (n, kind) in kinds.iter().enumerate() {
        let source = format!("m{n}");
        assert_eq!(ask(&secure, &right, &source, None).await, 202, "{}", kind);
        // Both have the same subject.
        let expected = if n == 2 { 202 } else { 401 };
        assert_eq!(
            ask(&secure, &wrong, &source, None).await,
            expected,
            "{}",
            kind
        );
        assert_eq!(ask(&secure, &none, &source, None).await, 401, "{}", kind);
        // Nobody here is a trusted proxy.
        let header = format!(":{}:", BASE64.encode(der(&shown.0)));
        assert_eq!(ask(&secure, &none, &source, Some(&header)).await, 401);
        assert_eq!(ask(&secure, &none, &source, Some("garbage")).await, 401);
    }
    assert_eq!(
        secure.post(&none, &body()).await.unwrap().status,
        202,
        "other kinds get in without a certificate"
    );
    let stored = secure.site.get("/api/v1/alerts?source=m0").await;
    assert_eq!(
        stored["items"][0]["credential"], "mtls:siem.example",
        "{stored}"
    );

    // A certificate of somebody else's authority ends the handshake, and shows.
    let foreign = Authority::new().issue(&["siem.example"], of_client);
    let foreign = secure.client(Some(&foreign));
    assert!(secure.post(&foreign, &body()).await.is_err());
    let door = secure.site.get("/api/v1/status").await["door"].clone();
    let detail = door[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains("not signed by an authority of `client_ca_file`"),
        "{door}"
    );
}

#[tokio::test]
async fn a_trusted_proxy_passes_the_certificate_of_its_sender_on() {
    let authority = Authority::new();
    let right = authority.issue(&["siem.example"], of_client);
    let expired = authority.issue(&["siem.example"], |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let kinds = ["san_dns = \"siem.example\"".to_owned()];
    let site = Site::with(Wish {
        server: "trusted_proxies = [\"127.0.0.1\"]",
        more: sources(&kinds),
        ..Wish::default()
    })
    .await;
    let ask = async |source: &str, lines: &[String]| {
        let body = body();
        let (name, value) = credential("siem", body.as_bytes());
        let mut request = site
            .http
            .post(format!("http://{}/webhooks/{source}", site.public))
            .header("content-type", "application/json")
            .header(name, value);
        for line in lines {
            request = request.header("client-cert", line);
        }
        let answer = Answer::of(request.body(body).send().await.unwrap()).await;
        let code = serde_json::from_str::<Value>(&answer.text).unwrap()["code"].clone();
        (answer.status, code.as_str().unwrap_or_default().to_owned())
    };
    let header = |pem: &str| format!(":{}:", BASE64.encode(der(pem)));
    let malformed = (400, "credential-certificate".to_owned());
    let unproved = (401, "unauthenticated".to_owned());
    assert_eq!(ask("m0", &[header(&right.0)]).await.0, 202);
    assert_eq!(ask("m0", &[header(&expired.0)]).await, unproved);
    assert_eq!(
        ask("m0", &[header(&authority.issue(&["x.example"], |_| {}).0)]).await,
        unproved
    );
    assert_eq!(ask("m0", &[]).await, unproved);
    for line in ["", ":AAAA:", "x", &BASE64.encode(der(&right.0))] {
        assert_eq!(ask("m0", &[line.to_owned()]).await, malformed, "{line}");
    }
    assert_eq!(
        ask("m0", &[header(&right.0), header(&right.0)]).await,
        malformed
    );
    assert_eq!(
        ask("siem", &["x".to_owned()]).await.0,
        202,
        "it is asked for no certificate"
    );
}

/// The day in twenty days.
fn soon() -> Date {
    let now = jiff::Timestamp::now() + Duration::from_secs(20 * 86_400);
    TimeZone::UTC.to_datetime(now).date()
}

#[tokio::test]
async fn the_end_of_a_certificate_shows_in_status_and_metrics() {
    let secure = Secure::with(Plan {
        more: format!("{TLS}[admin.tls]\ncert_file = \"chain.pem\"\nkey_file = \"key.pem\"\n"),
        change: |params| {
            let end = soon();
            let (month, day) = (end.month().unsigned_abs(), end.day().unsigned_abs());
            params.not_after = date_time_ymd(i32::from(end.year()), month, day);
        },
        ..Plan::default()
    })
    .await;
    let http = secure.client(None);
    let get = async |path: &str| {
        let url = format!("https://{}{path}", secure.site.admin);
        http.get(url).send().await.unwrap().text().await.unwrap()
    };
    let status: Value = serde_json::from_str(&get("/api/v1/status").await).unwrap();
    for (n, place) in ["server", "admin"].into_iter().enumerate() {
        let shown = &status["certificates"][n];
        assert_eq!(shown["where"], place, "{status}");
        // Midnight may have passed since.
        let ends: Date = shown["ends"].as_str().unwrap().parse().unwrap();
        assert!(
            ends == soon() || ends.tomorrow().unwrap() == soon(),
            "{status}"
        );
        let warned = format!(
            "{place}: the certificate ends on {}",
            shown["ends"].as_str().unwrap()
        );
        let warnings = status["warnings"].to_string();
        assert!(warnings.contains(&warned), "{warnings}");
    }
    let metrics = get("/metrics").await;
    for place in ["server", "admin"] {
        let head = format!("scanhook_certificate_expiry_timestamp_seconds{{where=\"{place}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&head));
        let at: f64 = line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap();
        let end = format!("{}T00:00:00Z", soon());
        let end = end.parse::<jiff::Timestamp>().unwrap().as_second();
        assert!((at - end as f64).abs() <= 86_400.0, "{at}");
    }
}

#[tokio::test]
async fn the_verbs_talk_to_an_admin_listener_with_tls() {
    let secure = Secure::with(Plan {
        more: "[admin.tls]\ncert_file = \"chain.pem\"\nkey_file = \"key.pem\"\n".to_owned(),
        ..Plan::default()
    })
    .await;
    let verb = async |args: &[&str], env: &[(&str, &str)]| {
        let url = format!("https://localhost:{}", secure.site.admin.port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command
            .args(args)
            .env_clear()
            .envs(env.iter().copied())
            .env("SCANHOOK_ADMIN", url)
            .current_dir(secure.site.folder.path());
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = ran.await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    };
    for (args, env) in [
        (&["status", "--ca", "ca.pem"][..], &[][..]),
        (&["status"], &[("SCANHOOK_CA", "ca.pem")]),
        (&["scans", "--ca", "ca.pem"], &[]),
        (&["pause", "--reason", "x", "--ca", "ca.pem"], &[]),
    ] {
        let (status, said) = verb(args, env).await;
        assert_eq!(status, 0, "{args:?}: {said}");
    }
    let (status, said) = verb(&["status"], &[]).await;
    assert!(status != 0 && said.contains("--ca"), "{said}");
    let (status, said) = verb(&["status", "--ca", "rules.toml"], &[]).await;
    assert!(
        status != 0 && said.contains("holds no certificate"),
        "{said}"
    );
}
