//! Entra ID as far as it publishes keys and signs tokens, with keys of our own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scanhook::server::limits::Limits;
use scanhook::server::listener::serve;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::TENANT;

pub struct Issuer {
    pub at: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    _stop: watch::Sender<bool>,
}

#[derive(Default)]
struct Shared {
    keys: Vec<(String, KeyPair)>,
    /// The paths it was asked for.
    asked: Vec<String>,
    down: bool,
}

impl Issuer {
    pub async fn open() -> Issuer {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let answering = shared.clone();
        let router = Router::new().fallback(any(move |uri: axum::http::Uri| {
            let answer = answering.lock().unwrap().answer(uri.path());
            async move { answer }
        }));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(serve(
            socket,
            router,
            Limits::default(),
            Default::default(),
            stopping,
        ));
        let authority = Issuer {
            at,
            shared,
            _stop: stop,
        };
        authority.publish("first");
        authority
    }

    /// Makes a key, publishes it, and signs with it from now on.
    pub fn publish(&self, kid: &str) {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        self.shared
            .lock()
            .unwrap()
            .keys
            .push((kid.to_owned(), pair));
    }

    /// No longer publishes the oldest key.
    pub fn withdraw(&self) {
        self.shared.lock().unwrap().keys.remove(0);
    }

    /// Answers nobody any more, or everybody again.
    pub fn set_down(&self, down: bool) {
        self.shared.lock().unwrap().down = down;
    }

    pub fn asked(&self) -> Vec<String> {
        self.shared.lock().unwrap().asked.clone()
    }

    /// What a managed identity's token says, now.
    pub fn claims(&self) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({
            "aud": "api://scanhook", "iss": format!("https://sts.windows.net/{TENANT}/"), "iat": now, "nbf": now,
            "exp": now + 3600, "appid": super::CLIENT, "oid": "o", "roles": ["Alert.Post"], "tid": TENANT
        })
    }

    /// A token that says this, signed with the newest key.
    pub fn token(&self, claims: &Value) -> String {
        let shared = self.shared.lock().unwrap();
        let (kid, pair) = shared.keys.last().unwrap();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": kid });
        let message = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Shared {
    fn answer(&mut self, path: &str) -> (StatusCode, String) {
        self.asked.push(path.to_owned());
        if self.down {
            return (StatusCode::SERVICE_UNAVAILABLE, String::new());
        }
        if path != format!("/{TENANT}/discovery/v2.0/keys") {
            return (StatusCode::NOT_FOUND, String::new());
        }
        let keys = self.keys.iter().map(|(kid, pair)| {
            let public = pair.public_key();
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let n = part(public.modulus().big_endian_without_leading_zero());
            json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": n,
                    "e": part(public.exponent().big_endian_without_leading_zero()) })
        });
        (
            StatusCode::OK,
            json!({ "keys": keys.collect::<Vec<_>>() }).to_string(),
        )
    }
}
