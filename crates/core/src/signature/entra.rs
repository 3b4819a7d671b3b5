//! A token of Microsoft Entra ID, as a Logic App with a managed identity presents it. The algorithm is fixed, the keys
//! come from the configured authority and never from the token, and who may speak is configured.

use core::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, dangerous::insecure_decode_claims, decode, decode_header};
use serde::Deserialize;

use super::keyring::{Keyring, signature_only};
use super::refused::{Failure, Refused};
use crate::time::Timestamp;

/// How far Entra's clock may be from ours: what Microsoft's own libraries grant.
pub const LEEWAY: Duration = Duration::from_secs(300);

/// Whose tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entra {
    /// Where the keys are: the name of their ring.
    pub keys: String,
    /// Who may have issued it; any of these.
    pub issuers: Vec<String>,
    /// For whom it must be; any of these.
    pub audiences: Vec<String>,
    /// The tenant's id, lower case.
    pub tenant_id: String,
    /// It must hold one of these app roles. Empty: none is asked for.
    pub roles: Vec<String>,
    /// It must be of one of these apps, lower case. Empty: of any.
    pub apps: Vec<String>,
    /// Its subject must be one of these directory objects, lower case. Empty: any.
    pub objects: Vec<String>,
}

/// What a token says; only these members are looked at.
#[derive(Deserialize)]
struct SenderClaims {
    iss: String,
    aud: Audiences,
    tid: String,
    exp: i64,
    #[serde(default)]
    nbf: i64,
    #[serde(default)]
    roles: Vec<String>,
    /// The app, in tokens of version 1.
    appid: Option<String>,
    /// The app, in tokens of version 2.
    azp: Option<String>,
    /// The directory object: for a managed identity, its service principal.
    oid: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

impl SenderClaims {
    fn app(&self) -> Option<String> {
        self.azp
            .as_ref()
            .or(self.appid.as_ref())
            .map(|app| app.to_ascii_lowercase())
    }
}

impl Entra {
    /// Who presents this token: its app, as it may be logged.
    ///
    /// # Errors
    /// [`Refused::KeyUnknown`] if the key is not there, with what is wrong about the token otherwise.
    pub(super) fn holds(
        &self,
        token: &[u8],
        ring: Option<&Keyring>,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let unreadable = || Failure::of("the token is not a JSON Web Token of Entra ID");
        let header = decode_header(token).map_err(|_| unreadable())?;
        if header.alg != Algorithm::RS256 {
            return Err(Failure::of("the token is not signed with RS256").into());
        }
        // Nothing that an issuer calls critical is understood here.
        if header.crit.is_some() {
            return Err(unreadable().into());
        }
        let kid = header.kid.ok_or(Failure::of("the token names no key"))?;
        let Some(key) = ring.and_then(|ring| ring.key(&kid, Algorithm::RS256)) else {
            // Believed by nobody: it only spares strangers' tokens the question for their key, and tells the operator why.
            let claimed: Result<SenderClaims, _> = insecure_decode_claims(token);
            let fault = claimed
                .map_err(|_| unreadable())
                .and_then(|claimed| self.allows(&claimed, now))
                .err();
            return Err(Refused::KeyUnknown(fault));
        };
        let proved = decode::<SenderClaims>(token, key, &signature_only(Algorithm::RS256));
        let claims = proved.map_err(|error| unproved(error.kind()))?.claims;
        self.allows(&claims, now)?;
        let app = claims.app().or(claims.oid).unwrap_or_default();
        Ok(app
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(64)
            .collect())
    }

    fn allows(&self, claims: &SenderClaims, now: Timestamp) -> Result<(), Failure> {
        let check = |holds: bool, check: &'static str| {
            if holds {
                Ok(())
            } else {
                Err(Failure::of(check))
            }
        };
        check(
            self.issuers.contains(&claims.iss),
            "the token is of another issuer",
        )?;
        check(
            claims.tid.to_ascii_lowercase() == self.tenant_id,
            "the token is of another tenant",
        )?;
        let audience = match &claims.aud {
            Audiences::One(one) => self.audiences.contains(one),
            Audiences::Many(many) => many.iter().any(|one| self.audiences.contains(one)),
        };
        check(audience, "the token is for another audience")?;
        timely(claims, now)?;
        let role =
            self.roles.is_empty() || claims.roles.iter().any(|role| self.roles.contains(role));
        check(role, "the token has none of the roles asked for")?;
        let app = self.apps.is_empty() || claims.app().is_some_and(|app| self.apps.contains(&app));
        check(app, "the token is of another app")?;
        let object = claims.oid.as_ref().map(|oid| oid.to_ascii_lowercase());
        let object =
            self.objects.is_empty() || object.is_some_and(|oid| self.objects.contains(&oid));
        check(object, "the token is of another identity")
    }
}

/// A token without the claims that are asked for is told apart from a forged one.
const fn unproved(why: &ErrorKind) -> Failure {
    match why {
        ErrorKind::InvalidSignature => Failure::of("the token's signature does not fit its key"),
        _ => Failure::of("the token is not a JSON Web Token of Entra ID"),
    }
}

fn timely(claims: &SenderClaims, now: Timestamp) -> Result<(), Failure> {
    let seconds = now.millis().div_euclid(1000);
    let leeway = i64::try_from(LEEWAY.as_secs()).unwrap_or(0);
    if claims.exp <= seconds.saturating_sub(leeway) {
        let ahead = Some(claims.exp.saturating_sub(seconds));
        return Err(Failure {
            check: "the token has expired",
            ahead,
        });
    }
    if claims.nbf > seconds.saturating_add(leeway) {
        let ahead = Some(claims.nbf.saturating_sub(seconds));
        return Err(Failure {
            check: "the token is not valid yet",
            ahead,
        });
    }
    Ok(())
}
