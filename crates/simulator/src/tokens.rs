//! The token endpoint, and what a token that it issued is worth.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header;

use super::answers::{Crafted, Reply, aadsts, served};
use super::answers::{guid_of, is_guid};
use super::far_side::Simulator;
use super::grant::Grant;
use super::odata;
use super::setup::Tenant;
use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Audiences that the scan API takes.
const DEFENDER: [&str; 5] = [
    "https://api.securitycenter.microsoft.com",
    "https://api.securitycenter.windows.com",
    "https://securitycenter.onmicrosoft.com/windowsatpservice",
    "https://api-gcc.securitycenter.microsoft.us",
    "https://api-gov.securitycenter.microsoft.us",
];
/// Resources that exist too; the newer name of the API's host is one whose tokens it refuses.
const ELSEWHERE: [&str; 2] = [
    "https://api.security.microsoft.com",
    "https://graph.microsoft.com",
];

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
        let form = odata::pairs(&String::from_utf8_lossy(request.body()));
        let field = |key: &str| {
            form.iter()
                .find(|(name, _)| name == key)
                .map_or("", |(_, value)| value.as_str())
        };
        let app = field("client_id");
        match field("grant_type") {
            _ if !odata::is(request, "application/x-www-form-urlencoded") => {
                return Err(aadsts("900144"));
            }
            "client_credentials" if !app.is_empty() => {}
            "client_credentials" | "" => return Err(aadsts("900144")),
            _ => return Err(aadsts("70003")),
        }
        let known = self.registered(tenant, app)?;
        match field("client_secret") {
            "" if !field("client_assertion").is_empty() => return Err(aadsts("700027")),
            "" => return Err(aadsts("7000218")),
            secret if !["", secret].contains(&known.client_secret.as_str()) => {
                return Err(aadsts("7000215"));
            }
            _ => {}
        }
        let audience = match field("scope").strip_suffix("/.default") {
            Some(scopes) if scopes.contains(' ') => return Err(aadsts("700022")),
            Some(resource) if DEFENDER.contains(&resource) || ELSEWHERE.contains(&resource) => {
                resource
            }
            Some(_) => return Err(aadsts("500011")),
            None => return Err(aadsts("70011")),
        };
        Ok(self.issue(now, [tenant, app, audience], known))
    }

    fn registered(&self, tenant: &str, app: &str) -> Result<Tenant, Crafted> {
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

    fn issue(
        &mut self,
        now: Timestamp,
        [tenant, app, audience]: [&str; 3],
        known: Tenant,
    ) -> Crafted {
        let life = self.setup.token_life_s;
        let seconds = SignedDuration::from_secs(i64::try_from(life).unwrap_or(i64::MAX));
        let expires = now.checked_add(seconds).unwrap_or(Timestamp::MAX);
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
        // Entra leaves the claim out where nothing was consented to.
        if !known.roles.is_empty() {
            claims["roles"] = json!(known.roles);
        }
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
                expires,
            },
        );
        let body = json!({ "token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token });
        served(200, body, true)
    }
}
