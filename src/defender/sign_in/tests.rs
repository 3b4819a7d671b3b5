#![allow(clippy::unwrap_used, clippy::panic)]
use std::path::PathBuf;

use super::*;
use crate::defender::delegated::ReadScope;

const NOW: Timestamp = Timestamp::from_millis(1_793_606_400_000);

fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

fn with<T>(act: impl FnOnce(SignIn<'_>) -> T) -> T {
    let user = UserSignIn {
        token_file: PathBuf::from("/t"),
        reads: ReadScope::Nothing,
        tenant: "berlin".to_owned(),
    };
    act(SignIn {
        endpoints: &Endpoints::commercial(),
        tenant_id: "corp.example",
        client_id: "app",
        user: &user,
    })
}

fn form(request: &Request<Bytes>) -> String {
    String::from_utf8(request.body().to_vec()).unwrap()
}

const FIELDS: &str = "client_id=app&scope=https%3A%2F%2Fapi.securitycenter.microsoft.com%2FMachine.Scan%20offline_access";

#[test]
fn the_requests_hold_what_is_documented_and_no_secret_of_the_app() {
    let code = answer(
        200,
        r#"{"device_code":"d/c","user_code":"AB\u001bCD","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":"7"}"#,
    );
    with(|sign_in| {
        let place = sign_in.device();
        let to = "https://login.microsoftonline.com/corp.example/oauth2/v2.0/devicecode";
        assert_eq!(
            (place.uri().to_string().as_str(), form(&place)),
            (to, FIELDS.to_owned())
        );
        let code = sign_in.code(&code, NOW).ok().unwrap();
        assert_eq!(
            (
                code.code.as_str(),
                code.interval.as_secs(),
                code.life.as_secs()
            ),
            ("AB CD", 7, 900)
        );
        assert_eq!(
            form(&sign_in.entered(&code)),
            format!(
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&{FIELDS}&device_code=d%2Fc"
            )
        );
    });
}

#[test]
fn a_browsers_code_is_tied_to_verifier_and_state() {
    let proof = BrowserProof::of(&core::array::from_fn(|n| n as u8));
    with(|sign_in| {
        let page = sign_in.page(&proof, "http://localhost:7");
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(proof.verifier.expose_secret()));
        for part in [
            "/oauth2/v2.0/authorize?client_id=app&",
            "response_type=code&",
            "redirect_uri=http%3A%2F%2Flocalhost%3A7&",
            "code_challenge_method=S256",
            &format!("code_challenge={challenge}&"),
            &format!("state={}&", proof.state),
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains(proof.verifier.expose_secret()));
        assert!((43..=128).contains(&proof.verifier.expose_secret().len()));
        let redeemed = form(&sign_in.brought("c+d", &proof, "http://localhost:7"));
        assert!(
            redeemed.contains("grant_type=authorization_code&"),
            "{redeemed}"
        );
        assert!(redeemed.contains("&code=c%2Bd&"), "{redeemed}");
        assert!(redeemed.ends_with(&format!("code_verifier={}", proof.verifier.expose_secret())));
    });
}

#[test]
fn what_a_question_for_the_code_is_answered_decides() {
    let of = |status: u16, body: &str| with(|sign_in| sign_in.reply(&answer(status, body), NOW));
    let word = |error: &str| {
        of(
            400,
            &format!(r#"{{"error":"{error}","error_codes":[70016]}}"#),
        )
    };
    assert!(matches!(
        word("authorization_pending"),
        SignInReply::Pending
    ));
    assert!(matches!(word("slow_down"), SignInReply::TooFast));
    assert!(matches!(
        word("authorization_declined"),
        SignInReply::Declined
    ));
    assert!(matches!(word("expired_token"), SignInReply::Expired));
    assert!(matches!(of(503, ""), SignInReply::Later(_)));
    let SignInReply::Refused(refusal) =
        of(401, r#"{"error":"invalid_client","error_codes":[7000218]}"#)
    else {
        panic!("refused");
    };
    assert!(
        refusal.words().contains("Allow public client flows"),
        "{refusal}"
    );
    let token = |claims: &str| format!("e30.{}.s", URL_SAFE_NO_PAD.encode(claims));
    let (access, id) = (
        token(r#"{"scp":"Machine.Scan Machine.Read"}"#),
        token(r#"{"preferred_username":"anna@corp.example"}"#),
    );
    let granted = of(
        200,
        &format!(r#"{{"access_token":"{access}","id_token":"{id}","refresh_token":"r-1"}}"#),
    );
    let SignInReply::SignedIn(signed_in) = granted else {
        panic!("signed in");
    };
    assert_eq!(
        signed_in.claims.account.as_deref(),
        Some("anna@corp.example")
    );
    assert_eq!(signed_in.claims.roles, ["Machine.Scan", "Machine.Read"]);
    assert_eq!(signed_in.refresh_token.unwrap().expose_secret(), "r-1");
}
