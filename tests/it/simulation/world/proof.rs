//! How the tenant of a run proves its app: each kind is drawn by some seeds, and the far side verifies it. What files would
//! hold is made here at the moment it is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use scanhook::certificate::read_pair;
use scanhook::defender::AppCertificate;
use scanhook::defender::credential::{
    AzurePlatform, ClientSecret, Credential, IdentityName, ManagedIdentity,
};
use scanhook::defender::delegated::{ReadScope, UserSignIn};
use scanhook::file::replace::FileStep;
use scanhook_core::time::Timestamp;
use scanhook_simulator::{
    FederatedIssuer, HostIdentity, Person, Setup, Simulator, Tenant, WireAnswer,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::super::faults::Dice;
use crate::credentials::Keys;

/// How the app proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A secret that the far side does not look at.
    Secret,
    /// Two, of which the second is the app's.
    Rotating,
    Certificate,
    /// A token file, which is empty for so many seconds at first.
    Federated(u64),
    Vm,
    AppService,
    Arc,
    /// A managed identity's token is the assertion.
    Exchange,
    /// A person who signed in before the run. Whenever a renewal brings a successor, the process may die while it is kept.
    Person,
}

const ISSUER: &str = "https://issuer.example";
const KEYS: &str = "/var/opt/azcmagent/tokens";
const HEADER: &str = "the header of the platform";
const ARC_KEY: &str = "the-key-of-the-agent";
const REFRESH: &str = "/secrets/corp.refresh";
const PLACE: &str = "http://127.0.0.1:1";

fn keys() -> &'static (Keys, String) {
    static KEYS: OnceLock<(Keys, String)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let keys = Keys::new();
        let certificate = keys.certificate(2040);
        (keys, certificate)
    })
}

impl Proof {
    /// Assertions of our own hold by our clock, which must then be right.
    pub fn drawn(seed: u64, clock_is_set: bool) -> Proof {
        let mut dice = Dice::new(seed ^ 0xc4ed);
        let empty = dice.pick(&[0, 0, 7, 90]);
        let all = [
            Proof::Secret,
            Proof::Rotating,
            Proof::Certificate,
            Proof::Federated(empty),
            Proof::Vm,
            Proof::AppService,
            Proof::Arc,
            Proof::Exchange,
            Proof::Person,
        ];
        match dice.pick(&all) {
            Proof::Certificate if clock_is_set => Proof::Secret,
            drawn => drawn,
        }
    }

