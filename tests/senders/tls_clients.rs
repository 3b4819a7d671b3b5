//! Programs that we did not write against our own TLS: Debian's openssl looks at what is spoken, and curl, Python and Node.js
//! each post a signed alert. They have to be there; where one is missing these tests fail, so they run only when they are
//! named: `cargo test --test tls_clients`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the other tests, which use all of it"
)]
#[path = "../it/harness/mod.rs"]
mod harness;

use std::io::Write as _;
use std::process::{Command, Stdio};

use harness::{Authority, SIEM_SECRET, Site, Wish, alert, machine};

const TLS: &str = "[server.tls]\ncert_file = \"chain.pem\"\nkey_file = \"key.pem\"\nclient_ca_file = \"ca.pem\"\n\
                   [sources.mutual]\npreset = \"generic\"\nauth = { mtls = { san_dns = \"siem.example\" } }\n";

/// Tests end before this matters.
fn kept(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// A site with TLS, and in its folder what its clients need.
async fn secure() -> Site {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["localhost", "127.0.0.1"], |_| {});
    let (client, client_key) = authority.issue(&["siem.example"], |_| {});
    Site::with(Wish {
        more: TLS.to_owned(),
        secrets: vec![
            ("chain.pem", kept(certificate)),
            ("key.pem", kept(key)),
            ("ca.pem", kept(authority.pem())),
            ("client.pem", kept(client)),
            ("client-key.pem", kept(client_key)),
        ],
        ..Wish::default()
    })
    .await
}

/// Runs a program in the site's folder with this on its standard input; whether it ended well, and all that it said.
async fn run(site: &Site, program: &'static str, args: &[&str], input: &str) -> (bool, String) {
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(site.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let mut child = command
            .spawn()
            .unwrap_or_else(|why| panic!("{program} has to be installed: {why}"));
        // Whoever refuses the handshake reads nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    });
    let output = ran.await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

async fn s_client(site: &Site, more: &[&str], input: &str) -> (bool, String) {
    let at = site.public.to_string();
    let args = [
        "s_client",
        "-connect",
        &at,
        "-CAfile",
        "ca.pem",
        "-verify_return_error",
        "-alpn",
        "h2,http/1.1",
    ];
    run(site, "openssl", &[&args[..], more].concat(), input).await
}

#[tokio::test]
async fn openssl_finds_tls_1_2_and_1_3_with_http_1_1_and_neither_compression_nor_anything_older() {
    let site = secure().await;
    for version in ["-tls1_2", "-tls1_3"] {
        let (good, said) = s_client(&site, &[version], "").await;
        assert!(good, "{version}: {said}");
        for line in [
            "Verification: OK",
            "ALPN protocol: http/1.1",
            "Compression: NONE",
        ] {
            assert!(said.contains(line), "{version}: {line}: {said}");
        }
    }
    for version in ["-tls1", "-tls1_1"] {
        let old = [version, "-cipher", "DEFAULT@SECLEVEL=0"];
        let (good, said) = s_client(&site, &old, "").await;
        assert!(!good && said.contains("alert"), "{version}: {said}");
    }
}

#[tokio::test]
async fn openssl_cannot_renegotiate() {
    let site = secure().await;
    let (good, said) = s_client(&site, &["-tls1_2"], "R\n").await;
    assert!(!good && said.contains("no renegotiation"), "{said}");
}

/// Posts the body of a file, signed with the secret of a file; prints the status.
const PYTHON: &str = r#"
import hashlib, hmac, ssl, sys, urllib.request
body = open("body.json", "rb").read()
secret = open("siem.secret", "rb").read()
request = urllib.request.Request(sys.argv[1], data=body, headers={
    "Content-Type": "application/json",
    "X-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
})
context = ssl.create_default_context(cafile="ca.pem")
print(urllib.request.urlopen(request, context=context, timeout=20).status)
"#;

const NODE: &str = r#"
const { createHmac } = require("crypto"), { readFileSync } = require("fs"), https = require("https");
const body = readFileSync("body.json");
const tag = createHmac("sha256", readFileSync("siem.secret")).update(body).digest("hex");
const request = https.request(process.argv[1], {
    method: "POST", ca: readFileSync("ca.pem"),
    headers: { "Content-Type": "application/json", "X-Signature-256": "sha256=" + tag },
}, (answer) => { answer.resume(); console.log(answer.statusCode); });
request.end(body);
"#;

#[tokio::test]
async fn curl_python_and_node_post_signed_alerts() {
    let site = secure().await;
    let url = format!("https://localhost:{}/webhooks/siem", site.public.port());
    for (n, client) in ["curl", "python3", "node"].into_iter().enumerate() {
        let body = alert(client, "low", &machine(u32::try_from(n).unwrap() + 1));
        std::fs::write(site.folder.path().join("body.json"), &body).unwrap();
        let tag = format!(
            "X-Signature-256: sha256={}",
            harness::hmac_hex(SIEM_SECRET, body.as_bytes())
        );
        let args: Vec<&str> = match client {
            "curl" => vec![
                "-sS",
                "--cacert",
                "ca.pem",
                "-H",
                "Content-Type: application/json",
                "-H",
                &tag,
                "--data-binary",
                "@body.json",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                &url,
            ],
            "python3" => vec!["-c", PYTHON, &url],
            _ => vec!["-e", NODE, &url],
        };
        let (good, said) = run(&site, client, &args, "").await;
        assert!(good && said.trim() == "202", "{client}: {said}");
    }
    assert_eq!(site.rows().alert, 3);
}

#[tokio::test]
async fn curl_proves_itself_with_a_client_certificate() {
    let site = secure().await;
    let url = format!("https://localhost:{}/webhooks/mutual", site.public.port());
    std::fs::write(
        site.folder.path().join("body.json"),
        alert("a", "low", &machine(1)),
    )
    .unwrap();
    let post = [
        "-sS",
        "--cacert",
        "ca.pem",
        "-H",
        "Content-Type: application/json",
        "--data-binary",
        "@body.json",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        &url,
    ];
    let shown = ["--cert", "client.pem", "--key", "client-key.pem"];
    let (_, said) = run(&site, "curl", &post, "").await;
    assert_eq!(said.trim(), "401");
    let (_, said) = run(&site, "curl", &[&post[..], &shown].concat(), "").await;
    assert_eq!(said.trim(), "202");
}
