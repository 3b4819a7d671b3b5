//! What hands out tokens of managed identities on a computer: the metadata service of a virtual machine, App Service, and
//! the agent of Azure Arc. Every value they answer is a text.

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use jiff::Timestamp;
use serde_json::json;

use super::answers::{Crafted, Reply, no_identity, served};
use super::far_side::Simulator;
use super::odata;
use super::setup::{HostIdentity, Tenant};

impl Simulator {
    /// A token of the identity that is asked for; `platform` is the name of the route.
    pub(super) fn identity(
        &mut self,
        now: Timestamp,
        platform: &str,
        request: &Request<Bytes>,
    ) -> Reply {
        self.admitted(platform, request.headers())?;
        let query = odata::pairs(request.uri().query().unwrap_or_default());
        let field = |key: &str| {
            let found = query.iter().find(|(name, _)| name == key);
            found
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        let version = match platform {
            "imds" => "2018-02-01",
            "arc" => "2020-06-01",
            _ => "2019-08-01",
        };
        if field("api-version") != Some(version) {
            return Err(no_identity(
                400,
                "bad_request_102",
                "api-version is missing or not known",
            ));
        }
        let Some(resource) = field("resource") else {
            return Err(no_identity(400, "invalid_resource", "resource is missing"));
        };
        let named = match platform {
            "imds" => field("msi_res_id"),
            _ => field("mi_res_id"),
        };
        let asked = [field("client_id"), field("object_id"), named];
        let Some((tenant, identity)) = self.host_identity(asked) else {
            return Err(no_identity(400, "invalid_request", "Identity not found"));
        };
        let claimed = [tenant.id.as_str(), identity.client_id.as_str(), resource];
        let issued = self.issue(now, claimed, tenant.clone(), Some(&identity.object_id));
        let (life, ends) = (
            issued.life.to_string(),
            issued.expires.as_second().to_string(),
        );
        let mut body = json!({
            "access_token": issued.token, "expires_on": ends, "resource": resource, "token_type": "Bearer",
        });
        if platform == "app_service" {
            body["client_id"] = json!(identity.client_id);
        } else {
            body["expires_in"] = json!(life);
            body["ext_expires_in"] = json!(life);
            body["refresh_token"] = json!("");
            body["not_before"] = json!(now.as_second().to_string());
        }
        Ok(served(200, body, true))
    }

    /// What each platform wants to see of whoever asks.
    fn admitted(&self, platform: &str, headers: &HeaderMap) -> Result<(), Crafted> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if platform == "app_service" {
            let wanted = self.setup.identity_header.as_str();
            let shown = text("x-identity-header").unwrap_or_default();
            return match !shown.is_empty() && ["", shown].contains(&wanted) {
                true => Ok(()),
                false => Err(no_identity(
                    401,
                    "unauthorized",
                    "X-IDENTITY-HEADER is not the one that was set",
                )),
            };
        }
        if text("metadata") != Some("true") {
            return Err(no_identity(
                400,
                "bad_request_102",
                "Required metadata header not specified",
            ));
        }
        if platform == "arc" {
            let key = format!("Basic {}", self.setup.arc_key);
            if text(header::AUTHORIZATION.as_str()) != Some(key.as_str()) {
                let refusal = no_identity(
                    401,
                    "unauthorized",
                    "The key is missing or not the right one",
                );
                let challenge = Some(format!("Basic realm={}", self.setup.arc_key_file));
                return Err(Crafted {
                    challenge,
                    ..refusal
                });
            }
        }
        Ok(())
    }

    /// The identity of these ids (client, object, resource), or the computer's own where none is named.
    fn host_identity(&self, asked: [Option<&str>; 3]) -> Option<(Tenant, HostIdentity)> {
        let fits = |one: &HostIdentity| match asked {
            [Some(id), _, _] => one.client_id == id,
            [_, Some(id), _] => one.object_id == id,
            [_, _, Some(id)] => one.resource_id == id,
            [None, None, None] => one.system,
        };
        let mut all = self
            .setup
            .tenants
            .iter()
            .flat_map(|tenant| tenant.identities.iter().map(move |one| (tenant, one)));
        let found = all.find(|(_, one)| fits(one));
        found.map(|(tenant, one)| (tenant.clone(), one.clone()))
    }
}
