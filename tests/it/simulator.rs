//! The simulator keeps to what is known of Entra ID and Defender for Endpoint: each test states one such fact.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use scanhook_simulator::serve::{SharedSimulator, router};
use scanhook_simulator::{
    Busy, Fault, How, Machine, Played, QuotaWindow, Setup, Simulator, Tenant, WireAnswer,
};
use serde_json::{Value, json};

const TENANT: &str = "5f0c2b1e-9a47-4d3c-8e21-7b6a90d4c8f3";
const APP: &str = "c1d2e3f4-0a1b-4c2d-8e3f-405162738495";
const WS1: &str = "7c0f4e2b91d65a3e8f1427bd60c9a5e3d8b1f604";
const WS2: &str = "1111111111111111111111111111111111111111";
const SCOPE: &str = "https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default";

/// One far side, a clock that only the test moves, and a token.
struct World {
    far: Simulator,
    now: Timestamp,
    token: String,
}

impl World {
    fn new(setup: Setup) -> World {
        let now = "2026-11-02T08:15:42.6139284Z".parse().unwrap();
        let mut world = World {
            far: Simulator::new(setup),
            now,
            token: String::new(),
        };
        world.login();
        world
    }

    fn login(&mut self) {
        let answer = self.ask_token(TENANT, &form("s3cret", SCOPE));
        self.token = body(&answer)["access_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn ask_token(&mut self, tenant: &str, form: &str) -> Response<Bytes> {
        let request = Request::post(format!(
            "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
        ))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::copy_from_slice(form.as_bytes()))
        .unwrap();
        response(self.far.handle(self.now, &request))
    }

    fn play(&mut self, method: &str, path: &str, json: &str) -> Played {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://api.security.microsoft.com{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(Bytes::copy_from_slice(json.as_bytes()))
            .unwrap();
        self.far.handle(self.now, &request)
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        seen(&response(self.play("GET", path, "")))
    }

    fn post(&mut self, path: &str, json: &str) -> (u16, Value) {
        seen(&response(self.play("POST", path, json)))
    }

    fn scan(&mut self, machine: &str, kind: &str) -> (u16, Value) {
        self.post(
            &format!("/api/machines/{machine}/runAntiVirusScan"),
            &scan_body(kind),
        )
    }

    fn list(&mut self, filter: &str) -> (u16, Value) {
        self.get(&format!(
            "/api/machineactions?$filter={}",
            filter.replace(' ', "%20")
        ))
    }

    fn fault(&mut self, route: &str, how: How) {
        self.far.faults(vec![Fault {
            route: route.to_owned(),
            nth: 1,
            times: 1,
            how,
        }]);
    }
}

fn scan_body(kind: &str) -> String {
    json!({ "Comment": "alert 3212 [sh-0a8f]", "ScanType": kind, "ExternalId": "4f1c2a9e" })
        .to_string()
}

fn form(secret: &str, scope: &str) -> String {
    format!("grant_type=client_credentials&client_id={APP}&client_secret={secret}&scope={scope}")
}

fn response(played: Played) -> Response<Bytes> {
    match played.what {
        WireAnswer::Response(response) => response,
        WireAnswer::Reset => panic!("the connection was reset"),
        WireAnswer::Silence => panic!("no answer came"),
    }
}

fn body(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn seen(response: &Response<Bytes>) -> (u16, Value) {
    (response.status().as_u16(), body(response))
}

fn refusal(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap())
}

fn world() -> World {
    World::new(Setup::default())
}

fn registered(roles: &[&str]) -> Setup {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let known = Tenant {
        id: TENANT.into(),
        client_id: APP.into(),
        client_secret: "s3cret".into(),
        roles,
        ..Tenant::default()
    };
    Setup {
        tenants: vec![known],
        ..Setup::default()
    }
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(part)
            .unwrap(),
    )
    .unwrap()
}

fn is_guid(value: &Value) -> bool {
    value.as_str().unwrap().parse::<uuid::Uuid>().is_ok()
}

// Tokens.

