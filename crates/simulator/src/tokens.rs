//! The token endpoint, and what a token that it issued is worth.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header;

use super::answers::{Crafted, Reply, aadsts, served};
use super::answers::{guid_of, is_guid};
use super::far_side::Simulator;
use super::grant::Grant;
use super::odata;
use super::people::FormFields;
use super::setup::{Person, Tenant};
use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Audiences that the scan API takes.
const DEFENDER: [&str; 5] = [
    "https://api.securitycenter.microsoft.com",
    "https://api.securitycenter.windows.com",
    "https://securitycenter.onmicrosoft.com/windowsatpservice",
    "https://api-gcc.securitycenter.microsoft.us",
    "https://api-gov.securitycenter.microsoft.us",
];
/// Audiences that Azure's resource manager takes.
const AZURE: [&str; 2] = [
    "https://management.azure.com",
    "https://management.usgovcloudapi.net",
];
/// Resources that exist too; the newer name of the API's host is one whose tokens it refuses.
const ELSEWHERE: [&str; 2] = [
    "https://api.security.microsoft.com",
    "https://graph.microsoft.com",
];

/// The resource of tokens that serve as assertions.
const EXCHANGE: &str = "api://AzureADTokenExchange";
/// What says that an assertion is a JWT.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The grant type of a device code.
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A person, with the sign-in and the place there.
type PersonGrant = (Person, (u64, u64));

/// A token as it was issued.
pub(super) struct Issued {
    pub(super) token: String,
    /// Seconds.
    pub(super) life: u64,
    pub(super) expires: Timestamp,
}

impl Simulator {
    /// What the token of a request stands for, if it was issued here and has not expired.
    pub(super) fn grant(&self, now: Timestamp, request: &Request<Bytes>) -> Option<Grant> {
        let bearer = request
            .headers()
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("Bearer ")?;
        self.grants
            .get(bearer)
            .filter(|grant| grant.expires > now)
            .cloned()
    }

    pub(super) fn token(
        &mut self,
        now: Timestamp,
        tenant: &str,
        request: &Request<Bytes>,
    ) -> Reply {
        let form = FormFields::of(&String::from_utf8_lossy(request.body()));
        let field = |key: &str| form.get(key);
        let app = field("client_id");
        match field("grant_type") {
            _ if !odata::is(request, "application/x-www-form-urlencoded") => {
                return Err(aadsts("900144"));
            }
            "client_credentials" if !app.is_empty() => {}
            "client_credentials" | "" => return Err(aadsts("900144")),
            "refresh_token" | "authorization_code" | DEVICE => {
                return self.person_token(now, tenant, &form);
            }
            _ => return Err(aadsts("70003")),
        }
        let known = self.registered(tenant, app)?;
        match (field("client_secret"), field("client_assertion")) {
            ("", "") => return Err(aadsts("7000218")),
            ("", assertion) => {
                if field("client_assertion_type") != JWT_BEARER {
                    return Err(aadsts("7000218"));
                }
                self.asserted(now, [tenant, app, assertion], &known, request)?;
            }
            (secret, _) if known.expired_secrets.iter().any(|old| old == secret) => {
                return Err(aadsts("7000222"));
            }
            (secret, _) if !["", secret].contains(&known.client_secret.as_str()) => {
                return Err(aadsts("7000215"));
            }
            _ => {}
        }
        // The older endpoint names a resource instead of a scope.
        let v1 = !request.uri().path().contains("/v2.0/");
        let scope = match v1 {
            true => format!("{}/.default", field("resource")),
            false => field("scope").to_owned(),
        };
        let audience = match scope.strip_suffix("/.default") {
            Some(scopes) if scopes.contains(' ') => return Err(aadsts("700022")),
            Some(resource)
                if DEFENDER.contains(&resource)
                    || AZURE.contains(&resource)
                    || ELSEWHERE.contains(&resource) =>
            {
                resource
            }
            Some(_) => return Err(aadsts("500011")),
            None => return Err(aadsts("70011")),
        };
        let issued = self.issue(now, [tenant, app, audience], known, None);
        let life = match v1 || self.setup.life_as_text {
            true => json!(issued.life.to_string()),
            false => json!(issued.life),
        };
        let body = json!({
            "token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": issued.token
        });
        Ok(served(200, body, true))
    }

