//! People who sign in: by a device code or in a browser, both of which the tenant's person answers as the scenario says,
//! and their refresh tokens, which are rotated.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::answers::{Crafted, Reply, aadsts, served};
use super::far_side::Simulator;
use super::odata;
use super::setup::{Person, Tenant};
use super::sign_ins::{BegunSignIn, Refresh};

/// Seconds that a code of a browser is good for.
const CODE_LIFE_S: i64 = 600;

/// A form or a query.
pub(super) struct FormFields(Vec<(String, String)>);

impl FormFields {
    pub(super) fn of(text: &str) -> FormFields {
        FormFields(odata::pairs(text))
    }

    pub(super) fn get(&self, key: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// Scopes of one resource, with `offline_access` beside them or without: the resource, and whether it is there.
fn resource_of(scopes: &str) -> Result<(String, bool), Crafted> {
    let mut resource: Option<String> = None;
    let mut offline = false;
    for scope in scopes.split(' ').filter(|scope| !scope.is_empty()) {
        if ["offline_access", "openid", "profile", "email"].contains(&scope) {
            offline |= scope == "offline_access";
            continue;
        }
        let Some((of, _)) = scope.rsplit_once('/') else {
            return Err(aadsts("70011"));
        };
        if resource.as_ref().is_some_and(|resource| resource != of) {
            return Err(aadsts("28000"));
        }
        resource = Some(of.to_owned());
    }
    resource
        .map(|resource| (resource, offline))
        .ok_or_else(|| aadsts("70011"))
}

impl Simulator {
    /// The person of a tenant, where one may sign in to this app without a secret.
    fn person(&self, tenant: &str, app: &str) -> Result<(Tenant, Person), Crafted> {
        let known = self.registered(tenant, app)?;
        match known.people.first().cloned() {
            _ if !known.public_client => Err(aadsts("7000218")),
            Some(person) => Ok((known, person)),
            None => Err(aadsts("50034")),
        }
    }

    pub(super) fn device_code(
        &mut self,
        now: Timestamp,
        tenant: &str,
        request: &Request<Bytes>,
    ) -> Reply {
        let form = FormFields::of(&String::from_utf8_lossy(request.body()));
        let (app, scopes) = (form.get("client_id"), form.get("scope"));
        if app.is_empty() {
            return Err(aadsts("900144"));
        }
        self.registered(tenant, app)?;
        resource_of(scopes)?;
        let (code, life) = (self.ids.draw(), self.setup.device_code_life_s);
        self.begun.insert(
            code.clone(),
            BegunSignIn {
                tenant: tenant.to_owned(),
                app: app.to_owned(),
                scopes: scopes.to_owned(),
                until: now + SignedDuration::from_secs(i64::from(life)),
                polls: (0, None),
                browser: None,
                redeemed: false,
            },
        );
        let user_code = code[..8].to_ascii_uppercase();
        let page = "https://microsoft.com/devicelogin";
        let body = json!({
            "user_code": user_code, "device_code": code, "verification_uri": page, "expires_in": life,
            "interval": self.setup.device_interval_s,
            "message": format!("To sign in, use a web browser to open the page {page} and enter the code {user_code}."),
        });
        Ok(served(200, body, true))
    }

    /// The person is there at once, and does what the scenario says.
    pub(super) fn authorize(
        &mut self,
        now: Timestamp,
        tenant: &str,
        request: &Request<Bytes>,
    ) -> Reply {
        let query = FormFields::of(request.uri().query().unwrap_or_default());
        let (app, redirect) = (query.get("client_id"), query.get("redirect_uri"));
        let known = self.registered(tenant, app)?;
        let local = redirect.strip_prefix("http://localhost");
        if !local.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])) {
            return Err(aadsts("50011"));
        }
        let challenge = query.get("code_challenge");
        if query.get("response_type") != "code" || app.is_empty() {
            return Err(aadsts("900144"));
        }
        if query.get("code_challenge_method") != "S256" || challenge.len() != 43 {
            return Err(aadsts("9002325"));
        }
        resource_of(query.get("scope"))?;
        let person = known.people.first().ok_or_else(|| aadsts("50034"))?;
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let state = encoded(query.get("state"));
        let location = if person.declines {
            format!("{redirect}?error=access_denied&state={state}")
        } else {
            let code = self.ids.draw();
            let begun = BegunSignIn {
                tenant: tenant.to_owned(),
                app: app.to_owned(),
                scopes: query.get("scope").to_owned(),
                until: now + SignedDuration::from_secs(CODE_LIFE_S),
                polls: (0, None),
                browser: Some((redirect.to_owned(), challenge.to_owned())),
                redeemed: false,
            };
            self.begun.insert(code.clone(), begun);
            format!("{redirect}?code={code}&state={state}")
        };
        Ok(Crafted {
            location: Some(location),
            ..served(302, Value::Null, true)
        })
    }

    /// A token for a person, by one of the three grants that bring one.
    pub(super) fn person_token(
        &mut self,
        now: Timestamp,
        tenant: &str,
        form: &FormFields,
    ) -> Reply {
        let app = form.get("client_id");
        let (known, person) = self.person(tenant, app)?;
        let (scopes, line) = match form.get("grant_type") {
            "refresh_token" => self.renewed(tenant, form, &person)?,
            "authorization_code" => (self.brought(now, tenant, form)?, None),
            _ => (self.entered(now, tenant, form, &person)?, None),
        };
        let (resource, offline) = resource_of(&scopes)?;
        self.signs.0 += u64::from(line.is_none());
        let line = line.unwrap_or((self.signs.0, 0));
        let known = Tenant {
            roles: Vec::new(),
            ..known
        };
        let issued = self.issue_for(now, [tenant, app, &resource], known, (&person, line));
        let mut body = json!({
            "token_type": "Bearer", "scope": scopes, "expires_in": issued.life, "ext_expires_in": issued.life,
            "access_token": issued.token,
        });
        if offline {
            body["refresh_token"] = json!(self.refresh(tenant, app, scopes, line));
        }
        Ok(served(200, body, true))
    }

    fn refresh(&mut self, tenant: &str, app: &str, scopes: String, line: (u64, u64)) -> String {
        let same = |refresh: &&Refresh| refresh.line == line;
        if !self.setup.rotates
            && let Some((token, _)) = self.refreshes.iter().find(|(_, one)| same(one))
        {
            return token.clone();
        }
        let token = format!("0.{}.{}", self.ids.draw(), self.ids.draw());
        self.refreshes.insert(
            token.clone(),
            Refresh {
                tenant: tenant.to_owned(),
                app: app.to_owned(),
                scopes,
                line,
            },
        );
        token
    }

    /// The scopes of a refresh token, and the place that its successor has.
    fn renewed(
        &mut self,
        tenant: &str,
        form: &FormFields,
        person: &Person,
    ) -> Result<(String, Option<(u64, u64)>), Crafted> {
        let Some(old) = self.refreshes.get(form.get("refresh_token")) else {
            return Err(aadsts("70000"));
        };
        if old.tenant != tenant || old.app != form.get("client_id") {
            return Err(aadsts("700005"));
        }
        if !person.refuses.is_empty() {
            return Err(aadsts(&person.refuses));
        }
        let (sign_in, place) = old.line;
        let used = self.used_line.get(&sign_in).copied().unwrap_or(0);
        if self.setup.refuses_old && place < used {
            return Err(aadsts("70008"));
        }
        let (had, asked) = (old.scopes.clone(), form.get("scope"));
        let more = |scope: &str| !had.split(' ').any(|had| had == scope);
        if asked.split(' ').filter(|scope| !scope.is_empty()).any(more) {
            return Err(aadsts("65001"));
        }
        let place = if self.setup.rotates {
            let newest = self.refreshes.values().filter(|one| one.line.0 == sign_in);
            newest.map(|one| one.line.1).max().unwrap_or(place) + 1
        } else {
            place
        };
        Ok((had, Some((sign_in, place))))
    }

    /// The scopes of a browser's code, once.
    fn brought(
        &mut self,
        now: Timestamp,
        tenant: &str,
        form: &FormFields,
    ) -> Result<String, Crafted> {
        let begun = self.begun.get_mut(form.get("code"));
        let Some(begun) = begun.filter(|begun| begun.browser.is_some()) else {
            return Err(aadsts("70000"));
        };
        if begun.tenant != tenant || begun.app != form.get("client_id") {
            return Err(aadsts("700005"));
        }
        if now >= begun.until {
            return Err(aadsts("70008"));
        }
        if core::mem::replace(&mut begun.redeemed, true) {
            return Err(aadsts("54005"));
        }
        let (redirect, challenge) = begun.browser.clone().unwrap_or_default();
        if form.get("redirect_uri") != redirect {
            return Err(aadsts("500112"));
        }
        let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(form.get("code_verifier")));
        if proof == challenge {
            Ok(begun.scopes.clone())
        } else {
            Err(aadsts("501481"))
        }
    }

    /// The scopes of a device's code, once the person has entered it.
    fn entered(
        &mut self,
        now: Timestamp,
        tenant: &str,
        form: &FormFields,
        person: &Person,
    ) -> Result<String, Crafted> {
        let interval = SignedDuration::from_millis(i64::from(self.setup.device_interval_s) * 900);
        let begun = self.begun.get_mut(form.get("device_code"));
        let Some(begun) = begun.filter(|begun| begun.browser.is_none() && !begun.redeemed) else {
            return Err(aadsts("bad_verification_code"));
        };
        if begun.tenant != tenant || begun.app != form.get("client_id") {
            return Err(aadsts("bad_verification_code"));
        }
        if now >= begun.until {
            return Err(aadsts("expired_token"));
        }
        let (polls, last) = begun.polls;
        begun.polls = (polls + 1, Some(now));
        if last.is_some_and(|last| now.duration_since(last) < interval) {
            return Err(aadsts("slow_down"));
        }
        if polls < person.takes_polls {
            return Err(aadsts("authorization_pending"));
        }
        if person.declines {
            return Err(aadsts("authorization_declined"));
        }
        begun.redeemed = true;
        Ok(begun.scopes.clone())
    }
}