#[test]
fn a_token_names_its_audience_tenant_app_roles_and_end() {
    let mut world = World::new(registered(&["Machine.Scan", "Machine.Read.All"]));
    let answer = body(&world.ask_token(TENANT, &form("s3cret", SCOPE)));
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3599);
    let claims = claims(answer["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], "https://api.securitycenter.microsoft.com");
    assert_eq!(claims["tid"], TENANT);
    assert_eq!(claims["appid"], APP);
    assert_eq!(claims["roles"], json!(["Machine.Scan", "Machine.Read.All"]));
    assert_eq!(claims["iat"], world.now.as_second());
    assert_eq!(claims["exp"], world.now.as_second() + 3599);
}

#[test]
fn a_token_without_consent_has_no_roles_claim_at_all() {
    let world = World::new(registered(&[]));
    assert!(claims(&world.token).get("roles").is_none());
}

#[test]
fn a_tenant_addressed_by_its_domain_still_has_a_guid() {
    let mut world = world();
    let answer = body(&world.ask_token("contoso.example", &form("x", SCOPE)));
    assert!(is_guid(
        &claims(answer["access_token"].as_str().unwrap())["tid"]
    ));
}

#[test]
fn every_wrong_token_request_gets_its_own_aadsts_code() {
    let mut world = World::new(registered(&["Machine.Scan"]));
    let right = form("s3cret", SCOPE);
    let cases = [
        (TENANT, form("wrong", SCOPE), 7_000_215, "invalid_client"),
        (
            TENANT,
            right.replace("client_secret=s3cret&", ""),
            7_000_218,
            "invalid_client",
        ),
        (
            TENANT,
            // Without its type it counts as no assertion.
            right.replace("client_secret=s3cret", "client_assertion=e30"),
            7_000_218,
            "invalid_client",
        ),
        (
            TENANT,
            right.replace(APP, "another-app"),
            700_016,
            "unauthorized_client",
        ),
        (
            "b0000000-0000-4000-8000-000000000000",
            right.clone(),
            90_002,
            "invalid_request",
        ),
        ("common", right.clone(), 50_194, "invalid_request"),
        (
            TENANT,
            form("s3cret", "https%3A%2F%2Fapi.securitycenter.microsoft.com"),
            70_011,
            "invalid_scope",
        ),
        (
            TENANT,
            form("s3cret", &format!("a%2F.default+{SCOPE}")),
            700_022,
            "invalid_scope",
        ),
        (
            TENANT,
            form("s3cret", "https%3A%2F%2Fnowhere.example%2F.default"),
            500_011,
            "invalid_resource",
        ),
        (
            TENANT,
            right.replace("client_credentials", "password"),
            70_003,
            "unsupported_grant_type",
        ),
        (
            TENANT,
            right.replace("grant_type=client_credentials&", ""),
            900_144,
            "invalid_request",
        ),
    ];
    for (tenant, form, number, error) in cases {
        let answer = world.ask_token(tenant, &form);
        assert!([400, 401].contains(&answer.status().as_u16()));
        let body = body(&answer);
        assert_eq!(body["error_codes"], json!([number]));
        assert_eq!(body["error"], error, "{number}");
        assert!(
            body["error_description"]
                .as_str()
                .unwrap()
                .starts_with(&format!("AADSTS{number}: "))
        );
        assert!(is_guid(&body["trace_id"]) && is_guid(&body["correlation_id"]));
        assert_eq!(body["timestamp"], "2026-11-02 08:15:42Z");
        assert!(body["error_uri"].is_string());
    }
}

#[test]
fn a_token_form_with_another_content_type_is_not_read() {
    let mut world = world();
    let request = Request::post(format!(
        "https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    ))
    .header("content-type", "text/plain")
    .body(Bytes::from(form("s3cret", SCOPE)))
    .unwrap();
    assert_eq!(
        response(world.far.handle(world.now, &request)).status(),
        400
    );
}

#[test]
fn a_secret_with_reserved_characters_survives_the_form() {
    let mut setup = registered(&["Machine.Scan"]);
    setup.tenants[0].client_secret = "a+b&c=d e%".to_owned();
    let mut world = World::new(setup);
    assert_eq!(
        world
            .ask_token(TENANT, &form("a%2Bb%26c%3Dd+e%25", SCOPE))
            .status(),
        200
    );
}

#[test]
fn a_token_ends_when_its_life_is_over_and_not_before() {
    let mut world = world();
    world.wait(3598);
    assert_eq!(world.get("/api/machineactions").0, 200);
    world.wait(1);
    assert_eq!(
        refusal(&world.get("/api/machineactions")),
        (401, "Unauthorized")
    );
}

#[test]
fn an_absurd_token_life_does_not_break_the_far_side() {
    let mut world = World::new(Setup {
        token_life_s: u64::MAX,
        ..Setup::default()
    });
    assert_eq!(world.get("/api/machineactions").0, 200);
    let mut world = World::new(Setup {
        token_life_s: 0,
        ..Setup::default()
    });
    assert_eq!(world.get("/api/machineactions").0, 401);
}

#[test]
fn a_missing_or_foreign_token_is_answered_401_with_an_envelope() {
    let mut world = world();
    world.token = "e30.e30.e30".to_owned();
    let answer = world.scan(WS1, "Quick");
    assert_eq!(refusal(&answer), (401, "Unauthorized"));
    assert!(is_guid(&answer.1["error"]["target"]));
    assert!(world.far.scans().is_empty());
    let call = world.far.calls().last().unwrap();
    assert!(call.bearer && !call.bearer_valid && !call.executed);
}

#[test]
fn a_token_for_another_audience_is_answered_403_not_401() {
    for host in ["api.security.microsoft.com", "graph.microsoft.com"] {
        let mut world = world();
        let answer = body(&world.ask_token(
            TENANT,
            &form("x", &format!("https%3A%2F%2F{host}%2F.default")),
        ));
        world.token = answer["access_token"].as_str().unwrap().to_owned();
        assert_eq!(refusal(&world.scan(WS1, "Quick")), (403, "Forbidden"));
    }
}

// Permissions.

#[test]
fn the_scan_role_cannot_read_actions_back() {
    let mut world = World::new(registered(&["Machine.Scan"]));
    assert_eq!(world.scan(WS1, "Quick").0, 201);
    let answer = world.get("/api/machineactions");
    assert_eq!(refusal(&answer), (403, "Forbidden"));
    let text = "Missing application roles. API required roles: Machine.Read.All,Machine.ReadWrite.All, application roles: Machine.Scan.";
    assert_eq!(answer.1["error"]["message"], text);
}

#[test]
fn either_read_role_reads_but_neither_scans() {
    for role in ["Machine.Read.All", "Machine.ReadWrite.All"] {
        let mut world = World::new(registered(&[role]));
        assert_eq!(world.get("/api/machineactions").0, 200);
        assert_eq!(world.get(&format!("/api/machines/{WS1}")).0, 200);
        assert_eq!(world.scan(WS1, "Quick").0, 403);
    }
}

#[test]
fn roles_that_are_granted_later_show_in_new_tokens_only() {
    let mut world = World::new(registered(&["Machine.Read.All"]));
    world.far.setup().tenants[0]
        .roles
        .push("Machine.Scan".to_owned());
    assert_eq!(world.scan(WS1, "Quick").0, 403);
    world.login();
    assert_eq!(world.scan(WS1, "Quick").0, 201);
}

// The scan call.

#[test]
fn a_started_scan_comes_back_with_all_twenty_fields() {
    let mut world = world();
    let (status, action) = world.scan(WS1, "Full");
    assert_eq!(status, 201);
    assert_eq!(action.as_object().unwrap().len(), 21);
    assert!(
        action["@odata.context"]
            .as_str()
            .unwrap()
            .ends_with("/api/$metadata#MachineActions/$entity")
    );
    assert!(is_guid(&action["id"]));
    let told = json!({
        "type": "RunAntiVirusScan", "title": null, "requestor": "scanhook-simulated",
        "requestorComment": "alert 3212 [sh-0a8f]", "status": "Pending", "machineId": WS1,
        "creationDateTimeUtc": "2026-11-02T08:15:42.6139284Z", "lastUpdateDateTimeUtc": "2026-11-02T08:15:42.6139289Z",
        "cancellationRequestor": null, "cancellationComment": null, "cancellationDateTimeUtc": null, "errorHResult": 0,
        "scope": "Full", "externalId": "4f1c2a9e", "requestSource": "PublicApi", "relatedFileInfo": null, "commands": [],
        "troubleshootInfo": null,
    });
    for (key, value) in told.as_object().unwrap() {
        assert_eq!(&action[key], value, "{key}");
    }
    let started = &world.far.scans()[0];
    assert_eq!(
        (started.machine.as_str(), started.kind.as_str()),
        (WS1, "Full")
    );
    assert_eq!((started.tenant.as_str(), started.foreign), (TENANT, false));
}

#[test]
fn the_pinned_version_answers_like_the_latest() {
    let mut world = world();
    let path = format!("/api/v1.0/machines/{WS1}/runAntiVirusScan");
    assert_eq!(world.post(&path, &scan_body("Quick")).0, 201);
    assert_eq!(
        world.get("/api/v1.0/machineactions").1["value"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn body_keys_are_case_sensitive_and_values_exact() {
    let missing = (400, "MissingRequiredParameter");
    let invalid = (400, "InvalidRequestBody");
    let cases = [
        (r#"{"comment":"c","ScanType":"Full"}"#, missing),
        (r#"{"Comment":"c","scantype":"Full"}"#, missing),
        (r#"{"Comment":"c","Scan Type":"Full"}"#, missing),
        (r#"{"Comment":"c"}"#, missing),
        (r#"{"Comment":"","ScanType":"Full"}"#, missing),
        (
            r#"{"Comment":"c","ScanType":"Full","externalId":"e"}"#,
            invalid,
        ),
        (r#"{"Comment":"c","ScanType":"quick"}"#, invalid),
        (r#"{"Comment":"c","ScanType":"Hurtig"}"#, invalid),
        ("not json", invalid),
        ("[]", invalid),
    ];
    let mut world = world();
    for (sent, expected) in cases {
        let answer = world.post(&format!("/api/machines/{WS1}/runAntiVirusScan"), sent);
        assert_eq!(refusal(&answer), expected, "{sent}");
    }
    assert!(world.far.scans().is_empty());
}

#[test]
fn an_unknown_machine_is_404_and_an_unlisted_one_only_in_a_closed_fleet() {
    let mut world = World::new(Setup {
        open_fleet: false,
        ..Setup::default()
    });
    assert_eq!(
        refusal(&world.scan(WS1, "Quick")),
        (404, "ResourceNotFound")
    );
    world.far.setup().open_fleet = true;
    assert_eq!(world.scan(WS1, "Quick").0, 201);
    assert_eq!(
        world
            .scan("8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6", "Quick")
            .0,
        404,
        "an Entra device id is not an id here"
    );
    assert_eq!(world.scan("ws-0417.corp.example.com", "Quick").0, 404);
}

#[test]
fn a_machine_can_refuse_scans_with_a_code_of_its_own() {
    for (code, status) in [
        ("OsPlatformNotSupported", 400),
        ("ClientVersionNotSupported", 400),
        ("DisallowedOperation", 403),
    ] {
        let machine = Machine {
            id: WS1.into(),
            refuses_scan: Some(code.into()),
            ..Machine::default()
        };
        let mut world = World::new(Setup {
            machines: vec![machine],
            ..Setup::default()
        });
        assert_eq!(refusal(&world.scan(WS1, "Quick")), (status, code));
        assert!(world.far.scans().is_empty());
    }
}

#[test]
fn an_external_id_can_be_swallowed_or_refused_and_is_never_used_to_deduplicate() {
    let mut world = World::new(Setup {
        echo_external_id: false,
        ..Setup::default()
    });
    assert_eq!(world.scan(WS1, "Quick").1["externalId"], Value::Null);
    assert_eq!(
        world.far.scans()[0].external_id.as_deref(),
        Some("4f1c2a9e")
    );

    let mut world = World::new(Setup {
        accept_external_id: false,
        ..Setup::default()
    });
    assert_eq!(
        refusal(&world.scan(WS1, "Quick")),
        (400, "InvalidRequestBody")
    );
    let without = r#"{"Comment":"c","ScanType":"Quick"}"#;
    assert_eq!(
        world
            .post(&format!("/api/machines/{WS1}/runAntiVirusScan"), without)
            .0,
        201
    );

    let mut world = self::world();
    assert_eq!(world.scan(WS1, "Quick").0, 201);
    world.wait(3600 - 10);
    assert_eq!(
        world.scan(WS1, "Quick").0,
        201,
        "the first has ended, the same ExternalId starts another"
    );
    assert_eq!(world.far.scans().len(), 2);
}

#[test]
fn scope_can_be_null() {
    let mut world = World::new(Setup {
        scope_null: true,
        ..Setup::default()
    });
    assert_eq!(world.scan(WS1, "Quick").1["scope"], Value::Null);
}

// A busy machine.

#[test]
fn a_busy_machine_is_answered_as_the_scenario_says_and_starts_nothing() {
    let code = "ActiveRequestAlreadyExists";
    let text = "Action is already in progress";
    for busy in [
        Busy::Refused400,
        Busy::RefusedCodeOnly,
        Busy::RefusedMessageOnly,
        Busy::Existing200,
        Busy::Existing201,
    ] {
        let mut world = World::new(Setup {
            busy,
            ..Setup::default()
        });
        let foreign = world
            .far
            .start_foreign(world.now, WS1, "Quick", "manual check");
        let played = world.play(
            "POST",
            &format!("/api/machines/{WS1}/runAntiVirusScan"),
            &scan_body("Full"),
        );
        assert!(!played.executed);
        let answer = response(played);
        let (status, body) = (answer.status().as_u16(), body(&answer));
        let error = &body["error"];
        match busy {
            Busy::Refused400 => {
                assert_eq!(
                    (status, &error["code"], &error["message"]),
                    (400, &json!(code), &json!(text))
                );
                assert!(is_guid(&error["target"]));
            }
            Busy::RefusedCodeOnly => assert_eq!((status, error), (400, &json!({ "code": code }))),
            Busy::RefusedMessageOnly => {
                assert_eq!(
                    (status, &error["code"], &error["message"]),
                    (400, &json!("BadRequest"), &json!(text))
                );
            }
            _ => {
                assert_eq!(status, if busy == Busy::Existing200 { 200 } else { 201 });
                assert_eq!(body["id"], foreign.as_str());
                assert_eq!(body["externalId"], Value::Null);
                assert_eq!(body["scope"], "Quick");
                assert_eq!(body["requestSource"], "Portal");
            }
        }
        assert_eq!(world.far.scans().len(), 1);
    }
}

#[test]
fn alternating_answers_take_turns_and_a_repeat_shows_our_own_action() {
    let mut world = World::new(Setup {
        busy: Busy::Alternate,
        ..Setup::default()
    });
    let id = world.scan(WS1, "Quick").1["id"].clone();
    assert_eq!(world.scan(WS1, "Quick").0, 400);
    let again = world.scan(WS1, "Quick");
    assert_eq!((again.0, &again.1["id"]), (200, &id));
    assert_eq!(world.scan(WS1, "Quick").0, 400);
}

// The life of an action.

#[test]
fn an_action_is_pending_then_in_progress_then_final_at_its_times() {
    let mut world = world();
    let id = world.scan(WS1, "Quick").1["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.scan(WS2, "Full");
    let status = |world: &mut World, seconds| {
        world.wait(seconds);
        world.get(&format!("/api/machineactions/{id}")).1["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(status(&mut world, 19), "Pending");
    assert_eq!(status(&mut world, 1), "InProgress");
    assert_eq!(status(&mut world, 239), "InProgress");
    assert_eq!(status(&mut world, 1), "Succeeded");
    assert_eq!(
        world.far.scans()[1].status(world.now),
        "InProgress",
        "a Full scan takes longer"
    );
    world.wait(45 * 60);
    assert!(!world.far.scans()[1].is_open(world.now));
}

#[test]
fn scans_end_as_the_scenario_says() {
    for (outcome, hresult) in [
        ("Failed", -2_147_023_436),
        ("TimeOut", 0),
        ("Cancelled", 0),
        ("Canceled", 0),
    ] {
        let outcomes = [(WS1.to_owned(), outcome.to_owned())].into();
        let mut world = World::new(Setup {
            outcomes,
            ..Setup::default()
        });
        world.scan(WS1, "Quick");
        world.wait(3000);
        let action = world.list("type eq 'RunAntiVirusScan'").1["value"][0].clone();
        assert_eq!(action["status"], outcome);
        assert_eq!(action["errorHResult"], hresult);
        assert_eq!(
            action["cancellationRequestor"].is_string(),
            outcome.starts_with("Cancel")
        );
        assert_eq!(
            action["lastUpdateDateTimeUtc"],
            "2026-11-02T08:20:02.6139284Z"
        );
    }
}

#[test]
fn a_machine_that_is_offline_stays_pending_for_days() {
    let mut world = World::new(Setup {
        offline: [WS1.to_owned()].into(),
        ..Setup::default()
    });
    world.scan(WS1, "Quick");
    world.wait(5 * 86_400);
    world.login();
    assert_eq!(
        world.list("type eq 'RunAntiVirusScan'").1["value"][0]["status"],
        "Pending"
    );
    assert_eq!(
        refusal(&world.scan(WS1, "Quick")),
        (400, "ActiveRequestAlreadyExists")
    );
}

// List, get, cancel.

#[test]
fn a_new_action_is_readable_at_once_but_listed_after_the_lag() {
    let mut world = World::new(Setup {
        list_lag_ms: 30_000,
        ..Setup::default()
    });
    let id = world.scan(WS1, "Quick").1["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(world.get(&format!("/api/machineactions/{id}")).0, 200);
    world.wait(29);
    assert_eq!(world.get("/api/machineactions").1["value"], json!([]));
    world.wait(1);
    assert_eq!(
        world.get("/api/machineactions").1["value"][0]["id"],
        id.as_str()
    );
}

#[test]
fn the_documented_filters_select_and_every_other_field_is_an_odata_error() {
    let mut world = world();
    world.scan(WS1, "Quick");
    world.wait(60);
    world.scan(WS2, "Full");
    let count =
        |world: &mut World, filter: &str| world.list(filter).1["value"].as_array().map(Vec::len);
    for (filter, rows) in [
        (
            format!("machineId eq '{WS1}' and type eq 'RunAntiVirusScan'"),
            1,
        ),
        (format!("machineId ne '{WS1}'"), 1),
        ("type eq 'Isolate'".to_owned(), 0),
        ("status eq 'Pending'".to_owned(), 1),
        ("requestor eq 'scanhook-simulated'".to_owned(), 2),
        ("requestor eq 'O''Brien'".to_owned(), 0),
        (
            "creationDateTimeUtc ge 2026-11-02T08:15:42.6139284Z".to_owned(),
            2,
        ),
        (
            "creationDateTimeUtc gt 2026-11-02T08:15:42.6139284Z".to_owned(),
            1,
        ),
        (
            "creationDateTimeUtc le 2026-11-02T08:15:42.6139284Z".to_owned(),
            1,
        ),
        ("creationDateTimeUtc lt 2026-11-02T08:15:42Z".to_owned(), 0),
    ] {
        assert_eq!(count(&mut world, &filter), Some(rows), "{filter}");
    }
    for filter in [
        "externalId eq '4f1c2a9e'",
        "id eq '4f1c2a9e'",
        "requestorComment eq 'x'",
        "creationDateTimeUtc ge '2026-11-02T08:15:42Z'",
        "creationDateTimeUtc ge yesterday",
        "type eq RunAntiVirusScan",
        "type eq 'O'Brien'",
        "type like 'RunAntiVirusScan'",
        "type eq 'RunAntiVirusScan' or type eq 'Isolate'",
        "",
    ] {
        assert_eq!(
            refusal(&world.list(filter)),
            (400, "ODataError"),
            "{filter}"
        );
    }
    assert_eq!(
        refusal(&world.get("/api/machineactions?$orderby=id")),
        (400, "ODataError")
    );
    assert_eq!(
        refusal(&world.get("/api/machineactions?$top=many")),
        (400, "ODataError")
    );
}

#[test]
fn pages_are_linked_until_all_that_was_asked_for_has_been_seen() {
    let mut world = World::new(Setup {
        page_size: Some(2),
        ..Setup::default()
    });
    for n in 0..5 {
        world.scan(&format!("{n:040x}"), "Quick");
    }
    for (query, total) in [("", 5), ("&$top=3", 3), ("&$skip=4", 1)] {
        let mut path = format!("/api/machineactions?$filter=type%20eq%20'RunAntiVirusScan'{query}");
        let mut ids = Vec::new();
        loop {
            let (status, page) = world.get(&path);
            assert_eq!(status, 200);
            let rows = page["value"].as_array().unwrap();
            assert!(rows.len() <= 2);
            ids.extend(
                rows.iter()
                    .map(|row| row["id"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["@odata.nextLink"].as_str() else {
                break;
            };
            path = next
                .strip_prefix("https://api.security.microsoft.com")
                .unwrap()
                .to_owned();
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), total, "{query}");
    }
}

#[test]
fn one_tenant_never_sees_the_actions_of_another() {
    let mut world = world();
    let id = world.scan(WS1, "Quick").1["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = body(&world.ask_token("contoso.example", &form("x", SCOPE)));
    world.token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.get("/api/machineactions").1["value"], json!([]));
    assert_eq!(world.get(&format!("/api/machineactions/{id}")).0, 404);
}

#[test]
fn cancelling_ends_an_open_action_and_is_refused_for_a_final_one() {
    let mut world = World::new(registered(&["Machine.Scan"]));
    let id = world.scan(WS1, "Quick").1["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/machineactions/{id}/cancel");
    assert_eq!(
        refusal(&world.post(&path, "{}")),
        (400, "MissingRequiredParameter")
    );
    let (status, action) = world.post(&path, r#"{"Comment":"kill switch"}"#);
    assert_eq!((status, &action["status"]), (200, &json!("Cancelled")));
    assert_eq!(action["cancellationComment"], "kill switch");
    assert_eq!(action["cancellationRequestor"], "scanhook-simulated");
    assert_eq!(
        action["cancellationDateTimeUtc"],
        "2026-11-02T08:15:42.6139284Z"
    );
    assert_eq!(world.post(&path, r#"{"Comment":"again"}"#).0, 400);
    let unknown = "/api/machineactions/00000000-0000-4000-8000-000000000000/cancel";
    assert_eq!(
        refusal(&world.post(unknown, r#"{"Comment":"c"}"#)),
        (404, "ResourceNotFound")
    );
    assert_eq!(world.scan(WS1, "Quick").0, 201, "the machine is free again");
}

// Machines.

#[test]
fn machines_are_found_by_name_prefix_and_entra_id() {
    let row = |id: &str, name: &str, record: Value| Machine {
        id: id.into(),
        dns_name: Some(name.into()),
        record: record.as_object().unwrap().clone(),
        ..Machine::default()
    };
    let aad = "8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6";
    let machines = vec![
        row(
            WS1,
            "ws-eng-04.corp.example.com",
            json!({ "aadDeviceId": aad }),
        ),
        row(
            WS2,
            "ws-eng-042.corp.example.com",
            json!({ "healthStatus": "Inactive" }),
        ),
        row(
            &"2".repeat(40),
            "ws-eng-04.corp.example.com",
            json!({ "mergedIntoMachineId": WS1 }),
        ),
    ];
    let mut world = World::new(Setup {
        machines,
        ..Setup::default()
    });
    let mut rows = |filter: &str| {
        let answer = world.get(&format!(
            "/api/machines?$filter={}",
            filter.replace(' ', "%20")
        ));
        (answer.0, answer.1["value"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(
        rows("computerDnsName eq 'ws-eng-04.corp.example.com'"),
        (200, 2)
    );
    assert_eq!(rows("computerDnsName eq 'unknown'"), (200, 0));
    assert_eq!(rows("startswith(computerDnsName,'ws-eng-04')"), (200, 3));
    assert_eq!(rows(&format!("aadDeviceId eq {aad}")), (200, 1));
    assert_eq!(rows(&format!("aadDeviceId eq '{aad}'")), (400, 0));
    assert_eq!(rows("lastSeen ge 2026-11-02T06:00:00Z"), (200, 3));
    assert_eq!(
        world.get(&format!("/api/machines/{WS2}")).1["healthStatus"],
        "Inactive"
    );
}

#[test]
fn an_unlisted_machine_of_an_open_fleet_is_an_ordinary_one() {
    let mut world = world();
    let (status, machine) = world.get(&format!("/api/machines/{WS1}"));
    assert_eq!(
        (status, &machine["id"], &machine["osPlatform"]),
        (200, &json!(WS1), &json!("Windows11"))
    );
    assert_eq!(
        (&machine["onboardingStatus"], &machine["isExcluded"]),
        (&json!("Onboarded"), &json!(false))
    );
    assert_eq!(
        refusal(&world.get("/api/machines/ws-1")),
        (404, "ResourceNotFound")
    );
}

#[test]
fn a_machine_of_one_tenant_is_unknown_to_the_others() {
    let machine = Machine {
        id: WS1.into(),
        tenant: Some("contoso.example".into()),
        ..Machine::default()
    };
    let mut world = World::new(Setup {
        machines: vec![machine],
        ..Setup::default()
    });
    assert_eq!(world.scan(WS1, "Quick").0, 404);
    world.far.start_foreign(world.now, WS1, "Full", "theirs");
    assert_eq!(world.get("/api/machineactions").1["value"], json!([]));
}

// Throttling.

fn exhausted(window: QuotaWindow, refused_count: bool) -> World {
    let mut world = World::new(Setup {
        per_minute: 3,
        window,
        refused_count,
        ..Setup::default()
    });
    for _ in 0..3 {
        assert_eq!(world.get("/api/machineactions").0, 200);
        world.wait(5);
    }
    world
}

fn throttled(world: &mut World) -> Option<String> {
    let answer = response(world.play("GET", "/api/machineactions", ""));
    if answer.status() == 200 {
        return None;
    }
    assert_eq!(refusal(&seen(&answer)), (429, "TooManyRequests"));
    assert!(world.far.calls().last().unwrap().refused_by_quota);
    Some(answer.headers()["retry-after"].to_str().unwrap().to_owned())
}

#[test]
fn a_sliding_window_frees_a_place_when_its_oldest_call_leaves() {
    let mut world = exhausted(QuotaWindow::Sliding, false);
    assert_eq!(throttled(&mut world).as_deref(), Some("45"));
    world.wait(44);
    assert_eq!(throttled(&mut world).as_deref(), Some("1"));
    world.wait(1);
    assert_eq!(throttled(&mut world), None);
}

#[test]
fn refused_calls_can_prolong_the_pause() {
    let mut world = exhausted(QuotaWindow::Sliding, true);
    assert_eq!(
        throttled(&mut world).as_deref(),
        Some("50"),
        "the refused call takes a place of its own"
    );
    world.wait(45);
    assert!(throttled(&mut world).is_some());
}

#[test]
fn an_aligned_window_is_empty_again_at_the_full_minute() {
    let mut world = exhausted(QuotaWindow::Aligned, true);
    // 08:15:57.6 now.
    assert_eq!(throttled(&mut world).as_deref(), Some("3"));
    world.wait(3);
    assert_eq!(throttled(&mut world), None);
}

#[test]
fn a_bucket_refills_evenly() {
    let mut world = exhausted(QuotaWindow::Bucket, false);
    // Three of three taken at 0, 5 and 10 s; one place returns every 20 s, the first at 20 s.
    assert_eq!(throttled(&mut world).as_deref(), Some("5"));
    world.wait(5);
    assert_eq!(throttled(&mut world), None);
    assert_eq!(throttled(&mut world).as_deref(), Some("20"));
}

#[test]
fn the_hour_limit_binds_first_under_steady_load() {
    let mut world = World::new(Setup {
        per_hour: 4,
        ..Setup::default()
    });
    for _ in 0..4 {
        assert_eq!(world.get("/api/machineactions").0, 200);
        world.wait(60);
    }
    assert_eq!(throttled(&mut world).as_deref(), Some("3420"));
}

#[test]
fn limits_are_counted_per_api_app_and_tenant() {
    let mut world = World::new(Setup {
        per_minute: 1,
        ..Setup::default()
    });
    assert_eq!(world.get("/api/machineactions").0, 200);
    assert_eq!(world.get("/api/machineactions").0, 429);
    assert_eq!(world.scan(WS1, "Quick").0, 201, "another API");
    let other_app = form("x", SCOPE).replace(APP, "another-app");
    let answer = body(&world.ask_token(TENANT, &other_app));
    world.token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.get("/api/machineactions").0, 200, "another app");
    let answer = body(&world.ask_token("contoso.example", &form("x", SCOPE)));
    world.token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.get("/api/machineactions").0, 200, "another tenant");
}

#[test]
fn another_tool_on_the_same_app_spends_its_part_of_every_hour() {
    let mut world = World::new(Setup {
        per_hour: 50,
        foreign_percent: 90,
        ..Setup::default()
    });
    let through = (0..50)
        .filter(|_| world.get("/api/machineactions").0 == 200)
        .count();
    assert_eq!(through, 5, "a tenth is left");
    assert_eq!(
        world
            .far
            .calls()
            .iter()
            .filter(|call| call.route == "list")
            .count(),
        50,
        "theirs are not logged"
    );
    assert_eq!(
        world.scan(WS1, "Quick").0,
        201,
        "they spend as much of another API, and no more"
    );
}

#[test]
fn the_peak_is_counted_over_any_sliding_window_of_one_app() {
    let mut world = World::new(Setup {
        window: QuotaWindow::Aligned,
        ..Setup::default()
    });
    for wait in [0, 30, 29, 1, 3541] {
        world.wait(wait);
        if wait == 3541 {
            world.login();
        }
        world.get("/api/machineactions");
    }
    // Calls at 0, 30, 59, 60 and 3601 s: 60 s after the first it has left the window.
    assert_eq!(world.far.quota_peak("list"), (3, 4));
    assert_eq!(world.far.quota_peak("scan"), (0, 0));
}

// Faults, and the form of answers.

#[test]
fn every_answer_carries_the_far_sides_own_date() {
    let mut world = world();
    let answer = response(world.play("GET", "/api/machineactions", ""));
    assert_eq!(answer.headers()["date"], "Mon, 02 Nov 2026 08:15:42 GMT");
}

#[test]
fn a_status_fault_refuses_without_executing_and_carries_its_retry_after() {
    let mut world = world();
    let (code, retry_after) = ("TooManyRequests".to_owned(), Some("7".to_owned()));
    world.fault(
        "scan",
        How::Status {
            status: 429,
            code,
            message: Some("CPU".to_owned()),
            retry_after,
        },
    );
    let played = world.play(
        "POST",
        &format!("/api/machines/{WS1}/runAntiVirusScan"),
        &scan_body("Quick"),
    );
    assert!(!played.executed);
    let answer = response(played);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(refusal(&seen(&answer)), (429, "TooManyRequests"));
    assert!(is_guid(&body(&answer)["error"]["target"]));
    assert!(world.far.scans().is_empty());
    assert!(!world.far.calls().last().unwrap().refused_by_quota);
    assert_eq!(world.scan(WS1, "Quick").0, 201, "one call only");
}

#[test]
fn a_token_fault_speaks_the_language_of_entra() {
    let mut world = world();
    let how = |code: &str| How::Status {
        status: 401,
        code: code.to_owned(),
        message: None,
        retry_after: None,
    };
    world.fault("token", how("AADSTS7000222"));
    let answer = world.ask_token(TENANT, &form("x", SCOPE));
    assert_eq!(
        (answer.status().as_u16(), &body(&answer)["error_codes"]),
        (401, &json!([7_000_222]))
    );
    world.fault("token", how("temporarily_unavailable"));
    assert_eq!(
        body(&world.ask_token(TENANT, &form("x", SCOPE)))["error"],
        "temporarily_unavailable"
    );
}

#[test]
fn faults_count_the_calls_of_their_route_from_when_they_were_added() {
    let mut world = world();
    world.get("/api/machineactions");
    let how = How::Raw {
        status: 502,
        content_type: Some("text/html".into()),
        body: "<html>".into(),
    };
    world.far.faults(vec![Fault {
        route: "list".into(),
        nth: 2,
        times: 2,
        how: how.clone(),
    }]);
    let mut status = || {
        response(world.play("GET", "/api/machineactions", ""))
            .status()
            .as_u16()
    };
    assert_eq!(
        [status(), status(), status(), status()],
        [200, 502, 502, 200]
    );
    world.far.faults(vec![Fault {
        route: "*".into(),
        nth: 1,
        times: u32::MAX,
        how,
    }]);
    assert_eq!(
        response(world.play("GET", "/api/machines", "")).status(),
        502
    );
    world.far.faults(Vec::new());
    assert_eq!(world.get("/api/machines").0, 200);
}

#[test]
fn a_call_may_be_lost_on_the_way_there_or_on_the_way_back() {
    let cases: [(How, bool, bool); 4] = [
        (How::LostRequest, true, false),
        (How::LostAnswer, true, true),
        (How::Silence { executed: false }, false, false),
        (How::Silence { executed: true }, false, true),
    ];
    for (how, reset, executed) in cases {
        let mut world = world();
        world.fault("scan", how);
        let played = world.play(
            "POST",
            &format!("/api/machines/{WS1}/runAntiVirusScan"),
            &scan_body("Quick"),
        );
        assert_eq!(matches!(played.what, WireAnswer::Reset), reset);
        assert_eq!(matches!(played.what, WireAnswer::Silence), !reset);
        assert_eq!(played.executed, executed);
        assert_eq!(world.far.scans().len(), usize::from(executed));
        let call = world.far.calls().last().unwrap();
        assert_eq!((call.status, call.executed), (None, executed));
    }
}

#[test]
fn a_scan_may_be_started_and_yet_answered_with_an_error() {
    let mut world = world();
    let error = How::Status {
        status: 500,
        code: "InternalServerError".into(),
        message: Some("m".into()),
        retry_after: None,
    };
    world.fault(
        "scan",
        How::Executed {
            answer: Box::new(error),
        },
    );
    assert_eq!(
        refusal(&world.scan(WS1, "Quick")),
        (500, "InternalServerError")
    );
    assert_eq!(world.far.scans().len(), 1);
    let empty = How::Raw {
        status: 201,
        content_type: None,
        body: String::new(),
    };
    world.fault(
        "scan",
        How::Executed {
            answer: Box::new(empty),
        },
    );
    let answer = response(world.play(
        "POST",
        &format!("/api/machines/{WS2}/runAntiVirusScan"),
        &scan_body("Quick"),
    ));
    assert_eq!((answer.status().as_u16(), answer.body().len()), (201, 0));
    assert_eq!(world.far.scans().len(), 2);
}

#[test]
fn an_answer_may_come_late_or_with_other_values() {
    let mut world = World::new(Setup {
        latency_ms: 10,
        ..Setup::default()
    });
    world.fault("scan", How::Delay { ms: 90 });
    let played = world.play(
        "POST",
        &format!("/api/machines/{WS1}/runAntiVirusScan"),
        &scan_body("Quick"),
    );
    assert_eq!(
        (played.after, played.executed),
        (Duration::from_millis(100), true)
    );
    let set = json!({ "machineId": WS2, "status": "Exploded" })
        .as_object()
        .unwrap()
        .clone();
    world.fault("scan", How::Edited { set });
    let answer = world.scan(&"3".repeat(40), "Quick").1;
    assert_eq!(
        (&answer["machineId"], &answer["status"]),
        (&json!(WS2), &json!("Exploded"))
    );
    world.fault(
        "token",
        How::Edited {
            set: json!({ "expires_in": "3599" }).as_object().unwrap().clone(),
        },
    );
    assert_eq!(
        body(&world.ask_token(TENANT, &form("x", SCOPE)))["expires_in"],
        "3599"
    );
}

#[test]
fn a_fault_reads_from_short_json() {
    let fault: Fault =
        serde_json::from_str(r#"{"route":"scan","how":{"kind":"lost_answer"}}"#).unwrap();
    assert_eq!((fault.nth, fault.times), (1, 1));
    let fault: Fault = serde_json::from_value(json!({
        "route": "list", "nth": 3, "times": 2, "how": { "kind": "executed", "answer": { "kind": "raw", "status": 201, "body": "" } },
    }))
    .unwrap();
    assert!(matches!(fault.how, How::Executed { .. }));
    assert!(
        serde_json::from_str::<Fault>(
            r#"{"route":"scan","how":{"kind":"status","status":500,"cod":"x"}}"#
        )
        .is_err()
    );
}

// The record.

#[test]
fn the_record_holds_what_a_scan_call_said_and_never_a_secret() {
    let mut world = world();
    world.scan(WS1, "Quick");
    let calls = world.far.calls();
    assert_eq!(
        (calls[0].route, calls[0].tenant.as_deref(), calls[0].status),
        ("token", Some(TENANT), Some(200))
    );
    assert!(!format!("{calls:?}").contains("s3cret"));
    let scan = &calls[1];
    assert_eq!(
        (scan.route, scan.method.as_str(), scan.at),
        ("scan", "POST", world.now)
    );
    assert_eq!(
        (scan.machine.as_deref(), scan.app.as_deref()),
        (Some(WS1), Some(APP))
    );
    assert_eq!(scan.path, format!("/api/machines/{WS1}/runAntiVirusScan"));
    assert_eq!(
        (scan.external_id.as_deref(), scan.comment.as_deref()),
        (Some("4f1c2a9e"), Some("alert 3212 [sh-0a8f]"))
    );
    assert!(scan.bearer && scan.bearer_valid && scan.executed && !scan.refused_by_quota);
    assert_eq!(scan.status, Some(201));
}

#[test]
fn the_same_seed_plays_the_same_way_and_another_draws_other_ids() {
    let play = |seed| {
        let mut world = World::new(Setup {
            seed,
            ..Setup::default()
        });
        world.scan(WS1, "Quick");
        world.scan(WS1, "Quick");
        (
            world.token.clone(),
            world.far.start_foreign(world.now, WS2, "Full", "c"),
            world.far.scans()[0].id.clone(),
        )
    };
    assert_eq!(play(7), play(7));
    assert_ne!(play(7), play(8));
}

#[test]
fn an_unknown_path_is_404_and_is_recorded_as_other() {
    let mut world = world();
    assert_eq!(world.get("/api/machines/x/y").0, 404);
    assert_eq!(
        world
            .get(&format!("/api/machines/{WS1}/runantivirusscan"))
            .0,
        404
    );
    assert_eq!(world.far.calls().last().unwrap().route, "other");
}

#[test]
fn a_scenario_reads_from_json_and_shows_no_secret() {
    let setup: Setup = serde_json::from_value(json!({
        "per_minute": 5, "busy": "existing200", "window": "aligned", "offline": [WS1],
        "tenants": [{ "id": TENANT, "client_id": APP, "client_secret": "s3cret" }],
    }))
    .unwrap();
    assert_eq!(
        (setup.per_minute, setup.per_hour, setup.busy),
        (5, 1500, Busy::Existing200)
    );
    assert_eq!(setup.tenants[0].roles, ["Machine.Scan", "Machine.Read.All"]);
    assert!(!serde_json::to_string(&setup).unwrap().contains("s3cret"));
    assert!(serde_json::from_str::<Setup>(r#"{"per_minutes":5}"#).is_err());
}

// Over a socket.

fn noon() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().unwrap()
}

async fn served(setup: Setup) -> (SharedSimulator, String, reqwest::Client) {
    let shared = SharedSimulator::new(Simulator::new(setup));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = router(shared.clone(), noon);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    (shared, base, client)
}

async fn json_of(answer: reqwest::Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

async fn login(base: &str, client: &reqwest::Client) -> String {
    let request = client
        .post(format!("{base}/{TENANT}/oauth2/v2.0/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form("x", SCOPE));
    json_of(request.send().await.unwrap()).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn scan_over(base: &str, client: &reqwest::Client, token: &str) -> reqwest::RequestBuilder {
    client
        .post(format!("{base}/api/machines/{WS1}/runAntiVirusScan"))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(scan_body("Quick"))
}

#[tokio::test]
async fn a_scan_can_be_started_listed_and_seen_through_a_socket() {
    let (_, base, client) = served(Setup {
        page_size: Some(1),
        ..Setup::default()
    })
    .await;
    let token = login(&base, &client).await;
    let answer = scan_over(&base, &client, &token).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["date"], "Mon, 02 Nov 2026 12:00:00 GMT");
    let foreign = json!({ "machine": WS2, "kind": "Full", "comment": "manual" }).to_string();
    let request = client
        .post(format!("{base}/_simulator/foreign"))
        .header("content-type", "application/json");
    let id = json_of(request.body(foreign).send().await.unwrap()).await["id"].clone();
    let list = client
        .get(format!("{base}/api/machineactions"))
        .bearer_auth(&token);
    let page = json_of(list.send().await.unwrap()).await;
    assert_eq!(page["value"][0]["id"], id);
    let next = page["@odata.nextLink"].as_str().unwrap();
    assert!(
        next.starts_with(&base),
        "the next page is on the same origin"
    );
    let rest = json_of(client.get(next).bearer_auth(&token).send().await.unwrap()).await;
    assert_eq!(rest["value"][0]["machineId"], WS1);
    let scans = json_of(
        client
            .get(format!("{base}/_simulator/scans"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (scans.as_array().unwrap().len(), &scans[1]["foreign"]),
        (2, &json!(true))
    );
    let calls = json_of(
        client
            .get(format!("{base}/_simulator/calls"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    let routes: Vec<_> = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["route"].as_str().unwrap())
        .collect();
    assert_eq!(
        routes,
        ["token", "scan", "list", "list"],
        "control calls are not part of the record"
    );
    assert_eq!(calls[1]["at"], "2026-11-02T12:00:00.0000000Z");
}

#[tokio::test]
async fn a_reset_breaks_the_connection_before_any_byte_of_an_answer() {
    let (shared, base, client) = served(Setup::default()).await;
    let token = login(&base, &client).await;
    let faults = json!([{ "route": "scan", "how": { "kind": "lost_answer" } }]).to_string();
    let request = client
        .post(format!("{base}/_simulator/faults"))
        .header("content-type", "application/json");
    assert_eq!(request.body(faults).send().await.unwrap().status(), 200);
    let failed = scan_over(&base, &client, &token).send().await;
    assert!(failed.is_err(), "not even a status line arrives");
    assert_eq!(shared.with(|far| far.scans().len()), 1);
    assert_eq!(
        scan_over(&base, &client, &token)
            .send()
            .await
            .unwrap()
            .status(),
        400,
        "the server lives on"
    );
}

#[tokio::test]
async fn silence_lasts_until_the_client_gives_up() {
    let (shared, base, client) = served(Setup::default()).await;
    let token = login(&base, &client).await;
    shared.with(|far| {
        let how = How::Silence { executed: false };
        far.faults(vec![Fault {
            route: "scan".into(),
            nth: 1,
            times: 1,
            how,
        }]);
    });
    let failed = scan_over(&base, &client, &token)
        .timeout(Duration::from_millis(300))
        .send()
        .await;
    assert!(failed.unwrap_err().is_timeout());
    assert!(shared.with(|far| far.scans().is_empty()));
}

#[tokio::test]
async fn latency_delays_the_answer_and_the_scenario_can_be_changed_over_http() {
    let (_, base, client) = served(Setup::default()).await;
    let request = client
        .put(format!("{base}/_simulator/setup"))
        .header("content-type", "application/json");
    assert_eq!(
        request
            .body(r#"{"latency_ms":60000}"#)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let setup = json_of(
        client
            .get(format!("{base}/_simulator/setup"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (&setup["latency_ms"], &setup["per_minute"]),
        (&json!(60_000), &json!(100))
    );
    let late = client
        .get(format!("{base}/api/machines"))
        .timeout(Duration::from_millis(300))
        .send()
        .await;
    assert!(late.unwrap_err().is_timeout());
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let (_, base, client) = served(Setup::default()).await;
    let request = client
        .post(format!("{base}/api/machines/{WS1}/runAntiVirusScan"))
        .body(vec![b' '; (1 << 20) + 1]);
    assert_eq!(request.send().await.unwrap().status(), 413);
}
