//! The far side itself: what it remembers, and how it plays one request.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{answers, fault, permission, quota};
use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};

use super::action::Action;
use super::answers::{Crafted, Guids, Reply, aadsts, no_identity, refused};
use super::calls::{CallRecord, Route};
use super::fault::{Fault, How};
use super::grant::Grant;
use super::incident_comment::IncidentComment;
use super::setup::Setup;
use super::sign_ins::{BegunSignIn, Refresh};

/// What the far side did with one request, and what the caller gets to see of it.
pub struct Played {
    /// How long the answer (or the reset) takes to come.
    pub after: Duration,
    /// Whether the request took effect; for a scan: whether one was really started.
    pub executed: bool,
    pub what: WireAnswer,
}

/// What comes back over the connection.
pub enum WireAnswer {
    Response(Response<Bytes>),
    /// The connection breaks without an answer.
    Reset,
    /// Nothing, until the caller gives up.
    Silence,
}

/// How many people have signed in.
pub(super) struct SignIns(pub(super) u64);

/// The far side: its tenants, machines, machine actions and the record of every call.
pub struct Simulator {
    pub(super) setup: Setup,
    pub(super) ids: Guids,
    pub(super) grants: BTreeMap<String, Grant>,
    /// `jti` of the assertions that were taken.
    pub(super) taken: BTreeSet<String>,
    /// Codes of devices and browsers.
    pub(super) begun: BTreeMap<String, BegunSignIn>,
    pub(super) refreshes: BTreeMap<String, Refresh>,
    /// Counts sign-ins.
    pub(super) signs: SignIns,
    /// By sign-in, the latest place in its line whose access token was used.
    pub(super) used_line: BTreeMap<u64, u64>,
    pub(super) faults: Vec<fault::Planned>,
    pub(super) actions: Vec<Action>,
    /// Comments on incidents, in the order in which they were made.
    pub(super) incident_comments: Vec<IncidentComment>,
    /// Comments on alerts, by the alert.
    pub(super) alert_comments: BTreeMap<String, Vec<String>>,
    pub(super) calls: Vec<CallRecord>,
    pub(super) busy_answers: u64,
}

impl Simulator {
    /// A far side in which nothing has happened yet.
    pub fn new(setup: Setup) -> Simulator {
        let (ids, grants) = (Guids(setup.seed, 0), BTreeMap::new());
        Simulator {
            setup,
            ids,
            grants,
            taken: BTreeSet::new(),
            begun: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            signs: SignIns(0),
            used_line: BTreeMap::new(),
            faults: vec![],
            actions: vec![],
            incident_comments: vec![],
            alert_comments: BTreeMap::new(),
            calls: vec![],
            busy_answers: 0,
        }
    }

    /// The scenario, to read or to change from now on. What has happened stays; the seed keeps its first value.
    pub fn setup(&mut self) -> &mut Setup {
        &mut self.setup
    }

    /// Adds faults to those already planned; an empty list clears all.
    pub fn faults(&mut self, faults: Vec<Fault>) {
        self.faults.truncate(if faults.is_empty() {
            0
        } else {
            self.faults.len()
        });
        self.faults
            .extend(faults.into_iter().map(|fault| fault::Planned(fault, 0)));
    }

    /// Every call, in order of arrival.
    pub fn calls(&self) -> &[CallRecord] {
        &self.calls
    }

    /// Every scan that was really started, ours and foreign ones, oldest first.
    pub fn scans(&self) -> &[Action] {
        &self.actions
    }

    /// Most calls of one route by one app in one tenant within any sliding 60 s and 3600 s, refused ones included.
    pub fn quota_peak(&self, route: &str) -> (u32, u32) {
        (
            quota::peak(&self.calls, route, 60),
            quota::peak(&self.calls, route, 3600),
        )
    }

    /// Receives one request at `now` and plays it, faults first.
    pub fn handle(&mut self, now: Timestamp, request: &Request<Bytes>) -> Played {
        let route = Route::of(request);
        let grant = self.grant(now, request);
        let how = fault::pick(&mut self.faults, route.name);
        let mut call = CallRecord::new(now, &route, request, grant.as_ref());
        let executes = how.as_ref().is_none_or(How::executes);
        let answer = executes.then(|| {
            self.reply(now, &route, request, grant, &mut call)
                .unwrap_or_else(|refusal| refusal)
        });
        call.executed = answer.as_ref().is_some_and(|answer| answer.executed);
        let late = if let Some(How::Delay { ms }) = how {
            ms
        } else {
            0
        };
        let after = Duration::from_millis(self.setup.latency_ms.saturating_add(late));
        let what = self.disturbed(now, how, answer, &route);
        call.status = if let WireAnswer::Response(response) = &what {
            Some(response.status().as_u16())
        } else {
            None
        };
        let executed = call.executed;
        self.calls.push(call);
        Played {
            after,
            executed,
            what,
        }
    }