    pub(super) fn registered(&self, tenant: &str, app: &str) -> Result<Tenant, Crafted> {
        let known = &self.setup.tenants;
        let here: Vec<&Tenant> = known
            .iter()
            .filter(|known| known.id.eq_ignore_ascii_case(tenant))
            .collect();
        match here
            .iter()
            .find(|known| ["", app].contains(&known.client_id.as_str()))
        {
            _ if ["common", "organizations", "consumers"].contains(&tenant) => Err(aadsts("50194")),
            Some(known) => Ok((*known).clone()),
            None if known.is_empty() => Ok(Tenant::default()),
            None => Err(aadsts(if here.is_empty() { "90002" } else { "700016" })),
        }
    }

    /// A token; `subject`: of the managed identity that it is for.
    pub(super) fn issue(
        &mut self,
        now: Timestamp,
        [tenant, app, audience]: [&str; 3],
        known: Tenant,
        subject: Option<&str>,
    ) -> Issued {
        let expires = self.expiry(now);
        // A tenant has a GUID even where it is addressed by its domain.
        let tid = if is_guid(tenant) {
            tenant.to_ascii_lowercase()
        } else {
            guid_of(tenant)
        };
        let (iat, exp) = (now.as_second(), expires.as_second());
        let mut claims = json!({
            "aud": audience, "iss": format!("https://sts.windows.net/{tid}/"), "iat": iat, "nbf": iat, "exp": exp,
            "appid": app, "app_displayname": known.requestor, "idtyp": "app", "tid": tid, "uti": self.ids.draw(), "ver": "1.0",
        });
        if let Some(subject) = subject {
            (claims["sub"], claims["oid"]) = (json!(subject), json!(subject));
        }
        if audience == EXCHANGE {
            claims["iss"] = json!(format!("https://login.microsoftonline.com/{tid}/v2.0"));
        }
        // Entra leaves the claim out where nothing was consented to.
        if !known.roles.is_empty() {
            claims["roles"] = json!(known.roles);
        }
        self.granted(now, expires, [tenant, app, audience], (known, None, claims))
    }

    /// A token for a person, of this sign-in and this place there.
    pub(super) fn issue_for(
        &mut self,
        now: Timestamp,
        [tenant, app, audience]: [&str; 3],
        known: Tenant,
        (person, line): (&Person, (u64, u64)),
    ) -> Issued {
        let expires = self.expiry(now);
        let tid = person.tenant.as_deref().unwrap_or(tenant);
        let tid = if is_guid(tid) {
            tid.to_ascii_lowercase()
        } else {
            guid_of(tid)
        };
        let (iat, exp) = (now.as_second(), expires.as_second());
        let claims = json!({
            "aud": audience, "iss": format!("https://sts.windows.net/{tid}/"), "iat": iat, "nbf": iat, "exp": exp,
            "appid": app, "idtyp": "user", "tid": tid, "uti": self.ids.draw(), "ver": "1.0", "upn": person.account,
            "name": person.account, "scp": person.scopes.join(" "),
        });
        let whose = (known, Some((person.clone(), line)), claims);
        self.granted(now, expires, [tenant, app, audience], whose)
    }

    fn expiry(&self, now: Timestamp) -> Timestamp {
        let seconds = i64::try_from(self.setup.token_life_s).unwrap_or(i64::MAX);
        now.checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MAX)
    }

    fn granted(
        &mut self,
        now: Timestamp,
        expires: Timestamp,
        [tenant, app, audience]: [&str; 3],
        (known, person, claims): (Tenant, Option<PersonGrant>, Value),
    ) -> Issued {
        let (person, line) = person.unzip();
        let [head, claims] = [json!({ "typ": "JWT", "alg": "none" }), claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let token = format!("{head}.{claims}.unsigned");
        let (tenant, app, for_defender) = (
            tenant.to_owned(),
            app.to_owned(),
            DEFENDER.contains(&audience),
        );
        self.grants.retain(|_, grant| grant.expires > now);
        self.grants.insert(
            token.clone(),
            Grant {
                tenant,
                app,
                known,
                for_defender,
                for_azure: AZURE.contains(&audience),
                expires,
                person,
                line,
            },
        );
        Issued {
            token,
            life: self.setup.token_life_s,
            expires,
        }
    }
}
