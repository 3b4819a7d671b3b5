//! Everything a scenario may choose; also the JSON of `PUT /_simulator/setup`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A struct as a table. One row: field, type, default value if it is not the type's own, meaning.
macro_rules! table {
    (@value) => { Default::default() };
    (@value $value:expr) => { $value };
    ($(#[$about:meta])* $name:ident { $($(#[$meta:meta])* $see:vis $field:ident: $kind:ty $(= $value:expr)?, $note:literal;)* }) => {
        $(#[$about])* pub struct $name { $(#[doc = $note] $(#[$meta])* $see $field: $kind,)* }
        impl Default for $name { fn default() -> $name { $name { $($field: table!(@value $($value)?),)* } } }
    };
}

table! {
    /// A scenario. The default is a healthy far side that accepts every tenant and knows every machine.
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Setup {
        pub tenants: Vec<Tenant>, "App registrations; empty: any tenant, client and secret is accepted.";
        pub machines: Vec<Machine>, "Machines with something particular about them; one id may stand in several rows.";
        pub open_fleet: bool = true, "Whether a 40-hex id that is not listed is an ordinary machine; otherwise 404.";
        pub per_minute: u32 = 100, "Calls per minute, app, tenant and API.";
        pub per_hour: u32 = 1500, "Calls per hour, app, tenant and API.";
        pub window: QuotaWindow, "How the two limits are counted (not documented).";
        pub foreign_percent: u32, "Percent of every hour that another tool on the same app spends, evenly, for each API.";
        pub refused_count: bool = true, "Whether refused calls count as well (not documented).";
        pub quick_ms: u64 = 4 * 60_000, "Milliseconds a Quick scan stays `InProgress`.";
        pub full_ms: u64 = 45 * 60_000, "Milliseconds a Full scan stays `InProgress`.";
        pub pending_ms: u64 = 20_000, "Milliseconds an action stays `Pending` before that.";
        pub list_lag_ms: u64, "Milliseconds until a new action is listed; reading it by its id works at once.";
        pub busy: Busy, "The answer to a second scan of a machine that has an open one.";
        pub token_life_s: u64 = 3599, "Seconds a new access token lives.";
        pub life_as_text: bool, "Whether `expires_in` of Entra's answers is a text.";
        pub identity_header: String, "What App Service wants in `X-IDENTITY-HEADER`; empty: anything.";
        pub arc_key_file: String, "The key file that the agent of Azure Arc names.";
        #[serde(skip_serializing)] pub arc_key: String, "What stands in that file. Never shown again.";
        pub device_code_life_s: u32 = 900, "Seconds in which a person may enter a device code.";
        pub device_interval_s: u32 = 5, "Seconds that have to lie between two questions for it.";
        pub rotates: bool = true, "Whether each renewal brings another refresh token.";
        pub refuses_old: bool = true, "Whether a refresh token is refused once the access token of a later one was used.";
        pub latency_ms: u64, "Milliseconds every answer takes.";
        pub page_size: Option<usize>, "Rows per page of a list, where smaller than the 10,000 of the real one.";
        pub order: ListOrder, "The order of the list of machine actions (not documented).";
        pub odd_rows: Vec<Value>, "Rows that stand in every list of machine actions, whatever it asks for.";
        pub next_host: Option<String>, "The host that `@odata.nextLink` names, where it is not the one that was called.";
        pub echo_external_id: bool = true, "Whether `ExternalId` comes back as `externalId`.";
        pub accept_external_id: bool = true, "Whether the scan call knows `ExternalId`; otherwise 400 `InvalidRequestBody`.";
        pub scope_null: bool, "Whether `scope` is null in every action.";
        pub outcomes: BTreeMap<String, String>, "Final status of scans by machine, where not `Succeeded`.";
        pub eq_ignores_case: bool, "Whether a filter on machines ignores letter case (not documented).";
        pub none_is_404: bool, "Whether a search that finds no machine is answered 404 instead of an empty `value`.";
        pub unreadable: BTreeSet<String>, "Machines whose actions cannot be read by their ids: that answers 500.";
        pub offline: BTreeSet<String>, "Machines whose scans, if started meanwhile, stay `Pending` for good.";
        pub unknown_alerts: BTreeSet<String>, "Ids of alerts that do not exist; all others do.";
        pub unknown_incidents: BTreeSet<String>, "Names of incidents that do not exist; all others do.";
        pub foreign_comments: usize, "Comments of others on every incident.";
        pub seed: u64, "Start value of every id drawn.";
    }
}

table! {
    /// One app registration in one tenant.
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Tenant {
        pub id: String, "GUID or domain, as it stands in the token path.";
        pub client_id: String, "The app's id; empty: any.";
        #[serde(skip_serializing)] pub client_secret: String, "The app's secret; empty: any. Never shown again.";
        #[serde(skip_serializing)] pub expired_secrets: Vec<String>, "Secrets that were the app's once.";
        pub certificates: Vec<String>, "PEM certificates whose keys may sign assertions of the app.";
        pub federated: Vec<FederatedIssuer>, "Whose assertions stand for the app.";
        pub identities: Vec<HostIdentity>, "Managed identities of this tenant that the asking computer has.";
        pub roles: Vec<String> = ["Machine.Scan", "Machine.Read.All"].map(str::to_owned).to_vec(), "Roles of new tokens.";
        pub sentinel_responder: bool = true, "Whether the app may write comments on incidents.";
        pub public_client: bool = true, "Whether people may sign in without a secret of the app.";
        pub people: Vec<Person>, "Who signs in: the first.";
        pub requestor: String = "scanhook-simulated".to_owned(), "The name that stands as `requestor` in its actions.";
    }
}

table! {
    /// An issuer whose assertions stand for an app.
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    FederatedIssuer {
        pub issuer: String, "`iss` of its assertions.";
        pub subject: String, "`sub` of its assertions.";
        pub audience: String = "api://AzureADTokenExchange".to_owned(), "`aud` of its assertions.";
        pub public_key: String, "The issuer's public RSA key in PEM; empty: tokens issued here alone.";
    }
}

table! {
    /// Somebody who signs in, and whose rights an app then has.
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Person {
        pub account: String = "anna@corp.example".to_owned(), "`upn` of the tokens.";
        pub tenant: Option<String>, "`tid` of the tokens, where it is not the tenant that was asked.";
        pub scopes: Vec<String> = ["Machine.Scan", "Machine.Read"].map(str::to_owned).to_vec(), "`scp` of the tokens.";
        pub outside: BTreeSet<String>, "Machines outside of the person's device groups, whose scans are forbidden.";
        pub takes_polls: u32, "Questions for a device code that are answered `authorization_pending`.";
        pub declines: bool, "Whether the sign-in is declined.";
        pub refuses: String, "The AADSTS number that renewals are refused with; empty: they are granted.";
    }
}

table! {
    /// A managed identity of the asking computer.
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    HostIdentity {
        pub system: bool, "Whether it is the one of the computer itself.";
        pub client_id: String, "Its app id.";
        pub object_id: String, "Its object id, which is the `sub` of its tokens.";
        pub resource_id: String, "Its path in Azure.";
    }
}

table! {
    /// One row of the machine list: an ordinary Windows 11 machine, but for what is said here.
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    Machine {
        pub id: String, "40 lower-case hex digits.";
        pub dns_name: Option<String>, "`computerDnsName`; none: made from the id.";
        pub tenant: Option<String>, "The only tenant that sees it; none: all do.";
        pub refuses_scan: Option<String>, "The code its scans are refused with, such as `OsPlatformNotSupported`.";
        pub record: Map<String, Value>, "Fields of its record to write over: `healthStatus`, `lastSeen`, …";
        pub lacks: Vec<String>, "Fields that its record is shown without.";
        pub sightings: Vec<(String, i64)>, "Addresses it was seen with, and the Unix second of each; none: always with those of its record.";
    }
}

/// How calls are counted against the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaWindow {
    /// The last 60 s and the last 3600 s.
    #[default]
    Sliding,
    /// The minute and the hour of the clock.
    Aligned,
    /// A bucket that refills evenly.
    Bucket,
}

/// In which order machine actions are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    /// As in the documented example.
    #[default]
    NewestFirst,
    OldestFirst,
    /// By id, which has nothing to do with their age.
    ById,
}

/// What a second scan of a busy machine is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Busy {
    /// 200 with the action that is open.
    Existing200,
    /// 201 with the action that is open.
    Existing201,
    /// 400 with code, message and target.
    #[default]
    Refused400,
    /// 400 with the code alone.
    RefusedCodeOnly,
    /// 400 with code `BadRequest` and the message that tells.
    RefusedMessageOnly,
    /// By turns `Refused400` and `Existing200`.
    Alternate,
}
