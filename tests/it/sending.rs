//! `send`: a payload proved as its source requires, whatever the kind; and the command that would do the same.

use crate::verbs::{Desk, PAYLOAD, SECRET, has};

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PLAIN: &str = "0123456789abcdef0123456789abcdef";

/// Every kind by the name of its source, with what its printed command must hold.
const KINDS: &[(&str, &str, &[&str])] = &[
    (
        "std",
        "standard_webhooks = { secret_file = \"whsec.secret\" }",
        &[
            "t=$(date +%s); i=msg_$(date +%s); ",
            "printf %s \"$i\"; printf %s .; printf %s \"$t\"; printf %s .; cat ",
            "python3 -c 'import base64,hmac,os,sys; k=open(sys.argv[1],\"rb\").read(); ",
            "hmac.new(k,sys.stdin.buffer.read(),\"sha256\").digest(); print(base64.b64encode(t).decode())' whsec.secret); ",
            "-H 'webhook-signature: 'v1,\"$s\"",
        ],
    ),
    (
        "github",
        "github = { secret_file = \"text secret\" }",
        &["'x-hub-signature-256: sha256="],
    ),
    (
        "grafana",
        "grafana = { timestamp_header = \"X-Time\", secret_file = \"text secret\" }",
        &["print(t.hex())' 'text secret'); ", "-H 'x-time: '\"$t\""],
    ),
    (
        "pagerduty",
        "pagerduty = { secret_file = \"text secret\" }",
        &["'x-pagerduty-signature: v1="],
    ),
    (
        "crowdstrike",
        "crowdstrike = { secret_file = \"text secret\" }",
        &[
            "t=$(date -u +%Y-%m-%dT%H:%M:%SZ)",
            "print(base64.b64encode(t).decode())'",
        ],
    ),
    (
        "bearer",
        "bearer = { secret_file = \"text secret\" }",
        &[
            " --config /dev/fd/3 3<<EOF\nheader = \"Authorization: Bearer $(sed 's/[\\\\\"]/\\\\&/g' 'text secret')\"\nEOF",
        ],
    ),
    (
        "header",
        "header = { name = \"X-Api-Key\", secret_file = \"text secret\" }",
        &["header = \"x-api-key: $(sed 's/[\\\\\"]/\\\\&/g' 'text secret')\"\n"],
    ),
    (
        "basic",
        "basic = { username = \"siem\", secret_file = \"text secret\" }",
        &["user = \"siem:$(sed 's/[\\\\\"]/\\\\&/g' 'text secret')\"\n"],
    ),
    (
        "url",
        "url_secret = { secret_file = \"plain.secret\" }",
        &["url = \"http://127.0.0.1:8080/webhooks/url/$(sed "],
    ),
    (
        "url-odd",
        "url_secret = { secret_file = \"text secret\" }",
        &["| od -An -v -tx1 | tr -d '\\n' | tr ' ' %)\"\nEOF"],
    ),
    (
        "body",
        "body_secret = { pointer = \"/a/clientState\", secret_file = \"plain.secret\" }",
        &[
            "\"clientState\":\"'\"$(cat plain.secret)\"'\"",
            "printf %s \"$b\" | curl ",
            "--data-binary @- ",
        ],
    ),
    (
        "near",
        "ip = \"127.0.0.0/8\"\nbearer = { secret_file = \"text secret\" }",
        &["Bearer "],
    ),
];

