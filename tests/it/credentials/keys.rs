//! Pairs of keys, as their files hold them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{
    CertificateParams, KeyPair, PKCS_RSA_SHA256, PublicKeyData as _, RsaKeySize, date_time_ymd,
};
use serde_json::json;

/// Who speaks for workloads.
pub const ISSUER: &str = "https://kubernetes.example";

/// A pair of keys that nobody else has.
pub struct Keys(KeyPair);

impl Keys {
    pub fn new() -> Keys {
        Keys(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap())
    }

    pub fn private_pem(&self) -> String {
        pem("PRIVATE KEY", &self.0.serialize_der())
    }

    pub fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.0.subject_public_key_info())
    }

    /// A certificate of its own that ends with this year's last day.
    pub fn certificate(&self, last_year: i32) -> String {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        pem("CERTIFICATE", params.self_signed(&self.0).unwrap().der())
    }

    /// What an issuer says of a workload, good for an hour.
    pub fn assertion(&self, subject: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({ "iss": ISSUER, "sub": subject, "aud": "api://AzureADTokenExchange", "nbf": now, "iat": now,
                             "exp": now + 3600 });
        let key = EncodingKey::from_rsa_pem(self.private_pem().as_bytes()).unwrap();
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| core::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
