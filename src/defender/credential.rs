//! How an app proves itself to Entra ID, as values. Nothing here reads a file: settings fill in secrets and certificates,
//! and whoever sends a request reads the files that have to be read at that moment.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::certified::AppCertificate;
use super::delegated::UserSignIn;

/// How an app proves itself. Without `Debug`: it holds secrets.
#[derive(Clone)]
pub enum Credential {
    /// Client secrets in the order in which they are tried; several while rotating.
    Secrets(Vec<ClientSecret>),
    /// An assertion that is signed with the app's certificate.
    Certificate(Box<AppCertificate>),
    /// The assertion of another issuer, such as Kubernetes, which lies in a file and is read at each token.
    FederatedToken { path: PathBuf },
    /// The identity that Azure gives this computer is the app.
    ManagedIdentity(ManagedIdentity),
    /// The token of such an identity is the assertion of an app, perhaps in many tenants.
    FederatedIdentity(ManagedIdentity),
    /// A person signed in: the app acts with that person's rights.
    User(UserSignIn),
}

/// A client secret with the name of its file or variable, which may be shown.
#[derive(Clone)]
pub struct ClientSecret {
    pub name: String,
    pub text: SecretString,
}

/// A managed identity, and who is asked for its tokens.
#[derive(Clone)]
pub struct ManagedIdentity {
    pub which: IdentityName,
    pub platform: AzurePlatform,
}

/// Which of a computer's managed identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityName {
    /// The one that Azure made for the computer itself.
    System,
    ClientId(String),
    ObjectId(String),
    /// The path of the identity in Azure.
    ResourceId(String),
}

/// Who hands out the tokens of a managed identity. Addresses are of this computer or link-local.
#[derive(Clone)]
pub enum AzurePlatform {
    /// The metadata service of a virtual machine; its scheme and host.
    Vm { host: String },
    /// App Service, Functions, Container Apps: the address and the header's value that the platform set.
    AppService {
        endpoint: String,
        header: SecretString,
    },
    /// The agent of Azure Arc, and the only folder whose key files are read.
    Arc { endpoint: String, keys: PathBuf },
}

impl Credential {
    /// Whether it makes no difference which of the two proves the app.
    #[must_use]
    pub fn is_same(&self, other: &Credential) -> bool {
        match (self, other) {
            (Credential::Secrets(one), Credential::Secrets(other)) => {
                let parts = |secret: &ClientSecret| {
                    (secret.name.clone(), secret.text.expose_secret().to_owned())
                };
                one.iter().map(parts).eq(other.iter().map(parts))
            }
            (Credential::Certificate(one), Credential::Certificate(other)) => one.is_same(other),
            (
                Credential::FederatedToken { path: one },
                Credential::FederatedToken { path: other },
            ) => one == other,
            (Credential::ManagedIdentity(one), Credential::ManagedIdentity(other))
            | (Credential::FederatedIdentity(one), Credential::FederatedIdentity(other)) => {
                one.is_same(other)
            }
            (Credential::User(one), Credential::User(other)) => one == other,
            _ => false,
        }
    }

    /// The kind, as status shows it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Credential::Secrets(_) => "secret",
            Credential::Certificate(_) => "certificate",
            Credential::FederatedToken { .. } => "federated_token",
            Credential::ManagedIdentity(_) => "managed_identity",
            Credential::FederatedIdentity(_) => "federated_identity",
            Credential::User(_) => "user",
        }
    }

    /// The managed identity that is asked first, if one is.
    #[must_use]
    pub fn identity(&self) -> Option<&ManagedIdentity> {
        match self {
            Credential::ManagedIdentity(identity) | Credential::FederatedIdentity(identity) => {
                Some(identity)
            }
            _ => None,
        }
    }

    /// The person's sign-in, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<&UserSignIn> {
        match self {
            Credential::User(user) => Some(user),
            _ => None,
        }
    }

    /// The certificate that signs, if one does.
    #[must_use]
    pub fn certificate(&self) -> Option<&AppCertificate> {
        match self {
            Credential::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }
}

impl ManagedIdentity {
    fn is_same(&self, other: &ManagedIdentity) -> bool {
        self.which == other.which && self.platform.is_same(&other.platform)
    }
}

impl AzurePlatform {
    fn is_same(&self, other: &AzurePlatform) -> bool {
        use AzurePlatform::{AppService, Arc, Vm};
        match (self, other) {
            (Vm { host: one }, Vm { host: other }) => one == other,
            (
                AppService { endpoint, header },
                AppService {
                    endpoint: other,
                    header: others,
                },
            ) => endpoint == other && header.expose_secret() == others.expose_secret(),
            (
                Arc { endpoint, keys },
                Arc {
                    endpoint: other,
                    keys: others,
                },
            ) => endpoint == other && keys == others,
            _ => false,
        }
    }

    /// The name that settings and status have for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            AzurePlatform::Vm { .. } => "vm",
            AzurePlatform::AppService { .. } => "app-service",
            AzurePlatform::Arc { .. } => "arc",
        }
    }

    /// Why it gives no token, by what came instead of an answer, and what to look at.
    #[must_use]
    pub fn silence(&self, code: &str) -> String {
        let (name, address) = (self.name(), self.address());
        let helps = match self {
            AzurePlatform::Vm { .. } => {
                "is this an Azure virtual machine with a managed identity, and may it reach this address?"
            }
            AzurePlatform::AppService { .. } => {
                "is a managed identity switched on for this app, and is its resource right? App Service answers 500 to both"
            }
            AzurePlatform::Arc { .. } => "does the agent run? `azcmagent show`",
        };
        format!(
            "the managed identity's platform ({name}, {address}) gives no token (`{code}`): {helps}"
        )
    }

    /// Where it is asked, for people.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            AzurePlatform::Vm { host } => host,
            AzurePlatform::AppService { endpoint, .. } | AzurePlatform::Arc { endpoint, .. } => {
                endpoint
            }
        }
    }
}

impl IdentityName {
    /// The name of the identity where it is the app and no client id is given.
    #[must_use]
    pub fn as_app(&self) -> String {
        match self {
            IdentityName::System => "managed-identity".to_owned(),
            IdentityName::ClientId(id)
            | IdentityName::ObjectId(id)
            | IdentityName::ResourceId(id) => id.clone(),
        }
    }
}
