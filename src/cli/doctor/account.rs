//! Asks for a token as the worker does, whatever the tenant proves itself with, and for the first row of both lists.

use core::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::origin::ClockReading;
use super::tenant::{ListFact, TenantFacts, TokenFact};
use super::way::reading;
use crate::clock;
use crate::defender::acquisition::{Acquisition, Applicant, Progress, TokenCall};
use crate::defender::client::Client;
use crate::defender::credential::Credential;
use crate::defender::delegated::TokenHash;
use crate::defender::first_row::{self, FirstRow, RowOf};
use crate::defender::token::{Bearer, ClaimFault, TokenClaims, TokenReply, check};
use crate::defender::token_file::{CompletedCall, FileTrouble};
use crate::defender::{Answer, Endpoints};
use crate::file::{self, Content};
use crate::journal::Ids;
use crate::settings::Tenant;
use crate::worker::kept;

/// Tries and waits of one token together: a managed identity may ask for more than a minute of patience.
const LONGEST: Duration = Duration::from_secs(90);

/// Which of a tenant's two hosts were reached.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    pub(super) authority: bool,
    pub(super) api: bool,
}

/// Tenants that are asked for at once.
const AT_ONCE: usize = 8;

/// Asks all that can be asked for each of these tenants, in their order, and what the answers said of the clocks.
pub(super) async fn ask(
    client: &Client,
    tenants: &[Tenant],
    reached: impl Fn(&Endpoints) -> Reached,
) -> (Vec<TenantFacts>, Vec<ClockReading>) {
    let (mut all, mut readings) = (Vec::new(), Vec::new());
    for some in tenants.chunks(AT_ONCE) {
        let mut asked = JoinSet::new();
        for (n, tenant) in some.iter().enumerate() {
            let mut account = Inquiry {
                client: client.clone(),
                reached: reached(&tenant.endpoints),
                tenant: tenant.clone(),
                readings: Vec::new(),
            };
            asked.spawn(async move { (n, account.facts().await, account.readings) });
        }
        let mut answered = asked.join_all().await;
        answered.sort_by_key(|(n, ..)| *n);
        for (_, facts, said) in answered {
            all.push(facts);
            readings.extend(said);
        }
    }
    (all, readings)
}

/// One tenant's questions.
struct Inquiry {
    client: Client,
    tenant: Tenant,
    reached: Reached,
    readings: Vec<ClockReading>,
}

impl Inquiry {
    async fn facts(&mut self) -> TenantFacts {
        let (token, bearer) = self.token().await;
        let bearer = match &token {
            TokenFact::Granted(claims) => match self.keeps_from_asking(claims) {
                None => bearer.ok_or_else(String::new),
                Some(why) => Err(why),
            },
            _ => Err("there is no token".to_owned()),
        };
        let (machines, actions) = match bearer {
            Ok(bearer) => (
                self.first_row(&bearer, RowOf::Machines).await,
                self.first_row(&bearer, RowOf::Actions).await,
            ),
            Err(why) => (ListFact::NotAsked(why.clone()), ListFact::NotAsked(why)),
        };
        let Tenant {
            name,
            tenant_id,
            endpoints,
            ..
        } = &self.tenant;
        TenantFacts {
            name: name.clone(),
            tenant_id: tenant_id.clone(),
            proof: proof(&self.tenant),
            endpoints: endpoints.clone(),
            token,
            machines,
            actions,
            quota: None,
            comments: false,
        }
    }

    /// Why no list is asked for with a token that was granted.
    fn keeps_from_asking(&self, claims: &TokenClaims) -> Option<String> {
        let e = &self.tenant.endpoints;
        let foreign = check(claims, e, &self.tenant.tenant_id)
            .iter()
            .any(|fault| matches!(fault, ClaimFault::WrongTenant { .. }));
        if foreign {
            Some("the token is of another tenant".to_owned())
        } else {
            (!self.reached.api).then(|| format!("{} is not reached", e.api_base))
        }
    }