    /// What is left of an answer (none where the call was not carried out) once the fault has acted on it.
    fn disturbed(
        &mut self,
        now: Timestamp,
        how: Option<How>,
        answer: Option<Crafted>,
        route: &Route,
    ) -> WireAnswer {
        let answer = match (how, answer) {
            (Some(How::LostRequest | How::LostAnswer), _) => return WireAnswer::Reset,
            (Some(How::Silence { .. }), _) => return WireAnswer::Silence,
            (Some(How::Executed { answer }), _) => {
                return self.disturbed(now, Some(*answer), None, route);
            }
            (
                Some(How::Raw {
                    status,
                    content_type,
                    body,
                }),
                _,
            ) => {
                return WireAnswer::Response(answers::raw(
                    now,
                    status,
                    content_type.as_deref(),
                    body,
                ));
            }
            (
                Some(How::Status {
                    status,
                    code,
                    message,
                    retry_after,
                }),
                _,
            ) => {
                let usual = match route.name {
                    "token" | "devicecode" | "authorize" => {
                        aadsts(code.trim_start_matches("AADSTS"))
                    }
                    "imds" | "arc" | "app_service" => no_identity(status, &code, "on order"),
                    _ => refused(status, &code, message.as_deref().unwrap_or_default()),
                };
                Crafted {
                    status,
                    retry_after,
                    ..usual
                }
            }
            (Some(How::Dated { ahead_s }), Some(answer)) => {
                let date = now
                    .checked_add(SignedDuration::from_secs(ahead_s))
                    .unwrap_or(now);
                return WireAnswer::Response(answers::written(date, answer, &mut self.ids));
            }
            (Some(How::Edited { set }), Some(mut answer)) => {
                answer
                    .body
                    .as_object_mut()
                    .into_iter()
                    .for_each(|body| body.extend(set.clone()));
                answer
            }
            (_, Some(answer)) => answer,
            (_, None) => return WireAnswer::Silence,
        };
        WireAnswer::Response(answers::written(now, answer, &mut self.ids))
    }

    /// What the far side answers when nothing is wrong with it: who calls, how often, with which role, then the call.
    fn reply(
        &mut self,
        now: Timestamp,
        route: &Route,
        request: &Request<Bytes>,
        grant: Option<Grant>,
        call: &mut CallRecord,
    ) -> Reply {
        let id = &route.subject.to_ascii_lowercase();
        let grant = match (route.name, grant) {
            ("token", _) => return self.token(now, &route.subject, request),
            ("devicecode", _) => return self.device_code(now, &route.subject, request),
            ("authorize", _) => return self.authorize(now, &route.subject, request),
            ("imds" | "arc" | "app_service", _) => {
                return self.identity(now, route.name, request);
            }
            ("other", _) => return Err(refused(404, "NotFound", "This path is not known here.")),
            (_, None) => {
                return Err(refused(
                    401,
                    "Unauthorized",
                    "The token is missing, unknown or expired.",
                ));
            }
            (_, Some(grant)) => grant,
        };
        if route.name == "incident_comment" {
            return self.incident_comment(&grant, &route.subject, request);
        }
        if !grant.for_defender {
            return Err(refused(
                403,
                "Forbidden",
                "The token was issued for another audience.",
            ));
        }
        if let Some(seconds) = quota::wait(&self.calls, call, &self.setup) {
            call.refused_by_quota = true;
            let refusal = refused(
                429,
                "TooManyRequests",
                "Too many requests, wait and try again.",
            );
            return Err(Crafted {
                retry_after: Some(seconds.to_string()),
                ..refusal
            });
        }
        permission::may(&grant, route, id)?;
        if let Some((sign_in, place)) = grant.line {
            let used = self.used_line.entry(sign_in).or_default();
            *used = place.max(*used);
        }
        match route.name {
            "scan" => self.scan(now, &grant, id, request),
            "list" => self.list(now, &grant, request),
            "get" => self.get(now, &grant, id),
            "cancel" => self.cancel(now, &grant, id, request),
            "machine" => self.machine(now, &grant, id),
            "alert" => self.alert(id),
            "alert_comment" => self.alert_comment(id, request),
            "findbyip" => self.find_by_ip(now, &grant, &route.subject),
            _ => self.machines(now, &grant, request),
        }
    }
}
