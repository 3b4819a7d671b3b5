//! An issuer of OpenID Connect, played over real HTTP: it keeps codes, holds the verifier against its challenge, takes a code
//! once, and signs what the test wants it to say.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use axum::Router;
use axum::extract::{Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const APP: &str = "9c1f0d52-7a3e-4a55-8e0b-5d2f6c7a8b90";
pub const SECRET: &str = "the secret of the app & more";

pub enum SigningPair {
    Rsa(RsaPair),
    Ec(EcdsaKeyPair),
}

/// How a token is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    Honest,
    /// By a key that the issuer does not publish, under the id of one that it does.
    Forged,
    /// `alg: none`.
    Not,
    /// With the app's secret.
    Shared,
}

pub struct PlayedIssuer {
    pub at: SocketAddr,
    play: Arc<Mutex<Play>>,
    task: JoinHandle<()>,
}

impl Drop for PlayedIssuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Play {
    url: String,
    keys: Vec<(String, SigningPair)>,
    /// By code: what the sign-in was begun with.
    codes: BTreeMap<String, BTreeMap<String, String>>,
    /// What the next tokens say beside or instead; null: not at all.
    says: Value,
    signing: Signing,
    /// Which ways of showing the secret its metadata names.
    methods: Option<Vec<&'static str>>,
    asked: Vec<String>,
    down: bool,
    /// What its metadata say instead.
    metadata: Value,
    /// How the secret was shown.
    shown: Vec<&'static str>,
}

type Pairs = BTreeMap<String, String>;

impl PlayedIssuer {
    pub async fn open() -> PlayedIssuer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let play = Arc::new(Mutex::new(Play {
            url: format!("http://{at}/v2.0"),
            keys: vec![("first".to_owned(), rsa())],
            codes: BTreeMap::new(),
            says: json!({}),
            signing: Signing::Honest,
            methods: Some(vec!["client_secret_post", "client_secret_basic"]),
            asked: Vec::new(),
            down: false,
            metadata: json!({}),
            shown: Vec::new(),
        }));
        let answering = play.clone();
        let router = Router::new().fallback(any(move |request: Request| {
            let play = answering.clone();
            async move {
                let (head, body) = request.into_parts();
                let query: Query<Pairs> = Query::try_from_uri(&head.uri).unwrap();
                let body = axum::body::to_bytes(body, 1 << 16).await.unwrap();
                let body = String::from_utf8(body.to_vec()).unwrap();
                let form: axum::http::Uri = format!("/?{body}").parse().unwrap();
                let form: Query<Pairs> = Query::try_from_uri(&form).unwrap();
                let path = head.uri.path().to_owned();
                play.lock()
                    .unwrap()
                    .answer(&path, &query.0, &head.headers, &form.0)
            }
        }));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        PlayedIssuer { at, play, task }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Play) -> T) -> T {
        look(&mut self.play.lock().unwrap())
    }

    pub fn url(&self) -> String {
        self.with(|play| play.url.clone())
    }

    /// What the next tokens say beside or instead of the usual.
    pub fn says(&self, claims: Value) {
        self.with(|play| play.says = claims);
    }

    pub fn signs(&self, signing: Signing) {
        self.with(|play| play.signing = signing);
    }

    pub fn takes_secret_by(&self, methods: Option<Vec<&'static str>>) {
        self.with(|play| play.methods = methods);
    }

    pub fn publishes(&self, metadata: Value) {
        self.with(|play| play.metadata = metadata);
    }

    pub fn set_down(&self, down: bool) {
        self.with(|play| play.down = down);
    }

    /// Signs with another key from now on, and no longer publishes the old one.
    pub fn rotates(&self, id: &str, pair: SigningPair) {
        self.with(|play| play.keys = vec![(id.to_owned(), pair)]);
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.with(|play| play.asked.iter().filter(|asked| *asked == path).count())
    }

    pub fn shown(&self) -> Vec<&'static str> {
        self.with(|play| play.shown.clone())
    }

    /// A token that says what it is told to, as a proxy would send it along.
    pub fn token(&self) -> String {
        self.with(|play| play.token(None))
    }
}

pub fn rsa() -> SigningPair {
    SigningPair::Rsa(RsaPair::generate(KeySize::Rsa2048).unwrap())
}

pub fn p256() -> SigningPair {
    SigningPair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
}

impl SigningPair {
    const fn algorithm(&self) -> &'static str {
        match self {
            SigningPair::Rsa(_) => "RS256",
            SigningPair::Ec(_) => "ES256",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            SigningPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            SigningPair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            SigningPair::Rsa(pair) => {
                let public = pair.public_key();
                let n = part(public.modulus().big_endian_without_leading_zero());
                let e = part(public.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": n, "e": e })
            }
            SigningPair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": part(x), "y": part(y) })
            }
        }
    }
}

