//! What a tenant's app gets and may do: token, audience, tenant, roles, lists. Pure: from what was answered to steps.

use super::step::DoctorStep;
use crate::api::QuotaView;
use crate::defender::Endpoints;
use crate::defender::first_row::FirstRow;
use crate::defender::token::{ClaimFault, TokenClaims, TokenRefusal, check, check_comments};

/// Resources whose tokens Defender's API takes, in some cloud.
const AUDIENCES: [&str; 5] = [
    "https://api.securitycenter.microsoft.com",
    "https://api.securitycenter.windows.com",
    "https://securitycenter.onmicrosoft.com/windowsatpservice",
    "https://api-gcc.securitycenter.microsoft.us",
    "https://api-gov.securitycenter.microsoft.us",
];

/// How the request for a token ended.
pub(super) enum TokenFact {
    /// It was not asked for, and why: the authority is not reached.
    NotAsked(String),
    /// There is nothing to ask with.
    NoCredential(String),
    /// No answer came; a stable code.
    NoAnswer(String),
    Refused(TokenRefusal),
    /// Not now; a stable code.
    Later(String),
    Granted(TokenClaims),
}

/// How a list was answered.
pub(super) enum ListFact {
    /// It was not asked for, and why.
    NotAsked(String),
    NoAnswer(String),
    Answered(FirstRow),
}

/// All that was found out about one tenant.
pub(super) struct TenantFacts {
    pub(super) name: String,
    pub(super) tenant_id: String,
    /// What it proves itself with, and whom it asks, in words.
    pub(super) proof: String,
    pub(super) endpoints: Endpoints,
    pub(super) token: TokenFact,
    pub(super) machines: ListFact,
    pub(super) actions: ListFact,
    /// What a running scanhook says of the quota, by API.
    pub(super) quota: Option<Vec<(String, QuotaView)>>,
    /// Comments are to be written on alerts.
    pub(super) comments: bool,
}

impl TenantFacts {
    pub(super) fn steps(&self) -> Vec<DoctorStep> {
        let mut steps = vec![self.token()];
        steps.extend(self.claims());
        steps.push(self.list("machine-list", &self.machines));
        steps.push(self.list("action-list", &self.actions));
        steps.push(self.quota());
        let of_tenant = |step: DoctorStep| step.of_tenant(Some(&self.name));
        steps.into_iter().map(of_tenant).collect()
    }

    fn token(&self) -> DoctorStep {
        let authority = &self.endpoints.authority;
        match &self.token {
            TokenFact::NotAsked(why) => DoctorStep::skipped("token", why),
            TokenFact::NoCredential(why) => DoctorStep::bad(
                "token",
                "there is no credential to ask with",
                format!("mend it: {why}"),
            ),
            TokenFact::NoAnswer(code) => DoctorStep::bad(
                "token",
                format!("no answer with {}: {code}", self.proof),
                "see what stands between this computer and it; the steps above tell how far the way goes",
            ),
            TokenFact::Refused(refusal) => {
                let trace = refusal.trace.as_ref();
                let trace = trace.map_or_else(String::new, |trace| format!(" (trace {trace})"));
                DoctorStep::bad(
                    "token",
                    format!("{} with {}{trace}", refusal.code, self.proof),
                    refusal.meaning,
                )
            }
            TokenFact::Later(code) => DoctorStep::bad(
                "token",
                format!("{authority} gives none now: {code}"),
                "try again in some minutes; if it stays so, look at Microsoft's service health",
            ),
            TokenFact::Granted(_) => {
                DoctorStep::good("token", format!("granted with {}", self.proof))
            }
        }
    }

    fn claims(&self) -> [DoctorStep; 3] {
        let TokenFact::Granted(claims) = &self.token else {
            return ["audience", "tenant", "roles"]
                .map(|step| DoctorStep::skipped(step, "there is no token"));
        };
        let mut faults = check(claims, &self.endpoints, &self.tenant_id);
        faults.extend(check_comments(claims).filter(|_| self.comments));
        if faults.contains(&ClaimFault::Unreadable) {
            return ["audience", "tenant", "roles"]
                .map(|step| DoctorStep::skipped(step, "the token does not tell"));
        }
        let mut steps = [self.audience(claims), self.of_tid(claims), roles(claims)];
        for fault in faults {
            let step = match &fault {
                ClaimFault::WrongAudience { .. } => 0,
                ClaimFault::WrongTenant { .. } => 1,
                _ => 2,
            };
            // Of the roles that lack the one to scan comes first.
            if !steps[step].failed() {
                let DoctorStep {
                    step: name, detail, ..
                } = steps[step].clone();
                steps[step] = DoctorStep::bad(name, detail, fault.to_string());
            }
        }
        steps
    }

