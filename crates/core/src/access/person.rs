//! People as an issuer of OpenID Connect tells of them: in the id token of a sign-in, or in a signed token that a proxy or a
//! program sends along. Issuer, audience and algorithm are configured, the keys come from the issuer, and nothing that a
//! token says of itself changes that.

use jsonwebtoken::{Algorithm, dangerous::insecure_decode_claims, decode, decode_header};
use serde_json::{Map, Value};

use crate::plain::one_line;
use crate::signature::{Keyring, LEEWAY, signature_only};
use crate::time::Timestamp;

/// The algorithms that are taken: each is fixed by the kind of the key.
const TAKEN: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];
/// Characters of a name.
const NAME: usize = 200;
/// Characters of the issuer's own id of somebody, as OpenID Connect bounds it.
const SUBJECT: usize = 255;

type Claims = Map<String, Value>;

/// Whose tokens tell of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenIssuer {
    /// As the tokens say it, to the letter.
    pub issuer: String,
    /// The audience: this program as the issuer knows it.
    pub client_id: String,
    /// Where the roles stand.
    pub roles: RolesClaim,
}

/// Where in a token the roles stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolesClaim {
    /// The claim of this name.
    Named(String),
    /// The place that this JSON pointer names.
    At(String),
}

/// What a token is presented for.
#[derive(Clone, Copy, Debug)]
pub enum TokenPurpose<'a> {
    /// A sign-in that was begun with this nonce.
    SignIn {
        /// Ties the token to the browser that asked for it.
        nonce: &'a str,
    },
    /// A request that it stands in.
    Request,
}

/// Somebody of whom an issuer has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPerson {
    /// Nobody else has it: the issuer, and its own id of this person.
    pub subject: String,
    /// How they are shown.
    pub name: String,
    /// What the issuer says of their roles.
    pub roles: Vec<String>,
    /// When the token ends.
    pub until: Timestamp,
}

/// Why a token proves nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotProved {
    /// It says what it should, and the key that it is signed with is not known: the issuer may have a new one.
    KeyUnknown,
    /// What is wrong with it, for the operator.
    Wrong(&'static str),
}

impl TokenIssuer {
    /// Of whom this token tells.
    ///
    /// # Errors
    /// [`NotProved`].
    pub fn person(
        &self,
        token: &str,
        purpose: TokenPurpose<'_>,
        ring: Option<&Keyring>,
        now: Timestamp,
    ) -> Result<KnownPerson, NotProved> {
        let unreadable = NotProved::Wrong("it is not a signed JSON Web Token");
        let header = decode_header(token).map_err(|_| unreadable)?;
        if !TAKEN.contains(&header.alg) {
            return Err(NotProved::Wrong(
                "it is signed with neither RS256 nor ES256",
            ));
        }
        // Nothing that an issuer calls critical is understood here.
        if header.crit.is_some() {
            return Err(unreadable);
        }
        let kid = header.kid.ok_or(NotProved::Wrong("it names no key"))?;
        let Some(key) = ring.and_then(|ring| ring.key(&kid, header.alg)) else {
            // Believed by nobody: it only spares the issuer questions for the keys of strangers' tokens.
            let claimed: Claims = insecure_decode_claims(token).map_err(|_| unreadable)?;
            self.judged(&claimed, purpose, now)?;
            return Err(NotProved::KeyUnknown);
        };
        let claims = decode::<Claims>(token, key, &signature_only(header.alg))
            .map_err(|_| NotProved::Wrong("its signature does not fit its key"))?
            .claims;
        self.judged(&claims, purpose, now)
    }

    fn judged(
        &self,
        claims: &Claims,
        purpose: TokenPurpose<'_>,
        now: Timestamp,
    ) -> Result<KnownPerson, NotProved> {
        let check = |holds: bool, why: &'static str| match holds {
            true => Ok(()),
            false => Err(NotProved::Wrong(why)),
        };
        check(
            text(claims, "iss") == Some(self.issuer.as_str()),
            "it is of another issuer",
        )?;
        let audiences = texts(claims.get("aud"));
        check(
            audiences.contains(&self.client_id),
            "it is for another audience",
        )?;
        let until = timely(claims, now)?;
        if let TokenPurpose::SignIn { nonce } = purpose {
            check(
                text(claims, "nonce") == Some(nonce),
                "its nonce is not that of this sign-in",
            )?;
            let party = text(claims, "azp");
            let is_ours = party.map_or(audiences.len() == 1, |party| party == self.client_id);
            check(is_ours, "it was issued to another app")?;
        }
        let sub = text(claims, "sub").unwrap_or_default();
        let fits = sub.len() <= SUBJECT && sub.bytes().all(|b| (b' '..=b'~').contains(&b));
        check(!sub.is_empty() && fits, "it names nobody")?;
        let said = |name| text(claims, name).filter(|name| !name.trim().is_empty());
        // Proxies know a person by the address that they signed in with.
        let address = match purpose {
            TokenPurpose::Request => said("email"),
            TokenPurpose::SignIn { .. } => None,
        };
        let name = said("preferred_username").or(address);
        let roles = match &self.roles {
            RolesClaim::Named(name) => claims.get(name).cloned(),
            RolesClaim::At(pointer) => Value::Object(claims.clone()).pointer(pointer).cloned(),
        };
        Ok(KnownPerson {
            subject: format!("{}#{sub}", self.issuer),
            name: one_line(name.unwrap_or(sub), NAME),
            roles: texts(roles.as_ref()),
            until,
        })
    }
}

/// When it ends, if it is valid now.
fn timely(claims: &Claims, now: Timestamp) -> Result<Timestamp, NotProved> {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
    #[allow(
        clippy::cast_possible_truncation,
        reason = "seconds of a date; a float that is none becomes the end of time or its beginning"
    )]
    let at = |name: &str| seconds(name).map(|at| Timestamp::from_millis((at * 1000.0) as i64));
    let end = at("exp").ok_or(NotProved::Wrong("it does not say when it ends"))?;
    if end <= now.minus(LEEWAY) {
        return Err(NotProved::Wrong("it has expired"));
    }
    if at("nbf").is_some_and(|begin| begin > now.plus(LEEWAY)) {
        return Err(NotProved::Wrong("it is not valid yet"));
    }
    Ok(end)
}

fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    claims.get(name)?.as_str()
}

/// A text or a list of texts.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}