const ENTRA: &str = r#"
[sources.entra]
preset = "generic"
[[sources.entra.auth]]
entra_jwt = { tenant_id = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e", audience = "api://scanhook", roles = "Alert.Post", authority = "http://127.0.0.1:1" }
[[sources.entra.auth]]
bearer = { secret_file = "plain.secret" }
[sources.entra-only]
preset = "generic"
[[sources.entra-only.auth]]
entra_jwt = { tenant_id = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e", audience = "api://scanhook", roles = "Alert.Post", authority = "http://127.0.0.1:1" }
"#;

fn desk() -> Desk {
    let desk = Desk::empty();
    let sources: String = KINDS
        .iter()
        .map(|(name, auth, _)| {
            format!("[sources.{name}]\npreset = \"generic\"\n[[sources.{name}.auth]]\n{auth}\n")
        })
        .collect();
    desk.file("scanhook.toml", &format!("{sources}{ENTRA}"));
    desk.file(
        "rules.toml",
        "version = 1\n[[rule]]\nname = \"r\"\nscan = \"none\"\nwhen = { source.exists = true }\n",
    );
    desk.secret("text secret");
    desk.secret("whsec.secret");
    desk.secret("plain.secret");
    // The mode stays as it is.
    desk.file("whsec.secret", WHSEC);
    desk.file("plain.secret", PLAIN);
    desk
}

#[test]
fn send_satisfies_every_kind_and_no_secret_is_logged_wherever_it_stood() {
    let desk = desk();
    let serving = desk.serve();
    for (source, ..) in KINDS {
        let url = serving.webhooks(source);
        let sent = desk
            .run(&["send", PAYLOAD, "--source", source, "--url", &url])
            .ends(0);
        has(&sent.out, &["202 Accepted: delivery "]);
        // With a secret that is not theirs they are refused, and the secret shows nowhere either.
        let other = if *source == "std" {
            "std.other"
        } else {
            "other.secret"
        };
        desk.secret("other.secret");
        desk.secret("std.other");
        desk.file("other.secret", "another-secret-of-32-bytes-11111");
        desk.file("std.other", "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXI=");
        let forged = [
            "send",
            PAYLOAD,
            "--source",
            source,
            "--url",
            &url,
            "--secret-file",
            other,
        ];
        has(
            &desk.run(&forged).ends(77).err,
            &["401 Unauthorized", "[unauthenticated]"],
        );
    }
    serving.signal("TERM");
    let log = serving.ended().1.join("\n");
    has(
        &log,
        &["delivery accepted", "not authenticated", "plain.secret"],
    );
    for secret in [
        SECRET,
        "$ECRET",
        PLAIN,
        &WHSEC[6..],
        "another-secret-of-32-bytes",
        "b3RoZXItb3Ro",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn the_printed_command_of_every_kind_tells_the_way_to_the_secret_and_not_the_secret() {
    let desk = desk();
    desk.file("a body.json", "{\"a\":{}}");
    for (source, _, parts) in KINDS {
        let printed = desk
            .run(&["send", "a body.json", "--source", source, "--print-curl"])
            .ends(0)
            .out;
        has(&printed, parts);
        for secret in [SECRET, "$ECRET", PLAIN, &WHSEC[6..]] {
            assert!(!printed.contains(secret), "{source}: {printed}");
        }
    }
    // Standard input can be read once, and is needed twice.
    has(
        &desk
            .run(&["send", "-", "--source", "std", "--print-curl"])
            .ends(0)
            .out,
        &["b=$(cat); ", "printf %s \"$b\" | curl"],
    );
    let json = desk
        .run(&["send", "-", "--source", "body", "--print-curl"])
        .ends(65);
    has(&json.err, &["not strict JSON"]);
}

#[test]
fn over_plain_http_to_another_machine_nothing_but_a_signature_is_sent() {
    let desk = desk();
    for (source, auth, _) in KINDS {
        let signs = [
            "standard_webhooks",
            "github",
            "grafana",
            "pagerduty",
            "crowdstrike",
        ];
        let signs = signs.iter().any(|kind| auth.starts_with(kind));
        for url in [
            "http://scanhook.example:8080/webhooks/x",
            "HTTP://192.0.2.2/webhooks/x",
        ] {
            let printed = desk.run(&[
                "send",
                PAYLOAD,
                "--source",
                source,
                "--url",
                url,
                "--print-curl",
            ]);
            if signs {
                printed.ends(0);
            } else {
                has(&printed.ends(64).err, &["plain http", "use https"]);
                let sent = desk
                    .run(&["send", PAYLOAD, "--source", source, "--url", url])
                    .ends(64);
                has(&sent.err, &["plain http", "use https"]);
            }
        }
        for url in [
            "https://scanhook.example/webhooks/x",
            "http://localhost:1/x",
            "http://[::1]:1/x",
        ] {
            desk.run(&[
                "send",
                PAYLOAD,
                "--source",
                source,
                "--url",
                url,
                "--print-curl",
            ])
            .ends(0);
        }
    }
}

#[test]
fn only_entra_can_sign_its_tokens_and_that_is_said() {
    let desk = desk();
    for more in [&[][..], &["--print-curl"]] {
        let refused = desk
            .run(&[&["send", PAYLOAD, "--source", "entra-only"][..], more].concat())
            .ends(64);
        has(
            &refused.err,
            &["only Entra ID can sign", "api://scanhook", "--token-file"],
        );
        assert_eq!(refused.out, "");
    }
    desk.file("token", "a.b.c\n");
    let printed = [
        "send",
        PAYLOAD,
        "--source",
        "entra",
        "--print-curl",
        "--token-file",
        "token",
    ];
    has(
        &desk.run(&printed).ends(0).out,
        &["header = \"Authorization: Bearer $(cat token)\"\n"],
    );
    // Where there is another way, it is taken unless a token is named.
    has(
        &desk.run(&printed[..5]).ends(0).out,
        &["plain.secret)\"\nEOF"],
    );
    let serving = desk.serve();
    let url = serving.webhooks("entra");
    let token = [
        "send",
        PAYLOAD,
        "--source",
        "entra",
        "--url",
        &url,
        "--token-file",
        "token",
    ];
    has(&desk.run(&token).ends(77).err, &["401 Unauthorized"]);
    has(&desk.run(&token[..6]).ends(0).out, &["202 Accepted"]);
    let status = desk
        .run(&["status", "--source", "entra", "--admin", &serving.admin()])
        .ends(0)
        .out;
    has(&status, &["not a JSON Web Token of Entra ID"]);
}
