//! The simulator's directory keeps to what is known of Defender's: each test states one such fact.

use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use scanhook_simulator::{Machine, Setup, Simulator, Tenant, WireAnswer};
use serde_json::{Value, json};

const TENANT: &str = "5f0c2b1e-9a47-4d3c-8e21-7b6a90d4c8f3";
const WS1: &str = "7c0f4e2b91d65a3e8f1427bd60c9a5e3d8b1f604";
const WS2: &str = "1111111111111111111111111111111111111111";
const WS3: &str = "2222222222222222222222222222222222222222";
const AAD: &str = "8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6";

struct World {
    far: Simulator,
    now: Timestamp,
    token: String,
}

fn row(id: &str, name: &str, record: &Value) -> Machine {
    let record = record.as_object().unwrap().clone();
    Machine {
        id: id.into(),
        dns_name: Some(name.into()),
        record,
        ..Machine::default()
    }
}

impl World {
    fn new(setup: Setup) -> World {
        let now = "2026-11-02T08:15:42Z".parse().unwrap();
        let mut world = World {
            far: Simulator::new(setup),
            now,
            token: String::new(),
        };
        let form = "grant_type=client_credentials&client_id=app&client_secret=s&scope=https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default";
        let request = Request::post(format!(
            "https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
        ))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(form.as_bytes()));
        let answer = world.ask(&request.unwrap()).1;
        world.token = answer["access_token"].as_str().unwrap().to_owned();
        world
    }

    fn of(machines: Vec<Machine>) -> World {
        World::new(Setup {
            machines,
            ..Setup::default()
        })
    }

    fn ask(&mut self, request: &Request<Bytes>) -> (u16, Value) {
        let WireAnswer::Response(response) = self.far.handle(self.now, request).what else {
            panic!("no answer")
        };
        (
            response.status().as_u16(),
            serde_json::from_slice(response.body()).unwrap(),
        )
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        let request = Request::get(format!("https://api.security.microsoft.com{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .body(Bytes::new());
        self.ask(&request.unwrap())
    }

    /// Status and the ids that were found, or the error's code.
    fn found(&mut self, path: &str) -> (u16, Vec<String>) {
        let (status, body) = self.get(path);
        let ids = body["value"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| row["id"].as_str().unwrap().to_owned());
        let code = body["error"]["code"].as_str().map(str::to_owned);
        (status, ids.chain(code).collect())
    }

    fn filter(&mut self, filter: &str) -> (u16, Vec<String>) {
        self.found(&format!(
            "/api/machines?$filter={}",
            filter.replace(' ', "%20")
        ))
    }

    fn by_ip(&mut self, ip: &str, at: Timestamp) -> (u16, Vec<String>) {
        self.found(&format!("/api/machines/findbyip(ip='{ip}',timestamp={at})"))
    }
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn each_documented_field_filters_and_any_other_is_an_odata_error() {
    let record = json!({ "version": "23H2", "deviceValue": "High", "exposureLevel": "High", "onboardingStatus": "CanBeOnboarded",
        "lastIpAddress": "10.9.9.9", "healthStatus": "Inactive", "osPlatform": "Linux", "riskScore": "Medium" });
    let mut world = World::of(vec![row(WS1, "a", &record), row(WS2, "b", &json!({}))]);
    for (field, value) in record.as_object().unwrap() {
        let filter = format!("{field} eq '{}'", value.as_str().unwrap());
        assert_eq!(world.filter(&filter), (200, ids(&[WS1])), "{filter}");
    }
    assert_eq!(world.filter(&format!("id eq '{WS2}'")), (200, ids(&[WS2])));
    for other in [
        "isExcluded eq 'true'",
        "lastExternalIpAddress eq '198.51.100.7'",
        "computerdnsname eq 'a'",
    ] {
        assert_eq!(world.filter(other), (400, ids(&["ODataError"])), "{other}");
    }
}

#[test]
fn a_quote_inside_a_name_is_doubled() {
    let mut world = World::of(vec![row(WS1, "o'brien.corp.example.com", &json!({}))]);
    assert_eq!(
        world.filter("computerDnsName eq 'o''brien.corp.example.com'"),
        (200, ids(&[WS1]))
    );
    assert_eq!(
        world.filter("startswith(computerDnsName,'o''brien.')"),
        (200, ids(&[WS1]))
    );
    assert_eq!(
        world.filter("computerDnsName eq 'o'brien.corp.example.com'"),
        (400, ids(&["ODataError"]))
    );
}

#[test]
fn a_filter_heeds_or_ignores_letter_case_as_the_scenario_says() {
    for (ignores, hits) in [(false, ids(&[])), (true, ids(&[WS1]))] {
        let machines = vec![row(WS1, "WS-1.Corp.example.com", &json!({}))];
        let mut world = World::new(Setup {
            machines,
            eq_ignores_case: ignores,
            ..Setup::default()
        });
        assert_eq!(
            world.filter("computerDnsName eq 'ws-1.corp.example.com'"),
            (200, hits.clone())
        );
        assert_eq!(
            world.filter("startswith(computerDnsName,'ws-1.')"),
            (200, hits)
        );
    }
}

#[test]
fn an_entra_id_is_compared_bare_and_refused_in_quotes() {
    let mut world = World::of(vec![
        row(WS1, "a", &json!({ "aadDeviceId": AAD })),
        row(WS2, "b", &json!({})),
    ]);
    assert_eq!(
        world.filter(&format!("aadDeviceId eq {}", AAD.to_uppercase())),
        (200, ids(&[WS1]))
    );
    assert_eq!(
        world.filter(&format!("aadDeviceId eq '{AAD}'")),
        (400, ids(&["ODataError"]))
    );
    assert_eq!(
        world.found(&format!("/api/machines/{AAD}")),
        (404, ids(&["ResourceNotFound"])),
        "it is not a machine id"
    );
}

#[test]
fn one_name_can_have_several_ids_and_one_id_several_rows() {
    let mut world = World::of(vec![
        row(WS1, "a", &json!({ "lastIpAddress": "10.0.0.4" })),
        row(WS1, "a", &json!({ "lastIpAddress": "10.0.0.5" })),
        row(WS2, "a", &json!({ "mergedIntoMachineId": WS1 })),
        row(
            WS3,
            "a",
            &json!({ "isExcluded": true, "exclusionReason": "DuplicateDevice", "isPotentialDuplication": true }),
        ),
    ]);
    assert_eq!(
        world.filter("computerDnsName eq 'a'"),
        (200, ids(&[WS1, WS1, WS2, WS3]))
    );
    assert_eq!(
        world.get(&format!("/api/machines/{WS2}")).1["mergedIntoMachineId"],
        WS1
    );
    assert_eq!(
        world.get(&format!("/api/machines/{WS3}")).1["isExcluded"],
        true
    );
}

#[test]
fn none_found_is_an_empty_list_or_404() {
    for (none_is_404, answer) in [(false, (200, ids(&[]))), (true, (404, ids(&["NotFound"])))] {
        let mut world = World::new(Setup {
            none_is_404,
            ..Setup::default()
        });
        let now = world.now;
        assert_eq!(world.filter("computerDnsName eq 'a'"), answer);
        assert_eq!(world.by_ip("10.0.0.9", now), answer);
    }
}

#[test]
fn an_address_is_found_within_fifteen_minutes_and_thirty_days() {
    let at: Timestamp = "2026-11-02T07:00:00Z".parse().unwrap();
    let seen = |id, ip: &str| Machine {
        sightings: vec![(ip.to_owned(), at.as_second())],
        ..row(id, id, &json!({}))
    };
    let mut world = World::of(vec![
        seen(WS1, "10.0.0.4"),
        seen(WS2, "10.0.0.4"),
        seen(WS3, "fd00::7"),
    ]);
    let minutes = SignedDuration::from_mins;
    for (span, hits) in [(0, 2), (15, 2), (-15, 2), (16, 0), (-16, 0)] {
        assert_eq!(
            world.by_ip("10.0.0.4", at + minutes(span)).1.len(),
            hits,
            "{span} minutes later"
        );
    }
    assert_eq!(
        world.by_ip("fd00:0::7", at),
        (200, ids(&[WS3])),
        "however the address is spelt"
    );
    let oldest = world.now - SignedDuration::from_hours(30 * 24);
    assert_eq!(world.by_ip("10.0.0.4", oldest).0, 200);
    assert_eq!(
        world.by_ip("10.0.0.4", oldest - minutes(1)),
        (400, ids(&["InvalidInput"]))
    );
    assert_eq!(
        world.by_ip("10.0.0.400", at),
        (400, ids(&["InvalidIpAddress"]))
    );
    let bare = format!("/api/machines/findbyip(ip=10.0.0.4,timestamp={at})");
    assert_eq!(world.found(&bare), (400, ids(&["InvalidInput"])));
}

#[test]
fn an_address_is_looked_for_among_the_internal_ones_of_a_record() {
    let addresses = json!({ "lastIpAddress": "10.0.0.4", "ipAddresses": [{ "ipAddress": "10.0.0.5" }, { "ipAddress": null }] });
    let mut world = World::of(vec![
        row(WS1, "a", &addresses),
        row(WS2, "b", &json!({ "lastIpAddress": null })),
    ]);
    let now = world.now;
    assert_eq!(world.by_ip("10.0.0.4", now), (200, ids(&[WS1])));
    assert_eq!(world.by_ip("10.0.0.5", now), (200, ids(&[WS1])));
    assert_eq!(
        world.by_ip("198.51.100.7", now),
        (200, ids(&[])),
        "the external one, which all of them share"
    );
}

#[test]
fn a_record_can_lack_fields_or_hold_null_in_them() {
    let lacks = ["machineTags", "ipAddresses", "rbacGroupName"]
        .map(str::to_owned)
        .to_vec();
    let nulls = json!({ "computerDnsName": null, "lastSeen": null, "osPlatform": "Plan9", "osVersion": "4" });
    let mut world = World::of(vec![Machine {
        lacks: lacks.clone(),
        ..row(WS1, "a", &nulls)
    }]);
    let (_, record) = world.get(&format!("/api/machines/{WS1}"));
    assert!(
        lacks.iter().all(|field| record.get(field).is_none()),
        "{record}"
    );
    assert_eq!(
        (&record["computerDnsName"], &record["osPlatform"]),
        (&Value::Null, &json!("Plan9"))
    );
}

#[test]
fn looking_a_machine_up_takes_a_read_role() {
    let roles = vec!["Machine.Scan".to_owned()];
    let tenants = vec![Tenant {
        id: TENANT.into(),
        roles,
        ..Tenant::default()
    }];
    let mut world = World::new(Setup {
        tenants,
        ..Setup::default()
    });
    let now = world.now;
    assert_eq!(
        world.found(&format!("/api/machines/{WS1}")),
        (403, ids(&["Forbidden"]))
    );
    assert_eq!(
        world.filter("computerDnsName eq 'a'"),
        (403, ids(&["Forbidden"]))
    );
    assert_eq!(world.by_ip("10.0.0.4", now), (403, ids(&["Forbidden"])));
}

#[test]
fn each_way_of_looking_up_has_a_quota_of_its_own() {
    let mut world = World::new(Setup {
        per_minute: 1,
        ..Setup::default()
    });
    let now = world.now;
    let mut statuses = |_: u32| {
        [
            world.get(&format!("/api/machines/{WS1}")).0,
            world.filter("id eq 'a'").0,
            world.by_ip("10.0.0.4", now).0,
        ]
    };
    assert_eq!((statuses(1), statuses(2)), ([200; 3], [429; 3]));
}