impl Play {
    fn answer(&mut self, path: &str, query: &Pairs, headers: &HeaderMap, form: &Pairs) -> Response {
        self.asked.push(path.to_owned());
        if self.down {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        match path {
            "/v2.0/.well-known/openid-configuration" => self.metadata().to_string().into_response(),
            "/keys" => {
                let keys = self.keys.iter().map(|(kid, pair)| pair.jwk(kid));
                json!({ "keys": keys.collect::<Vec<_>>() })
                    .to_string()
                    .into_response()
            }
            "/authorize" => self.authorize(query),
            "/token" => self.redeem(headers, form),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn metadata(&self) -> Value {
        let at = self.url.trim_end_matches("/v2.0");
        let mut metadata = json!({
            "issuer": self.url, "authorization_endpoint": format!("{at}/authorize"),
            "token_endpoint": format!("{at}/token"), "jwks_uri": format!("{at}/keys"),
            "scopes_supported": ["openid", "profile", "email"],
        });
        if let Some(methods) = &self.methods {
            metadata["token_endpoint_auth_methods_supported"] = json!(methods);
        }
        merge(&mut metadata, &self.metadata);
        metadata
    }

    /// Somebody signs in here and is sent back.
    fn authorize(&mut self, query: &Pairs) -> Response {
        for (key, value) in [
            ("response_type", "code"),
            ("client_id", APP),
            ("code_challenge_method", "S256"),
            ("scope", "openid profile"),
        ] {
            assert_eq!(query[key], value, "{key}");
        }
        assert!(query["nonce"].len() >= 43 && query["state"].len() >= 43);
        let code = format!("code-{}", self.codes.len() + self.asked.len());
        self.codes.insert(code.clone(), query.clone());
        let to = format!(
            "{}?code={code}&state={}",
            query["redirect_uri"], query["state"]
        );
        (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
    }

    fn redeem(&mut self, headers: &HeaderMap, form: &Pairs) -> Response {
        let refused = |error: &str| {
            (
                StatusCode::BAD_REQUEST,
                json!({ "error": error }).to_string(),
            )
                .into_response()
        };
        let basic = headers.get(header::AUTHORIZATION).map(|line| {
            let pair = line.to_str().unwrap().strip_prefix("Basic ").unwrap();
            let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
            let (id, secret) = pair.split_once(':').unwrap();
            let decoded = |text: &str| {
                percent_encoding::percent_decode_str(text)
                    .decode_utf8()
                    .unwrap()
                    .into_owned()
            };
            (decoded(id), decoded(secret))
        });
        let by = match &basic {
            Some(_) => "client_secret_basic",
            None => "client_secret_post",
        };
        self.shown.push(by);
        let posted = || (form["client_id"].clone(), form["client_secret"].clone());
        if basic.unwrap_or_else(posted) != (APP.to_owned(), SECRET.to_owned()) {
            return refused("invalid_client");
        }
        // A code is taken once.
        let Some(begun) = self.codes.remove(&form["code"]) else {
            return refused("invalid_grant");
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        if challenge != begun["code_challenge"] || form["redirect_uri"] != begun["redirect_uri"] {
            return refused("invalid_grant");
        }
        assert_eq!(form["grant_type"], "authorization_code");
        let token = self.token(Some(&begun["nonce"]));
        let answer = json!({ "token_type": "Bearer", "access_token": "opaque", "id_token": token });
        answer.to_string().into_response()
    }

    fn token(&self, nonce: Option<&str>) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.url, "aud": APP, "sub": "AAAA-anna", "iat": now, "nbf": now, "exp": now + 3600,
            "preferred_username": "anna@corp.example", "name": "Anna", "roles": ["scanhook.operator"],
            "tid": super::super::harness::TENANT,
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        merge(&mut claims, &self.says);
        let (kid, pair) = self.keys.last().unwrap();
        let algorithm = match self.signing {
            Signing::Not => "none",
            Signing::Shared => "HS256",
            Signing::Honest | Signing::Forged => pair.algorithm(),
        };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "typ": "JWT", "alg": algorithm, "kid": kid });
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = match self.signing {
            Signing::Honest => pair.sign(message.as_bytes()),
            Signing::Forged => rsa().sign(message.as_bytes()),
            Signing::Not => Vec::new(),
            Signing::Shared => {
                let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
                mac.update(message.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Members of the second over those of the first; null takes one away.
fn merge(into: &mut Value, over: &Value) {
    for (key, value) in over.as_object().unwrap() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(key);
        } else {
            into[key] = value.clone();
        }
    }
}
