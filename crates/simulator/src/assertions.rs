//! Assertions that stand for an app in the place of a secret: signed with a registered certificate, or issued by somebody
//! whom the app's federated credentials name.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::answers::{Crafted, aadsts};
use super::far_side::Simulator;
use super::setup::{FederatedIssuer, Tenant};

/// Seconds by which clocks may differ.
const SKEW: i64 = 300;

impl Simulator {
    /// Whether an assertion proves the app, by this clock. Each is taken once.
    pub(super) fn asserted(
        &mut self,
        now: Timestamp,
        [tenant, app, assertion]: [&str; 3],
        known: &Tenant,
        request: &Request<Bytes>,
    ) -> Result<(), Crafted> {
        let mut parts = assertion.split('.').map(json_of);
        let (head, claims) = (
            parts.next().flatten().unwrap_or_default(),
            parts.next().flatten().unwrap_or_default(),
        );
        match head["x5t#S256"].as_str() {
            Some(thumbprint) => {
                signed(&head, thumbprint, assertion, known)?;
                addressed(&claims, tenant, request)?;
                if claims["iss"] != app || claims["sub"] != app {
                    return Err(aadsts("50013"));
                }
                timely(&claims, now)?;
                let jti = claims["jti"].as_str().filter(|jti| !jti.is_empty());
                let fresh = jti.is_some_and(|jti| self.taken.insert(jti.to_owned()));
                if fresh { Ok(()) } else { Err(aadsts("50013")) }
            }
            None => {
                let issuer = federated(&claims, known)?;
                let ours = self.grants.contains_key(assertion);
                let proved = match issuer.public_key.as_str() {
                    "" => ours,
                    key => DecodingKey::from_rsa_pem(key.as_bytes())
                        .is_ok_and(|key| verified(assertion, &key, Algorithm::RS256)),
                };
                if !proved {
                    return Err(aadsts("50013"));
                }
                timely(&claims, now)
            }
        }
    }
}

fn json_of(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The registered certificate of this thumbprint has signed it, with the one algorithm that is documented.
fn signed(head: &Value, thumbprint: &str, assertion: &str, known: &Tenant) -> Result<(), Crafted> {
    let of = |pem: &&String| {
        let der = der_of(pem).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(Sha256::digest(der)) == thumbprint.trim_end_matches('=')
    };
    let certificate = known.certificates.iter().find(of);
    let key = certificate.and_then(|pem| DecodingKey::from_rsa_pem(pem.as_bytes()).ok());
    let good = head["typ"] == "JWT"
        && head["alg"] == "PS256"
        && key.is_some_and(|key| verified(assertion, &key, Algorithm::PS256));
    if good { Ok(()) } else { Err(aadsts("700027")) }
}

fn der_of(pem: &str) -> Option<Vec<u8>> {
    let body = pem.split("-----").nth(2)?;
    let base64: String = body.split_whitespace().collect();
    STANDARD.decode(base64).ok()
}

/// Signed with this key; the claims are looked at elsewhere.
fn verified(assertion: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    let mut rules = Validation::new(algorithm);
    (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
    rules.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(assertion, key, &rules).is_ok()
}

/// It is meant for this token endpoint.
fn addressed(claims: &Value, tenant: &str, request: &Request<Bytes>) -> Result<(), Crafted> {
    let host = request.headers().get(header::HOST);
    let host = host
        .and_then(|host| host.to_str().ok())
        .or(request
            .uri()
            .authority()
            .map(|authority| authority.as_str()))
        .unwrap_or_default();
    let meant = claims["aud"].as_str().unwrap_or_default();
    let rest = meant.split_once("://").map_or("", |(_, rest)| rest);
    if rest == format!("{host}/{tenant}/oauth2/v2.0/token") {
        Ok(())
    } else {
        Err(aadsts("50013"))
    }
}

fn timely(claims: &Value, now: Timestamp) -> Result<(), Crafted> {
    let now = now.as_second();
    let (begins, ends) = (claims["nbf"].as_i64(), claims["exp"].as_i64());
    let begun = begins.is_none_or(|begins| begins <= now + SKEW);
    if begun && ends.is_some_and(|ends| ends > now) {
        Ok(())
    } else {
        Err(aadsts("700024"))
    }
}

/// The federated credential that issuer, subject and audience fit.
fn federated<'t>(claims: &Value, known: &'t Tenant) -> Result<&'t FederatedIssuer, Crafted> {
    let of_issuer: Vec<_> = known
        .federated
        .iter()
        .filter(|one| claims["iss"] == one.issuer.as_str())
        .collect();
    if of_issuer.is_empty() {
        return Err(aadsts("700211"));
    }
    let of_subject = of_issuer
        .iter()
        .find(|one| claims["sub"] == one.subject.as_str())
        .ok_or_else(|| aadsts("700213"))?;
    if claims["aud"] != of_subject.audience.as_str() {
        return Err(aadsts("700212"));
    }
    Ok(of_subject)
}
