use super::*;
use crate::defender::credential::{AzurePlatform, IdentityName, ManagedIdentity};

/// A tenant with this credential, and a client id unless it needs none.
fn tenant(credential: &str) -> String {
    format!(
        "[tenants.default]\ntenant_id = \"3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e\"\nclient_id = \"an-app\"\ncredential = {credential}\n"
    )
}

fn identity(setting: &Setting) -> ManagedIdentity {
    let settings = setting.load();
    let credential = settings.tenants[0].credential.as_deref().ok().unwrap();
    credential.identity().unwrap().clone()
}

#[test]
fn a_managed_identity_is_named_in_four_ways_and_needs_no_client_id() {
    let of = |which: &str| {
        let file = tenant(&format!("{{ managed_identity = {which} }}"));
        Setting::of(&file.replace("client_id = \"an-app\"\n", ""))
    };
    for (which, name, app) in [
        ("\"system\"", IdentityName::System, "managed-identity"),
        (
            "{ client_id = \"c-1\" }",
            IdentityName::ClientId("c-1".into()),
            "c-1",
        ),
        (
            "{ object_id = \"o-1\" }",
            IdentityName::ObjectId("o-1".into()),
            "o-1",
        ),
        (
            "{ resource_id = \"/r/1\" }",
            IdentityName::ResourceId("/r/1".into()),
            "/r/1",
        ),
    ] {
        let setting = of(which);
        assert_eq!(identity(&setting).which, name);
        assert_eq!(setting.load().tenants[0].client_id, app);
    }
    for wrong in [
        "\"user\"",
        "{}",
        "{ client_id = \"a-1\", object_id = \"b\" }",
        "{ id = \"x\" }",
        "7",
    ] {
        assert!(!of(wrong).faults().is_empty(), "{wrong}");
    }
    let two = Setting::of(&format!(
        "{}{}",
        tenant("{ managed_identity = \"system\" }").replace("client_id = \"an-app\"\n", ""),
        tenant("{ managed_identity = \"system\" }")
            .replace("client_id = \"an-app\"\n", "")
            .replace("default", "twin")
    ));
    assert_eq!(two.faults()[0].code, "bad-value", "one app in one tenant");
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table with a row a case")]
fn the_platform_is_found_by_its_variables_which_name_nobody_far_away() {
    let file = |platform: &str| tenant(&format!("{{ managed_identity = \"system\"{platform} }}"));
    let endpoint = ("IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token");
    let header = ("IDENTITY_HEADER", "header-canary");
    let imds = ("IMDS_ENDPOINT", "http://127.0.0.1:40342");
    let with = |platform: &str, env: &[(&str, &str)]| {
        let setting = Setting::of(&file(platform));
        env.iter()
            .fold(setting, |setting, (name, value)| setting.env(name, value))
    };
    let vm = ", platform = \"vm\"";
    for (platform, env, name, address) in [
        ("", &[][..], "vm", "http://169.254.169.254"),
        ("", &[endpoint, header], "app-service", endpoint.1),
        ("", &[endpoint, imds], "arc", endpoint.1),
        (
            ", platform = \"auto\"",
            &[endpoint, header],
            "app-service",
            endpoint.1,
        ),
        (vm, &[endpoint, header], "vm", "http://169.254.169.254"),
        (
            ", platform = \"arc\"",
            &[],
            "arc",
            "http://127.0.0.1:40342/metadata/identity/oauth2/token",
        ),
        (
            vm,
            &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://[::1]:9/")],
            "vm",
            "http://[::1]:9",
        ),
        (
            vm,
            &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://169.254.7.7")],
            "vm",
            "http://169.254.7.7",
        ),
    ] {
        let found = identity(&with(platform, env)).platform;
        assert_eq!((found.name(), found.address()), (name, address));
        if let AzurePlatform::AppService { header, .. } = found {
            assert_eq!(header.expose_secret(), "header-canary");
        }
    }
    for (platform, env) in [
        (", platform = \"aws\"", &[][..]),
        (", platform = \"app-service\"", &[]),
        (", platform = \"app-service\"", &[endpoint]),
        (
            "",
            &[
                ("IDENTITY_ENDPOINT", "http://evil.example/msi/token"),
                header,
            ],
        ),
        (
            "",
            &[("IDENTITY_ENDPOINT", "https://127.0.0.1/msi/token"), header],
        ),
        (
            vm,
            &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://10.0.0.1")],
        ),
        (
            vm,
            &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://u@127.0.0.1")],
        ),
    ] {
        let faults = with(platform, env).faults();
        assert_eq!(faults[0].code, "bad-value", "{}", shown(&faults));
        assert!(!shown(&faults).contains("canary"));
    }
    let arc = tenant("{ managed_identity = { client_id = \"c-1\" }, platform = \"arc\" }");
    assert!(shown(&Setting::of(&arc).faults()).contains("one identity"));
}

#[test]
fn a_tenant_has_one_kind_of_credential() {
    for (credential, code) in [
        (
            "{ secret_file = \"s.secret\", federated_token_file = \"t\" }",
            "bad-value",
        ),
        (
            "{ managed_identity = \"system\", certificate_file = \"c\" }",
            "bad-value",
        ),
        ("{ federated_identity = \"system\" }", "wrong-type"),
        (
            "{ federated_identity = { client_id = \"c-1\" } }",
            "missing-key",
        ),
        ("{ certificate = \"c\" }", "missing-key"),
        ("{ federated_token_file = \"\" }", "bad-value"),
        (
            "{ secret_file = \"s.secret\", chain = true }",
            "unknown-key",
        ),
    ] {
        let faults = Setting::of(&tenant(credential)).faults();
        assert!(
            faults.iter().any(|fault| fault.code == code),
            "{credential}: {}",
            shown(&faults)
        );
    }
    let settings = Setting::of(&tenant("{ federated_token_file = \"t/k\" }")).load();
    let credential = settings.tenants[0].credential.as_deref().ok().unwrap();
    let Credential::FederatedToken { path } = credential else {
        panic!("another kind")
    };
    assert!(path.ends_with("t/k") && path.is_absolute());
}

#[test]
fn a_missing_secret_is_its_tenants_own_matter_unless_it_is_checked() {
    let of = |inputs: &Inputs| Settings::load_with_files(inputs).0;
    let lonely = Setting::of(&tenant("{ secret_file = \"nowhere\" }"));
    assert_eq!(lonely.faults()[0].code, "bad-secret");
    let settings = of(&lonely.inputs).ok().unwrap();
    let faults = settings.tenants[0].credential.as_ref().err().unwrap();
    assert_eq!(faults[0].key, "tenants.default.credential.secret_file");
    assert!(faults[0].message.contains("nowhere"));
    let one_of_two = Setting::of(&tenant("{ secret_file = [\"nowhere\", \"s.secret\"] }"));
    assert_eq!(one_of_two.faults()[0].code, "bad-secret");
    let settings = of(&one_of_two.inputs).ok().unwrap();
    assert!(settings.tenants[0].credential.is_ok(), "the other will do");
    assert!(
        settings
            .warnings
            .iter()
            .any(|warning| warning.contains("nowhere"))
    );
    let mistyped = Setting::of(&tenant("{ secret_file = \"nowhere\", chian = true }"));
    assert!(
        of(&mistyped.inputs).is_err(),
        "a wrong key is a fault of the file"
    );
}

#[test]
fn a_persons_sign_in_is_waited_for_by_whoever_serves_and_asked_for_by_a_check() {
    let file = tenant("{ user = { token_file = \"t/person\" } }");
    let setting = Setting::of(&file);
    let fault = &setting.faults()[0];
    assert_eq!(
        (fault.code, fault.key.as_str()),
        ("bad-secret", "tenants.default.credential.user.token_file")
    );
    assert!(
        fault
            .message
            .starts_with("sign in first: scanhook login --tenant default"),
        "{fault}"
    );
    let settings = Settings::load_with_files(&setting.inputs).0.ok().unwrap();
    let credential = settings.tenants[0].credential.as_deref().ok().unwrap();
    let user = credential.user().unwrap();
    assert!(user.token_file.ends_with("t/person") && user.token_file.is_absolute());
    assert!(user.previous().ends_with("t/person.previous"));

    setting.secret("t/person", "a-canary\n", 0o600);
    let notes = setting.load().notes;
    assert!(
        notes.iter().any(|note| note.contains("second choice")),
        "{notes:?}"
    );
    setting.secret("t/person", "a-canary\n", 0o604);
    assert!(setting.faults()[0].message.contains("chmod 600"));
    setting.secret("t/person", "\n", 0o600);
    assert!(setting.faults()[0].message.contains("is empty"));
    for wrong in [
        "{ user = {} }",
        "{ user = { token_file = \"\" } }",
        "{ user = { token_file = \"t\", read = \"everything\" } }",
    ] {
        let wrong = Setting::of(&tenant(wrong));
        assert!(Settings::load_with_files(&wrong.inputs).0.is_err());
    }
}

#[test]
fn a_managed_identity_belongs_to_a_tenant_that_is_named_by_its_id() {
    let file = tenant("{ managed_identity = \"system\" }");
    let file = file.replace("3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e", "corp.example");
    let faults = Setting::of(&file).faults();
    assert_eq!(
        (faults.len(), faults[0].key.as_str()),
        (1, "tenants.default.tenant_id")
    );
}