    async fn token(&mut self) -> (TokenFact, Option<Bearer>) {
        let credential = match &self.tenant.credential {
            Ok(credential) => credential.clone(),
            Err(faults) => {
                let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
                return (TokenFact::NoCredential(faults.join("; ")), None);
            }
        };
        let who = Applicant {
            endpoints: &self.tenant.endpoints,
            tenant_id: &self.tenant.tenant_id,
            client_id: &self.tenant.client_id,
            credential: &credential,
        };
        let Ok(mut ids) = Ids::random() else {
            let why = "the operating system gives no randomness".to_owned();
            return (TokenFact::NoCredential(why), None);
        };
        let (mut acquisition, begun) = (Acquisition::default(), clock::mono());
        loop {
            let now = clock::now();
            let call = match acquisition.next(who, ids.next(now), now) {
                Ok(call) => call,
                Err(refusal) => return (TokenFact::Refused(refusal), None),
            };
            let platform = acquisition.asks_platform();
            if !platform && !self.reached.authority {
                let why = format!("{} is not reached", who.endpoints.authority);
                return (TokenFact::NotAsked(why), None);
            }
            let (answer, used) = self.sent(call).await;
            acquisition.left_with(used);
            let response = match answer {
                Answer::Http(response) => response,
                other => {
                    let code = code_of(&other);
                    return (no_answer(&credential, platform, &code, &acquisition), None);
                }
            };
            if !platform {
                let said = reading(&who.endpoints.authority, response.headers());
                self.readings.extend(said);
            }
            match acquisition.answer(who, &response, clock::now()) {
                Progress::Next(wait) if clock::mono().saturating_sub(begun) + wait < LONGEST => {
                    sleep(wait).await;
                }
                Progress::Next(_) => {
                    let code = format!("http-{}", response.status().as_u16());
                    return (no_answer(&credential, platform, &code, &acquisition), None);
                }
                Progress::Done(TokenReply::Granted(token)) => {
                    return (TokenFact::Granted(token.claims), Some(token.bearer));
                }
                Progress::Done(TokenReply::Refused(refusal)) => {
                    return (TokenFact::Refused(refusal), None);
                }
                Progress::Done(TokenReply::Later(_, code)) => {
                    return (TokenFact::Later(code), None);
                }
            }
        }
    }

    /// The answer, and the refresh token that the call left with.
    async fn sent(&self, call: TokenCall) -> (Answer, Option<TokenHash>) {
        let TokenCall { request, file } = call;
        let Some(insert) = file else {
            return (self.client.send(request).await, None);
        };
        let content = file::read(&insert.path, insert.most);
        let exposed = |content: &Content| insert.is_private() && file::is_exposed(&content.about);
        if content.as_ref().is_ok_and(exposed) {
            return (Answer::NotSent(FileTrouble::Exposed.code().into()), None);
        }
        match insert.complete(request, content.map(|content| content.bytes)) {
            Ok(CompletedCall { request, renewal }) => {
                let answer = self.client.send(request).await;
                // What a person's renewal brings has to last, whoever asked for it.
                match renewal {
                    Some(renewal) => {
                        let used = renewal.used();
                        (kept(&renewal, answer), Some(used))
                    }
                    None => (answer, None),
                }
            }
            Err(trouble) => (Answer::NotSent(trouble.code().into()), None),
        }
    }

    async fn first_row(&mut self, bearer: &Bearer, list: RowOf) -> ListFact {
        let e: &Endpoints = &self.tenant.endpoints;
        match self.client.send(first_row::ask(e, bearer, list)).await {
            Answer::Http(answer) => {
                self.readings.extend(reading(&e.api_base, answer.headers()));
                let row: FirstRow = first_row::read(&answer);
                ListFact::Answered(row)
            }
            other => ListFact::NoAnswer(code_of(&other)),
        }
    }
}

/// What came in place of an answer.
fn code_of(answer: &Answer) -> String {
    match answer {
        Answer::Http(response) => format!("http-{}", response.status().as_u16()),
        Answer::NotSent(unsent) => unsent.code.to_owned(),
        Answer::Unknown(code) => code.clone(),
    }
}

/// Why there is no answer: a file that is not as it should be, a platform that is silent, or what lies between.
fn no_answer(
    credential: &Credential,
    platform: bool,
    code: &str,
    acquisition: &Acquisition,
) -> TokenFact {
    if let Some(refusal) = acquisition.refusal().filter(|_| acquisition.goes_back()) {
        return TokenFact::Refused(refusal.clone());
    }
    if let (Some(FileTrouble::Missing), Some(user)) =
        (FileTrouble::of_code(code), credential.user())
    {
        return TokenFact::NoCredential(user.first());
    }
    if let Some(trouble) = FileTrouble::of_code(code) {
        let file = acquisition.file(credential);
        let file = file.map_or_else(String::new, |path| path.display().to_string());
        return TokenFact::NoCredential(format!("{file} {}", trouble.words()));
    }
    match credential.identity() {
        Some(identity) if platform => TokenFact::NoCredential(identity.platform.silence(code)),
        _ => TokenFact::NoAnswer(code.to_owned()),
    }
}

/// What the tenant proves itself with, and whom it asks.
fn proof(tenant: &Tenant) -> String {
    let authority = &tenant.endpoints.authority;
    let Ok(credential) = &tenant.credential else {
        return format!("no credential, at {authority}");
    };
    match credential.identity() {
        Some(identity) => format!(
            "{} of the platform {} at {}, at {authority}",
            credential.kind(),
            identity.platform.name(),
            identity.platform.address()
        ),
        None => format!("{}, at {authority}", credential.kind()),
    }
}
