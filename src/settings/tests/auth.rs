//! `[[sources.x.auth]]`: every kind lets its sender in, every fault points at its key.

use super::*;
use scanhook_core::signature::{Check, Presented, Refused};

const HEX: &str = "63616e6172792d63616e6172792d63616e61727921";
const WHSEC: &str = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnkh";

fn source(auth: &str) -> Setting {
    let setting = Setting::of(&format!(
        "{TENANT}[sources.s]\npreset = \"generic\"\n[[sources.s.auth]]\n{auth}\n"
    ));
    setting.secret("hex.secret", HEX, 0o600);
    setting.secret("whsec.secret", WHSEC, 0o600);
    setting
}

/// Whether a source lets in what `send` makes for it.
fn lets_in(settings: &Settings) -> Result<String, Refused> {
    let auth = &settings.sources[0].auth;
    let sent = ProvenRequest::prove(
        &auth.alternatives[0],
        Bytes::from_static(b"{}"),
        Moment::at(Timestamp::default()),
    );
    let sent = sent.unwrap_or_else(|why| panic!("{why}"));
    let address = Some([203, 0, 113, 9].into());
    let presented = Presented {
        headers: &sent.headers,
        url_secret: sent.url_secret.as_ref(),
        address,
        keyrings: None,
        ..Presented::from(&sent.headers)
    };
    authenticate(auth, "s", presented, sent.body, Timestamp::default())
        .map(|d| d.credential().to_owned())
}

/// An `auth` entry, the credential that its sender is let in by, and whether that covers the body.
const KINDS: &[(&str, &str, bool)] = &[
    (
        "hmac = { header = \"X-Sig\", secret_file = \"s.secret\" }",
        "s.secret",
        true,
    ),
    (
        "hmac = { header = \"X-Sig\", signed = \"{timestamp}.{body}\", timestamp_header = \"X-Time\", timestamp_format = \"unix_ms\", tolerance = \"1m\", algorithm = \"sha512\", encoding = \"base64\", secret_encoding = \"hex\", secret_file = \"hex.secret\" }",
        "hex.secret",
        true,
    ),
    (
        "hmac = { header = \"X-Sig\", prefix = \"v1=\", separator = \",\", signed = \"{timestamp},{body}\", timestamp_prefix = \"t=\", secret_file = \"s.secret\" }",
        "s.secret",
        true,
    ),
    (
        "hmac = { header = \"X-Sig\", signed = \"{id}:{body}\", id_header = \"X-Id\", secret_env = \"SENDER\" }",
        "SENDER",
        true,
    ),
    (
        "standard_webhooks = { secret_file = \"whsec.secret\" }",
        "whsec.secret",
        true,
    ),
    (
        "github = { secret_file = [\"s.secret\", \"other.secret\"] }",
        "s.secret",
        true,
    ),
    ("grafana = { secret_file = \"s.secret\" }", "s.secret", true),
    (
        "grafana = { timestamp_header = \"X-Alert-Timestamp\", secret_file = \"s.secret\" }",
        "s.secret",
        true,
    ),
    (
        "pagerduty = { secret_file = \"s.secret\" }",
        "s.secret",
        true,
    ),
    (
        "crowdstrike = { secret_file = \"s.secret\" }",
        "s.secret",
        true,
    ),
    (
        "crowdstrike = { signed = \"{timestamp}{body}\", encoding = \"hex\", timestamp_format = \"unix\", secret_file = \"s.secret\" }",
        "s.secret",
        true,
    ),
    ("bearer = { secret_file = \"s.secret\" }", "s.secret", false),
    (
        "header = { name = \"X-Api-Key\", secret_file = \"s.secret\" }",
        "s.secret",
        false,
    ),
    (
        "basic = { username = \"siem\", secret_file = \"s.secret\" }",
        "s.secret",
        false,
    ),
    (
        "url_secret = { secret_file = \"s.secret\" }",
        "s.secret",
        false,
    ),
    (
        "body_secret = { pointer = \"/value/clientState\", secret_file = \"s.secret\" }",
        "s.secret",
        false,
    ),
    (
        "ip = [\"203.0.113.0/24\", \"2001:db8::/32\"]\nbearer = { secret_file = \"s.secret\" }",
        "ip+s.secret",
        false,
    ),
    (
        "ip = \"203.0.113.9\"\npagerduty = { secret_file = \"s.secret\" }",
        "ip+s.secret",
        true,
    ),
];

