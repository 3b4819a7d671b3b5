#![allow(clippy::unwrap_used, clippy::panic)]
use std::collections::BTreeMap;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::certificate::read_pair;
use crate::defender::credential::{AzurePlatform, IdentityName};
use crate::defender::delegated::ReadScope;
use crate::defender::token_file::{CompletedCall, FileTrouble};
use crate::defender::{Answer, AppCertificate, Direct};
use crate::file::replace::FileStep;

const NOW: Timestamp = Timestamp::from_millis(1_793_606_400_000);
const KEYS: &str = "/var/opt/azcmagent/tokens";

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

fn error(code: u64) -> Response<Bytes> {
    answer(
        401,
        &format!(r#"{{"error":"invalid_client","error_codes":[{code}]}}"#),
    )
}

/// A credential at work.
struct Errand {
    endpoints: Endpoints,
    credential: Credential,
    acquisition: Acquisition,
}

impl Errand {
    fn of(credential: Credential) -> Errand {
        Errand {
            endpoints: Endpoints::commercial(),
            credential,
            acquisition: Acquisition::default(),
        }
    }

    fn of_identity(which: IdentityName, platform: AzurePlatform) -> Errand {
        Errand::of(Credential::ManagedIdentity(ManagedIdentity {
            which,
            platform,
        }))
    }

    fn who(&self) -> (Endpoints, Credential) {
        (self.endpoints.clone(), self.credential.clone())
    }

    fn next(&mut self) -> TokenCall {
        let (endpoints, credential) = self.who();
        let who = applicant(&endpoints, &credential);
        let next = self.acquisition.next(who, Uuid::from_u128(7), NOW);
        next.unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    fn hears(&mut self, answer: &Response<Bytes>, now: Timestamp) -> Progress {
        let (endpoints, credential) = self.who();
        self.acquisition
            .answer(applicant(&endpoints, &credential), answer, now)
    }
}

fn applicant<'a>(endpoints: &'a Endpoints, credential: &'a Credential) -> Applicant<'a> {
    Applicant {
        endpoints,
        tenant_id: "corp.example",
        client_id: "app",
        credential,
    }
}

fn form(call: &TokenCall) -> String {
    String::from_utf8(call.request.body().to_vec()).unwrap()
}

fn waits(progress: &Progress) -> u64 {
    match progress {
        Progress::Next(wait) => wait.as_secs(),
        Progress::Done(_) => panic!("done"),
    }
}

fn refusal(progress: Progress) -> TokenRefusal {
    match progress {
        Progress::Done(TokenReply::Refused(refusal)) => refusal,
        _ => panic!("no refusal"),
    }
}

fn later(progress: Progress) -> String {
    match progress {
        Progress::Done(TokenReply::Later(_, code)) => code,
        _ => panic!("not later"),
    }
}

fn vm() -> AzurePlatform {
    AzurePlatform::Vm {
        host: "http://169.254.169.254".to_owned(),
    }
}

fn arc() -> AzurePlatform {
    AzurePlatform::Arc {
        endpoint: "http://127.0.0.1:40342/metadata/identity/oauth2/token".to_owned(),
        keys: PathBuf::from(KEYS),
    }
}

fn app_service() -> AzurePlatform {
    AzurePlatform::AppService {
        endpoint: "http://127.0.0.1:41/msi/token".to_owned(),
        header: SecretString::from("shown"),
    }
}

#[test]
fn each_secret_is_tried_once_and_the_next_token_begins_with_the_first() {
    let secret = |name: &str| ClientSecret {
        name: name.to_owned(),
        text: SecretString::from(format!("{name}-secret")),
    };
    let mut errand = Errand::of(Credential::Secrets(vec![secret("new"), secret("old")]));
    assert!(form(&errand.next()).contains("client_secret=new-secret"));
    assert_eq!(waits(&errand.hears(&error(7_000_215), NOW)), 0);
    assert!(form(&errand.next()).contains("client_secret=old-secret"));
    let granted = errand.hears(&answer(200, r#"{"access_token":"a.b.c"}"#), NOW);
    assert!(matches!(granted, Progress::Done(TokenReply::Granted(_))));
    let credential = errand.credential.clone();
    assert_eq!(errand.acquisition.in_use(&credential), Some("old"));
    assert!(form(&errand.next()).contains("client_secret=new-secret"));
    assert_eq!(waits(&errand.hears(&error(7_000_222), NOW)), 0);
    errand.next();
    let refused = refusal(errand.hears(&error(7_000_215), NOW));
    assert!(
        refused
            .words()
            .ends_with("each of the secrets was refused (new: AADSTS7000222, old: AADSTS7000215)"),
        "{refused}"
    );
    // What is not the secret's fault is not tried with another.
    errand.next();
    assert_eq!(
        refusal(errand.hears(&error(700_016), NOW)).code,
        "AADSTS700016"
    );
    errand.next();
    assert_eq!(later(errand.hears(&answer(503, ""), NOW)), "http-503");
}

fn json(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn lines(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[test]
fn an_assertion_says_what_is_documented_and_is_good_for_ten_minutes() {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.not_after = date_time_ymd(2035, 12, 31);
    let certificate = params.self_signed(&key).unwrap();
    let pair = read_pair(
        lines("CERTIFICATE", certificate.der()).as_bytes(),
        lines("PRIVATE KEY", &key.serialize_der()).as_bytes(),
    );
    let pair = pair.ok().unwrap();
    for chain in [false, true] {
        let own = AppCertificate::new("app.pem".to_owned(), &pair, chain)
            .ok()
            .unwrap();
        assert_eq!(own.valid.last_day(), "2035-12-31");
        let mut errand = Errand::of(Credential::Certificate(Box::new(own)));
        let form = form(&errand.next());
        assert!(form.contains(
            "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=ey"
        ));
        assert!(!form.contains("client_secret"));
        let jwt = form.split("client_assertion=").nth(1).unwrap();
        let jwt = jwt.split('&').next().unwrap();
        let parts: Vec<_> = jwt.split('.').collect();
        let head = json(parts[0]);
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
        assert_eq!(
            (&head["alg"], &head["typ"], &head["x5t#S256"]),
            (&"PS256".into(), &"JWT".into(), &thumbprint.into())
        );
        assert_eq!(head["x5c"].as_array().map(Vec::len), chain.then_some(1));
        let second = NOW.millis() / 1000;
        assert_eq!(
            json(parts[1]),
            serde_json::json!({
                "aud": "https://login.microsoftonline.com/corp.example/oauth2/v2.0/token", "iss": "app", "sub": "app",
                "jti": Uuid::from_u128(7).to_string(), "nbf": second, "iat": second, "exp": second + 600
            })
        );
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[test]
fn each_platform_is_asked_in_its_own_words_and_never_through_a_proxy() {
    let defender = "resource=https%3A%2F%2Fapi.securitycenter.microsoft.com";
    let id = || IdentityName::ResourceId("/a/b".to_owned());
    for (which, platform, uri) in [
        (
            IdentityName::System,
            vm(),
            format!(
                "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&{defender}"
            ),
        ),
        (
            id(),
            vm(),
            format!(
                "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&{defender}&msi_res_id=%2Fa%2Fb"
            ),
        ),
        (
            id(),
            app_service(),
            format!(
                "http://127.0.0.1:41/msi/token?api-version=2019-08-01&{defender}&mi_res_id=%2Fa%2Fb"
            ),
        ),
        (
            IdentityName::ClientId("c".to_owned()),
            app_service(),
            format!("http://127.0.0.1:41/msi/token?api-version=2019-08-01&{defender}&client_id=c"),
        ),
        (
            IdentityName::ObjectId("o".to_owned()),
            vm(),
            format!(
                "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&{defender}&object_id=o"
            ),
        ),
        (
            IdentityName::System,
            arc(),
            format!(
                "http://127.0.0.1:40342/metadata/identity/oauth2/token?api-version=2020-06-01&{defender}"
            ),
        ),
    ] {
        let shows = matches!(platform, AzurePlatform::AppService { .. });
        let call = Errand::of_identity(which, platform).next();
        assert_eq!(call.request.uri().to_string(), uri);
        assert_eq!(call.request.method(), http::Method::GET);
        assert_eq!(text(call.request.headers(), "metadata"), "true");
        assert_eq!(
            text(call.request.headers(), "x-identity-header") == "shown",
            shows
        );
        assert!(call.request.extensions().get::<Direct>().is_some());
        assert!(
            !format!("{:?}", call.request).contains("shown"),
            "it is marked as sensitive"
        );
    }
}

#[test]
fn a_platform_is_asked_again_as_documented_and_then_left_alone() {
    for status in [404, 429, 500, 503] {
        let mut errand = Errand::of_identity(IdentityName::System, vm());
        for wait in [0, 2, 6, 14, 30] {
            errand.next();
            assert_eq!(
                waits(&errand.hears(&answer(status, ""), NOW)),
                wait,
                "{status}"
            );
        }
        errand.next();
        let code = later(errand.hears(&answer(status, ""), after(52)));
        assert_eq!(code, format!("identity-http-{status}"));
    }
    let mut errand = Errand::of_identity(IdentityName::System, vm());
    for _ in 0..5 {
        errand.next();
        errand.hears(&answer(410, ""), NOW);
    }
    errand.next();
    assert_eq!(
        waits(&errand.hears(&answer(410, ""), after(52))),
        18,
        "until 70 s are over"
    );
    errand.next();
    assert_eq!(
        later(errand.hears(&answer(410, ""), after(70))),
        "identity-http-410"
    );
    errand.next();
    let refused = refusal(errand.hears(&answer(400, r#"{"error":"invalid_request"}"#), NOW));
    assert_eq!(refused.code, "identity-http-400");
    assert!(
        refused.words().contains("it says: invalid_request"),
        "{refused}"
    );
}

#[test]
fn texts_and_numbers_are_read_and_so_is_an_end_instead_of_a_lifetime() {
    let ends = NOW.millis() / 1000 + 3600;
    for body in [
        r#""expires_in":"3600","expires_on":"1""#.to_owned(),
        r#""expires_in":3600"#.to_owned(),
        format!(r#""expires_on":"{ends}""#),
        format!(r#""expires_on":{ends}"#),
    ] {
        let mut errand = Errand::of_identity(IdentityName::System, app_service());
        errand.next();
        let body = format!(r#"{{"access_token":"a.b.c",{body}}}"#);
        let Progress::Done(TokenReply::Granted(token)) = errand.hears(&answer(200, &body), NOW)
        else {
            panic!("{body}")
        };
        assert_eq!(token.expires.since(NOW).as_secs(), 3600, "{body}");
    }
}

fn challenge(realm: &str) -> Response<Bytes> {
    let mut answer = answer(401, "");
    let value = format!("Basic realm={realm}").parse().unwrap();
    answer.headers_mut().insert(WWW_AUTHENTICATE, value);
    answer
}

#[test]
fn the_agent_of_arc_is_shown_its_own_key_once_and_no_other_file() {
    let mut errand = Errand::of_identity(IdentityName::System, arc());
    assert!(errand.next().file.is_none());
    assert_eq!(
        waits(&errand.hears(&challenge(&format!("{KEYS}/1.key")), NOW)),
        0
    );
    let call = errand.next();
    let file = call.file.unwrap();
    assert_eq!(
        (file.path.clone(), file.most),
        (PathBuf::from(format!("{KEYS}/1.key")), 4096)
    );
    let request = file
        .complete(call.request, Ok(b"the-key\n".to_vec()))
        .unwrap()
        .request;
    assert_eq!(
        text(request.headers(), AUTHORIZATION.as_str()),
        "Basic the-key"
    );
    assert!(!format!("{request:?}").contains("the-key"));
    let again = errand.hears(&challenge(&format!("{KEYS}/1.key")), NOW);
    assert_eq!(
        refusal(again).code,
        "arc-key-refused",
        "it would go on for ever"
    );
    for elsewhere in [
        "/etc/shadow",
        "/etc/shadow.key",
        "/var/opt/azcmagent/tokens/1.txt",
        "/var/opt/azcmagent/tokens/../1.key",
        "/var/opt/azcmagent/tokens/below/1.key",
        "1.key",
    ] {
        errand.next();
        let refused = refusal(errand.hears(&challenge(elsewhere), NOW));
        assert_eq!(refused.code, "arc-key-file", "{elsewhere}");
    }
    errand.next();
    assert_eq!(
        refusal(errand.hears(&answer(401, ""), NOW)).code,
        "arc-key-refused"
    );
}

#[test]
fn the_token_of_a_file_goes_as_it_is_but_for_the_break_at_its_end() {
    let path = PathBuf::from("/run/token");
    let mut errand = Errand::of(Credential::FederatedToken { path });
    let mut complete = |content: io::Result<&[u8]>| {
        let call = errand.next();
        let content = content.map(<[u8]>::to_vec);
        let completed = call.file.unwrap().complete(call.request, content)?;
        Ok(String::from_utf8(completed.request.body().to_vec()).unwrap())
    };
    let form = complete(Ok(b"a.b-_.c\r\n")).unwrap();
    assert!(form.ends_with("&client_assertion=a.b-_.c"), "{form}");
    assert!(form.contains("client_assertion_type=urn"), "{form}");
    let long = vec![b'a'; 70_000];
    for (content, trouble) in [
        (Ok(&b""[..]), FileTrouble::Empty),
        (Ok(b"\n"), FileTrouble::Empty),
        (Ok(b"a b"), FileTrouble::NotText),
        (Ok(b"\xff\xfe"), FileTrouble::NotText),
        (Ok(&long), FileTrouble::TooLong),
        (Err(io::ErrorKind::NotFound.into()), FileTrouble::Missing),
        (
            Err(io::ErrorKind::PermissionDenied.into()),
            FileTrouble::Unreadable,
        ),
    ] {
        assert_eq!(complete(content), Err(trouble));
        assert_eq!(FileTrouble::of_code(trouble.code()), Some(trouble));
    }
}

#[test]
fn the_identitys_token_is_the_apps_assertion() {
    let mut errand = Errand::of(Credential::FederatedIdentity(ManagedIdentity {
        which: IdentityName::System,
        platform: vm(),
    }));
    let asked = errand.next().request.uri().to_string();
    assert!(
        asked.ends_with("resource=api%3A%2F%2FAzureADTokenExchange"),
        "{asked}"
    );
    assert!(errand.acquisition.asks_platform());
    let of_identity = answer(200, r#"{"access_token":"i.d.t","expires_in":"3599"}"#);
    assert_eq!(waits(&errand.hears(&of_identity, NOW)), 0);
    assert!(!errand.acquisition.asks_platform());
    let form = form(&errand.next());
    assert!(
        form.contains("client_id=app&") && form.contains("&client_assertion=i.d.t&"),
        "{form}"
    );
    assert_eq!(
        refusal(errand.hears(&error(700_016), NOW)).code,
        "AADSTS700016"
    );
    errand.next();
    assert!(errand.acquisition.asks_platform(), "it begins anew");
}

fn person() -> UserSignIn {
    UserSignIn {
        token_file: PathBuf::from("/secrets/berlin"),
        reads: ReadScope::Read,
        tenant: "berlin".to_owned(),
    }
}

/// A renewal with what the file holds: what leaves, with the renewal that it is.
fn renews(errand: &mut Errand, held: &str) -> (PathBuf, Result<CompletedCall, FileTrouble>) {
    let call = errand.next();
    let insert = call.file.unwrap();
    let completed = insert.complete(call.request, Ok(held.as_bytes().to_vec()));
    let renewal = completed
        .as_ref()
        .ok()
        .map(|call| call.renewal.as_ref().unwrap().used());
    errand.acquisition.left_with(renewal);
    (insert.path, completed)
}

#[test]
fn a_persons_refresh_token_goes_with_the_scopes_and_without_a_secret() {
    let mut errand = Errand::of(Credential::User(person()));
    let (path, call) = renews(&mut errand, "0.old-token\n");
    assert_eq!(path, PathBuf::from("/secrets/berlin"));
    let form = String::from_utf8(call.unwrap().request.body().to_vec()).unwrap();
    assert_eq!(
        form,
        "grant_type=refresh_token&client_id=app&scope=https%3A%2F%2Fapi.securitycenter.microsoft.com%2FMachine.Scan%20\
         https%3A%2F%2Fapi.securitycenter.microsoft.com%2FMachine.Read%20offline_access&refresh_token=0.old-token"
    );
}

#[test]
fn a_refused_renewal_tries_the_token_before_and_then_asks_for_a_sign_in() {
    for (error, code) in [
        (
            r#"{"error":"invalid_grant","error_codes":[700082]}"#,
            "AADSTS700082",
        ),
        (
            r#"{"error":"interaction_required","error_codes":[50076]}"#,
            "AADSTS50076",
        ),
        (
            r#"{"error":"invalid_grant","error_codes":[65001]}"#,
            "AADSTS65001",
        ),
        (r#"{"error":"invalid_grant"}"#, "invalid_grant"),
        (
            r#"{"error":"strange","error_codes":["50173"]}"#,
            "AADSTS50173",
        ),
    ] {
        let mut errand = Errand::of(Credential::User(person()));
        assert!(renews(&mut errand, "one").1.is_ok());
        assert_eq!(waits(&errand.hears(&answer(400, error), NOW)), 0, "{error}");
        assert!(errand.acquisition.goes_back());
        let (path, call) = renews(&mut errand, "zero");
        assert_eq!(path, PathBuf::from("/secrets/berlin.previous"));
        assert!(call.is_ok());
        let refusal = refusal(errand.hears(&answer(400, r#"{"error":"invalid_grant"}"#), NOW));
        assert_eq!(refusal.code, code, "the last one's refusal is told");
        assert!(
            refusal
                .words()
                .ends_with("sign in again: scanhook login --tenant berlin"),
            "{}",
            refusal.words()
        );
        let again = renews(&mut errand, "one").1;
        assert_eq!(
            again.err(),
            Some(FileTrouble::Unchanged),
            "it is not sent twice"
        );
        assert!(renews(&mut errand, "two").1.is_ok(), "a new sign-in is");
    }
}

#[test]
fn a_refused_token_is_sent_again_after_a_minute() {
    let mut errand = Errand::of(Credential::User(person()));
    assert!(renews(&mut errand, "one").1.is_ok());
    let refused = answer(401, r#"{"error":"invalid_client","error_codes":[7000218]}"#);
    let refusal = refusal(errand.hears(&refused, NOW.moved(-60_000)));
    assert!(
        refusal.words().contains("Allow public client flows"),
        "{refusal}"
    );
    assert!(!refusal.words().contains("report"), "{refusal}");
    assert!(renews(&mut errand, "one").1.is_ok());
}

#[test]
fn a_successor_is_kept_in_steps_none_of_which_loses_the_sign_in() {
    let mut errand = Errand::of(Credential::User(person()));
    let call = renews(&mut errand, "old\n").1.unwrap();
    let renewal = call.renewal.unwrap();
    let http = |body: &str| Answer::Http(answer(200, body));
    let granted = http(r#"{"access_token":"a.b.c","refresh_token":"new"}"#);
    let steps = renewal.steps(&granted, Ok(b"old\n".to_vec())).ok().unwrap();
    let mut files = BTreeMap::from([(PathBuf::from("/secrets/berlin"), "old".to_owned())]);
    for step in &steps {
        match step {
            FileStep::Write(path, text) => {
                drop(files.insert(path.clone(), text.expose_secret().to_owned()));
            }
            FileStep::Rename(from, to) => {
                let text = files.remove(from).unwrap();
                files.insert(to.clone(), text);
            }
            FileStep::Remove(path) => drop(files.remove(path)),
            FileStep::Sync(_) => {}
        }
        let held = files.get(&PathBuf::from("/secrets/berlin")).unwrap();
        assert!(held == "old" || held == "new");
    }
    assert_eq!(
        files.into_iter().collect::<Vec<_>>(),
        [
            (PathBuf::from("/secrets/berlin"), "new".to_owned()),
            (PathBuf::from("/secrets/berlin.previous"), "old".to_owned())
        ]
    );
    let other = renewal.steps(&granted, Ok(b"of another sign-in".to_vec()));
    assert_eq!(other.err(), Some(FileTrouble::Replaced));
    for none in [
        http(r#"{"access_token":"a.b.c"}"#),
        http(r#"{"access_token":"a.b.c","refresh_token":"old"}"#),
        Answer::Http(answer(400, r#"{"refresh_token":"new"}"#)),
        Answer::Unknown("timeout".to_owned()),
    ] {
        assert!(!renewal.is_due(&none));
        assert!(
            renewal
                .steps(&none, Ok(Vec::new()))
                .ok()
                .unwrap()
                .is_empty()
        );
    }
}