    fn audience(&self, claims: &TokenClaims) -> DoctorStep {
        let audience = claims.aud.as_deref().unwrap_or("nothing");
        let detail = format!("the token is for {audience}");
        let known = AUDIENCES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(audience.trim_end_matches('/')));
        if known || uuid::Uuid::parse_str(audience).is_ok() || !self.is_forbidden() {
            return DoctorStep::good("audience", detail);
        }
        let commercial = AUDIENCES[0];
        DoctorStep::bad(
            "audience",
            format!("{detail}, which Defender's API does not take"),
            format!(
                "leave token_scope out, or set that of the cloud, in the commercial one {commercial}/.default"
            ),
        )
    }

    fn of_tid(&self, claims: &TokenClaims) -> DoctorStep {
        let tid = claims.tid.as_deref().unwrap_or("none");
        DoctorStep::good("tenant", format!("the token is of tenant {tid}"))
    }

    /// Whether a list was answered 403.
    fn is_forbidden(&self) -> bool {
        [&self.machines, &self.actions].iter().any(|fact| {
            matches!(fact, ListFact::Answered(FirstRow::Refused(refusal)) if refusal.status == 403)
        })
    }

    fn list(&self, step: &'static str, fact: &ListFact) -> DoctorStep {
        let api = &self.endpoints.api_base;
        match fact {
            ListFact::NotAsked(why) => DoctorStep::skipped(step, why),
            ListFact::NoAnswer(code) => DoctorStep::bad(
                step,
                format!("no answer of {api}: {code}"),
                "see what stands between this computer and it",
            ),
            ListFact::Answered(FirstRow::Read(0)) => {
                DoctorStep::good(step, "may be read; there is nothing in it")
            }
            ListFact::Answered(FirstRow::Read(_)) => DoctorStep::good(step, "may be read"),
            ListFact::Answered(FirstRow::Throttled(wait)) => DoctorStep::skipped(
                step,
                format!("answered 429: the quota is spent for {} s", wait.as_secs()),
            ),
            ListFact::Answered(FirstRow::Refused(refusal)) => {
                let remedy = self.refusal(refusal.status, refusal.message.as_deref());
                DoctorStep::bad(step, refusal.to_string(), remedy)
            }
            ListFact::Answered(FirstRow::Failed(code)) => DoctorStep::bad(
                step,
                format!("{api} answers {code}"),
                "try again in some minutes; if it stays so, see whether api_base is Defender's, and Microsoft's service health",
            ),
        }
    }

    fn refusal(&self, status: u16, message: Option<&str>) -> String {
        let TokenFact::Granted(claims) = &self.token else {
            return "there is no token".to_owned();
        };
        let reads = |role: &String| role.starts_with("Machine.Read");
        match status {
            401 if message.is_some_and(is_of_licence) => {
                "the token is good, but Defender for Endpoint takes no calls for this tenant: look at its licence (Plan 1, Plan 2 or Defender for Business), and open security.microsoft.com once, which sets it up".to_owned()
            }
            401 => "the API does not take a token that was just granted: see whether api_base, authority and token_scope are of one cloud".to_owned(),
            403 if !claims.roles.iter().any(reads) => {
                "give the app the application permission Machine.Read.All of WindowsDefenderATP (or Machine.ReadWrite.All), and admin consent; it counts within minutes".to_owned()
            }
            403 => "the app has a role to read, and may not: see the audience above, try Machine.ReadWrite.All, and wait some minutes after a consent".to_owned(),
            404 => "there is no Defender at this address: check api_base".to_owned(),
            _ => "look the code up in docs/errors.md; the target is what Microsoft's support asks for".to_owned(),
        }
    }

    fn quota(&self) -> DoctorStep {
        const OWN: &str = "give scanhook an app registration of its own: Defender counts its quota by registration";
        let spent = [&self.machines, &self.actions]
            .iter()
            .any(|fact| matches!(fact, ListFact::Answered(FirstRow::Throttled(_))));
        let others: Vec<String> = self
            .quota
            .iter()
            .flatten()
            .filter(|(_, used)| used.used_by_others_per_minute + used.used_by_others_per_hour > 0)
            .map(|(api, used)| {
                format!(
                    "{api}: others use {} a minute, {} an hour",
                    used.used_by_others_per_minute, used.used_by_others_per_hour
                )
            })
            .collect();
        match (spent, others.is_empty(), &self.quota) {
            (true, true, _) => DoctorStep::bad("quota", "a single call was answered 429", OWN),
            (true, false, _) => DoctorStep::bad("quota", others.join("; "), OWN),
            (false, false, _) => DoctorStep::good("quota", others.join("; ")).with_remedy(OWN),
            (false, true, Some(_)) => DoctorStep::good("quota", "nobody else seems to use it"),
            (false, true, None) => DoctorStep::skipped(
                "quota",
                "whether others use it shows beside a running scanhook",
            ),
        }
    }
}

fn roles(claims: &TokenClaims) -> DoctorStep {
    let roles = claims.roles.join(", ");
    let detail = match roles.as_str() {
        "" => "the app has none".to_owned(),
        roles => format!("the app has {roles}"),
    };
    DoctorStep::good("roles", detail)
}

/// Texts that Defender answers 401 with where no token helps.
fn is_of_licence(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "account mode is inactive",
        "no tvm license",
        "not provisioned",
    ]
    .iter()
    .any(|known| message.contains(known))
}