#[test]
fn every_kind_lets_its_sender_in_and_says_whether_it_signs() {
    for &(auth, credential, signs) in KINDS {
        let settings = source(auth).load();
        assert_eq!(lets_in(&settings).as_deref(), Ok(credential), "{auth}");
        assert_eq!(settings.warnings, Vec::<String>::new(), "{auth}");
        let protects = settings.sources[0].auth.alternatives[0]
            .iter()
            .any(Check::protects_body);
        assert_eq!(protects, signs, "{auth}");
        let in_url = settings
            .notes
            .iter()
            .any(|note| note.contains("part of the URL"));
        assert_eq!(in_url, auth.starts_with("url_secret"), "{auth}");
    }
}

#[test]
fn what_an_operator_should_know_of_a_proof_is_said() {
    let alone = source("ip = \"203.0.113.0/24\"").load().warnings;
    assert!(
        alone.len() == 1 && alone[0].contains("nothing but an address"),
        "{alone:?}"
    );
    let old = source("hmac = { header = \"X\", algorithm = \"sha1\", secret_file = \"s.secret\" }")
        .load()
        .notes;
    assert!(old.iter().any(|note| note.contains("HMAC-SHA1")), "{old:?}");
}

#[test]
fn whose_tokens_of_entra_are_taken_is_said_whole() {
    let tenant = "tenant_id = \"3D2B1F8C-6a44-4f0d-9c51-7e8a9b0c1d2e\"";
    let entra = |more: &str| {
        source(&format!(
            "entra_jwt = {{ {tenant}, audience = \"api://scanhook\"{more} }}"
        ))
    };
    let settings = entra(", roles = \"Alert.Post\"").load();
    let [Check::Entra(entra_jwt)] = settings.sources[0].auth.alternatives[0].as_slice() else {
        panic!("one check")
    };
    let id = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e";
    assert_eq!(
        entra_jwt.keys,
        format!("https://login.microsoftonline.com/{id}/discovery/v2.0/keys")
    );
    assert_eq!(
        entra_jwt.issuers,
        [
            format!("https://sts.windows.net/{id}/"),
            format!("https://login.microsoftonline.com/{id}/v2.0")
        ]
    );
    entra(", app_id = \"b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60\"").load();
    entra(", object_id = [\"b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60\"], issuer = \"https://sts.example/x/\"").load();
    entra(", roles = \"r\", authority = \"http://127.0.0.1:9\"").load();
    for (more, code, key) in [
        ("", "missing-key", "roles"),
        (", roles = []", "bad-value", "roles"),
        (
            ", roles = \"r\", authority = \"https://evil.example\"",
            "bad-value",
            "authority",
        ),
        (
            ", roles = \"r\", authority = \"http://login.microsoftonline.com\"",
            "bad-value",
            "authority",
        ),
        (
            ", roles = \"r\", secret_file = \"s.secret\"",
            "unknown-key",
            "secret_file",
        ),
        (
            ", roles = \"r\", algorithm = \"HS256\"",
            "unknown-key",
            "algorithm",
        ),
    ] {
        let faults = entra(more).faults();
        assert_eq!(
            (faults[0].code, faults[0].key.as_str()),
            (code, format!("sources.s.auth[0].entra_jwt.{key}").as_str())
        );
    }
    let faults = source("entra_jwt = { tenant_id = \"contoso.com\", roles = \"r\" }").faults();
    let keys: Vec<_> = faults
        .iter()
        .map(|fault| fault.key.trim_start_matches("sources.s.auth[0].entra_jwt."))
        .collect();
    assert_eq!(keys, ["tenant_id", "audience"]);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_proof_that_would_prove_nothing_or_never_hold_is_refused_by_its_key() {
    for (auth, code, key) in [
        (
            "hmac = { header = \"X\", signed = \"{timestamp}.{body}\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.signed",
        ),
        (
            "hmac = { header = \"X\", signed = \"{id}.{body}\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.signed",
        ),
        (
            "hmac = { header = \"X\", timestamp_header = \"T\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.signed",
        ),
        (
            "hmac = { header = \"X\", id_header = \"I\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.signed",
        ),
        (
            "hmac = { header = \"X\", signed = \"{header}{body}\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.signed",
        ),
        (
            "hmac = { header = \"X\", signed = \"\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.signed",
        ),
        (
            "hmac = { header = \"X\", separator = \"ab\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.separator",
        ),
        (
            "hmac = { header = \"X\", algorithm = \"md5\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.algorithm",
        ),
        (
            "hmac = { header = \"X\", tolerance = \"5m\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.tolerance",
        ),
        (
            "hmac = { header = \"X\", secret_encoding = \"hex\", secret_file = \"s.secret\" }",
            "bad-secret",
            "hmac.secret_file",
        ),
        (
            "hmac = { header = \"X\", secret_encoding = \"rot13\", secret_file = \"s.secret\" }",
            "bad-value",
            "hmac.secret_encoding",
        ),
        (
            "standard_webhooks = { tolerance = \"2h\", secret_file = \"whsec.secret\" }",
            "bad-value",
            "standard_webhooks.tolerance",
        ),
        (
            "standard_webhooks = { timestamp_format = \"tai\", secret_file = \"whsec.secret\" }",
            "bad-value",
            "standard_webhooks.timestamp_format",
        ),
        (
            "standard_webhooks = { secret_file = \"other.secret\" }",
            "bad-secret",
            "standard_webhooks.secret_file",
        ),
        (
            "standard_webhooks = { timestamp_prefix = \"t=\", timestamp_header = \"T\", secret_file = \"whsec.secret\" }",
            "bad-value",
            "standard_webhooks.timestamp_prefix",
        ),
        (
            "crowdstrike = { signed = \"{body}\", secret_file = \"s.secret\" }",
            "bad-value",
            "crowdstrike.signed",
        ),
        ("github = {}", "missing-key", "github.secret_file"),
        (
            "github = { secret_env = \"SHORT\" }",
            "bad-secret",
            "github.secret_env",
        ),
        (
            "header = { secret_file = \"s.secret\" }",
            "missing-key",
            "header.name",
        ),
        (
            "basic = { secret_file = \"s.secret\" }",
            "missing-key",
            "basic.username",
        ),
        (
            "basic = { username = \"a:b\", secret_file = \"s.secret\" }",
            "bad-value",
            "basic.username",
        ),
        (
            "body_secret = { secret_file = \"s.secret\" }",
            "missing-key",
            "body_secret.pointer",
        ),
        (
            "body_secret = { pointer = \"\", secret_file = \"s.secret\" }",
            "bad-value",
            "body_secret.pointer",
        ),
        (
            "body_secret = { pointer = \"clientState\", secret_file = \"s.secret\" }",
            "bad-value",
            "body_secret.pointer",
        ),
        ("ip = []", "bad-value", "ip"),
        ("ip = \"10.0.0.1/8\"", "bad-value", "ip"),
        ("ip = \"10.0.0.0/33\"", "bad-value", "ip"),
        ("ip = { networks = [] }", "wrong-type", "ip"),
        (
            "bearer = { secret_file = \"s.secret\" }\nbasic = { username = \"u\", secret_file = \"s.secret\" }",
            "bad-value",
            "basic",
        ),
        (
            "bearer = { secret_file = \"s.secret\" }\nheader = { name = \"authorization\", secret_file = \"s.secret\" }",
            "bad-value",
            "header",
        ),
        (
            "hmac = { header = \"X-Hub-Signature-256\", secret_file = \"s.secret\" }\ngithub = { secret_file = \"s.secret\" }",
            "bad-value",
            "github",
        ),
        (
            "githab = { secret_file = \"s.secret\" }\nbearer = { secret_file = \"s.secret\" }",
            "unknown-key",
            "githab",
        ),
    ] {
        let faults = source(auth).faults();
        assert_eq!(faults.len(), 1, "{auth}\n{}", shown(&faults));
        assert_eq!(
            (faults[0].code, faults[0].key.as_str()),
            (code, format!("sources.s.auth[0].{key}").as_str()),
            "{auth}"
        );
    }
    let faults = source("githab = {}\nbearer = { secret_file = \"s.secret\" }").faults();
    assert!(
        faults[0].message.contains("did you mean `github`?"),
        "{}",
        faults[0]
    );
}

#[test]
fn a_secret_that_two_senders_share_is_found_whatever_the_kind() {
    let twin = "[sources.twin]\npreset = \"generic\"\n[[sources.twin.auth]]\nurl_secret = { secret_env = \"SENDER\" }\n";
    let warnings = with(twin).load().warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("`s` and `twin` share a secret"),
        "{warnings:?}"
    );
}