    /// Whether the platform is asked for tokens.
    pub fn route(self) -> &'static str {
        match self {
            Proof::Vm | Proof::Exchange => "imds",
            Proof::AppService => "app_service",
            Proof::Arc => "arc",
            _ => "token",
        }
    }

    /// Makes the far side know it.
    pub fn register(self, setup: &mut Setup) {
        if self == Proof::Secret {
            return;
        }
        let mut tenant = setup.tenants.pop().unwrap_or_else(|| Tenant {
            id: "corp.example".to_owned(),
            ..Tenant::default()
        });
        let federated = |issuer: String, subject: &str, public_key: String| FederatedIssuer {
            issuer,
            subject: subject.to_owned(),
            public_key,
            ..FederatedIssuer::default()
        };
        let identity = HostIdentity {
            system: true,
            client_id: "app".to_owned(),
            object_id: "object".to_owned(),
            ..HostIdentity::default()
        };
        match self {
            Proof::Secret => {}
            Proof::Rotating => tenant.client_secret = "old".to_owned(),
            Proof::Certificate => tenant.certificates.push(keys().1.clone()),
            Proof::Federated(_) => {
                let key = keys().0.public_pem();
                tenant
                    .federated
                    .push(federated(ISSUER.to_owned(), "workload", key));
            }
            Proof::Vm | Proof::AppService | Proof::Arc => tenant.identities.push(identity),
            Proof::Person => tenant.people.push(Person {
                scopes: tenant
                    .roles
                    .iter()
                    .map(|role| role.trim_end_matches(".All").to_owned())
                    .collect(),
                ..Person::default()
            }),
            Proof::Exchange => {
                // The simulator's own id of a tenant that is named by a domain is not known here: home has a GUID.
                let home = "4e3c2f9d-7b55-4a1e-8d62-8f9bac1d2e3f".to_owned();
                let issuer = format!("https://login.microsoftonline.com/{home}/v2.0");
                tenant
                    .federated
                    .push(federated(issuer, "object", String::new()));
                setup.tenants.push(Tenant {
                    id: home,
                    identities: vec![identity],
                    ..Tenant::default()
                });
            }
        }
        setup.tenants.push(tenant);
        setup.identity_header = HEADER.to_owned();
        setup.arc_key = ARC_KEY.to_owned();
        setup.arc_key_file = format!("{KEYS}/1.key");
    }

    pub fn credential(self) -> Arc<Credential> {
        let secret = |text: &str| ClientSecret {
            name: text.to_owned(),
            text: text.to_owned().into(),
        };
        let of = |platform| ManagedIdentity {
            which: IdentityName::System,
            platform,
        };
        let host = PLACE.to_owned();
        Arc::new(match self {
            Proof::Secret => Credential::Secrets(vec![secret("secret")]),
            Proof::Rotating => Credential::Secrets(vec![secret("new"), secret("old")]),
            Proof::Certificate => {
                let (keys, certificate) = keys();
                let key = keys.private_pem();
                let pair = read_pair(certificate.as_bytes(), key.as_bytes())
                    .ok()
                    .unwrap();
                let certificate = AppCertificate::new("app.pem".to_owned(), &pair, false);
                Credential::Certificate(Box::new(certificate.ok().unwrap()))
            }
            Proof::Federated(_) => Credential::FederatedToken {
                path: PathBuf::from("/token"),
            },
            Proof::Vm => Credential::ManagedIdentity(of(AzurePlatform::Vm { host })),
            Proof::AppService => Credential::ManagedIdentity(of(AzurePlatform::AppService {
                endpoint: format!("{PLACE}/msi/token"),
                header: HEADER.to_owned().into(),
            })),
            Proof::Arc => Credential::ManagedIdentity(of(AzurePlatform::Arc {
                endpoint: format!("{PLACE}/metadata/identity/oauth2/token"),
                keys: PathBuf::from(KEYS),
            })),
            Proof::Exchange => Credential::FederatedIdentity(of(AzurePlatform::Vm { host })),
            Proof::Person => Credential::User(UserSignIn {
                token_file: PathBuf::from(REFRESH),
                reads: ReadScope::Read,
                tenant: "corp".to_owned(),
            }),
        })
    }

    /// What a file holds `since` so many seconds of the run, at this true time.
    pub fn file(self, path: &Path, since: u64, now: Timestamp) -> std::io::Result<Vec<u8>> {
        match self {
            Proof::Federated(empty) if path == Path::new("/token") => Ok(if since < empty {
                Vec::new()
            } else {
                assertion(now)
            }),
            Proof::Arc if path == Path::new(KEYS).join("1.key") => Ok(ARC_KEY.into()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}

/// The files of a run: what lies in them is what a person's sign-in has come to.
#[derive(Default)]
pub struct Disk(BTreeMap<PathBuf, Vec<u8>>);

impl Disk {
    /// A person has signed in, if one proves the tenant.
    pub fn of(proof: Proof, far: &mut Simulator, now: Timestamp) -> Disk {
        let mut disk = Disk::default();
        if proof == Proof::Person {
            disk.0.insert(PathBuf::from(REFRESH), signed_in(far, now));
        }
        disk
    }

    pub fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let held = self.0.get(path).cloned();
        held.ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    pub fn carry_out(&mut self, step: &FileStep) {
        match step {
            FileStep::Write(path, content) => {
                let content = content.expose_secret().as_bytes().to_vec();
                self.0.insert(path.clone(), content);
            }
            FileStep::Rename(from, to) => {
                let content = self.0.remove(from).expect("it was written");
                self.0.insert(to.clone(), content);
            }
            FileStep::Remove(path) => drop(self.0.remove(path)),
            FileStep::Sync(_) => {}
        }
    }
}

fn signed_in(far: &mut Simulator, now: Timestamp) -> Vec<u8> {
    let mut ask = |last: &str, form: &str| {
        let request = http::Request::post(format!("/corp.example/oauth2/v2.0/{last}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::copy_from_slice(form.as_bytes()))
            .unwrap();
        let WireAnswer::Response(response) = far.handle(now.to_jiff(), &request).what else {
            panic!("no answer");
        };
        serde_json::from_slice::<Value>(response.body()).unwrap()
    };
    let api = "https://api.securitycenter.microsoft.com";
    let form =
        format!("client_id=app&scope={api}/Machine.Scan%20{api}/Machine.Read%20offline_access");
    let begun = ask("devicecode", &form);
    let code = begun["device_code"].as_str().unwrap();
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
    let form = format!("{form}&grant_type={grant}&device_code={code}");
    let token = ask("token", &form)["refresh_token"]
        .as_str()
        .map(str::to_owned);
    token.expect("nobody has signed in").into_bytes()
}

fn assertion(now: Timestamp) -> Vec<u8> {
    let now = now.millis() / 1000;
    let claims = json!({ "iss": ISSUER, "sub": "workload", "aud": "api://AzureADTokenExchange", "nbf": now, "exp": now + 600 });
    let key = EncodingKey::from_rsa_pem(keys().0.private_pem().as_bytes()).unwrap();
    let token = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key);
    format!("{}\n", token.unwrap()).into_bytes()
}