#[test]
fn a_secret_of_no_text_cannot_stand_in_a_url() {
    let setting = source("url_secret = { secret_file = \"binary.secret\" }");
    let path = setting.folder.path().join("binary.secret");
    std::fs::write(&path, [0xff; 24]).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(setting.faults()[0].code, "bad-secret");
}

#[test]
fn a_byte_order_mark_or_a_blank_at_an_end_of_a_secret_is_named_and_a_newline_is_not_worth_a_word() {
    let signs = |text: &[u8]| {
        let setting = source("hmac = { header = \"X-Sig\", secret_file = \"x\" }");
        setting.secret("x", "", 0o600);
        std::fs::write(setting.folder.path().join("x"), text).unwrap();
        setting
    };
    // What is said, how, and with which bytes a sender signs.
    for (before, after, said, key) in [
        ("", "", "", SECRET.to_owned()),
        ("", "\n", "", SECRET.to_owned()),
        ("", "\r\n", "", SECRET.to_owned()),
        ("\u{feff}", "\r\n", "byte order mark", SECRET.to_owned()),
        ("", " ", "ends with a blank", format!("{SECRET} ")),
        ("", "\n\n", "ends with a blank", format!("{SECRET}\n")),
        ("\t", "", "begins with a blank", format!("\t{SECRET}")),
        (
            " ",
            " \n",
            "begins and ends with a blank",
            format!(" {SECRET} "),
        ),
    ] {
        let settings = signs(format!("{before}{SECRET}{after}").as_bytes()).load();
        let all = [&settings.warnings, &settings.notes]
            .map(|said| said.join("\n"))
            .join("\n");
        assert_eq!(
            settings.warnings.is_empty(),
            !said.contains("blank"),
            "{before:?} {after:?}: {all}"
        );
        assert!(
            all.contains(said) && !all.contains("canary"),
            "{before:?} {after:?}: {all}"
        );
        assert_eq!(
            all.contains("x: "),
            !said.is_empty(),
            "{before:?} {after:?}: {all}"
        );
        let check = &settings.sources[0].auth.alternatives[0][0];
        assert!(
            check.keys()[0].same_secret(&Key::new("", key.as_bytes()).unwrap()),
            "{before:?} {after:?}"
        );
    }
    let wide: Vec<u8> = format!("\u{feff}{SECRET}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(shown(&signs(&wide).faults()).contains("UTF-16"));
    // Around an encoded key blanks mean nothing.
    let encoded =
        source("hmac = { header = \"X-Sig\", secret_encoding = \"hex\", secret_file = \"x\" }");
    encoded.secret("x", &format!(" {}\t\n\n", hex::encode(SECRET)), 0o600);
    let settings = encoded.load();
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    assert!(
        settings.sources[0].auth.alternatives[0][0].keys()[0]
            .same_secret(&Key::new("", SECRET.as_bytes()).unwrap())
    );
}
