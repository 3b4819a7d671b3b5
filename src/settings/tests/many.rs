//! Tenants in files of their own, and what they share.

use super::*;
use crate::defender::{Cloud, Region};

/// A tenant with the numbered app, in a file of its own.
fn tenant(name: &str, number: u32, more: &str) -> String {
    format!(
        "[tenants.{name}]\ntenant_id = \"3d2b1f8c-6a44-4f0d-9c51-0000000{number:05}\"\n\
         client_id = \"b7a0c9d2-51e3-4b7e-8f60-0000000{number:05}\"\n\
         credential = {{ secret_env = \"APP_SECRET\" }}\n{more}\n"
    )
}

/// A scanhook.toml that includes tenants/*.toml, which hold these.
fn including(main: &str, files: &[(&str, &str)]) -> Setting {
    let setting = Setting::of(&format!("include = [\"tenants/*.toml\"]\n{main}"));
    std::fs::create_dir_all(setting.folder.path().join("tenants")).unwrap();
    for (name, text) in files {
        std::fs::write(setting.folder.path().join("tenants").join(name), text).unwrap();
    }
    setting
}

/// Each fault as its file, its place and its code.
fn places(setting: &Setting) -> Vec<String> {
    let place = |fault: &SettingsFault| {
        let name = fault.file.as_ref().and_then(|file| file.file_name());
        let name = name.map_or("scanhook.toml".into(), |name| name.to_string_lossy());
        let at = fault.line.zip(fault.column);
        let at = at.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        format!("{name}{at} {} {}", fault.key, fault.code)
    };
    setting.faults().iter().map(place).collect()
}

#[test]
fn tenants_and_their_sources_may_stand_in_files_of_their_own() {
    let oslo = tenant("oslo", 2, "mode = \"approve\"")
        + "[sources.oslo]\npreset = \"generic\"\ntenants = [\"oslo\"]\n[[sources.oslo.auth]]\n\
           bearer = { secret_file = \"oslo.secret\" }\n";
    let setting = including(
        &tenant("berlin", 1, ""),
        &[
            ("oslo.toml", &oslo),
            ("paris.toml", &tenant("paris", 3, "")),
        ],
    );
    setting.secret("tenants/oslo.secret", OTHER, 0o600);
    std::fs::write(setting.folder.path().join("tenants/.draft.toml"), "[").unwrap();
    let settings = setting.load();
    let names: Vec<_> = settings.tenants.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["berlin", "oslo", "paris"]);
    assert_eq!(settings.tenants[1].mode, Some(Mode::Approve));
    assert_eq!(settings.sources[0].tenants, ["oslo"]);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    for file in ["tenants/oslo.toml", "tenants/oslo.secret"] {
        assert!(
            settings.files.hold(&setting.folder.path().join(file)),
            "{file} is watched"
        );
    }
}

#[test]
fn a_variable_overlays_a_tenant_of_an_included_file_and_the_defaults() {
    let setting = including(
        "[tenant_defaults]\nmode = \"approve\"\n",
        &[
            ("a.toml", &tenant("a", 1, "")),
            ("b.toml", &tenant("b", 2, "external_id = false")),
        ],
    );
    let setting = setting
        .env("SCANHOOK_TENANTS__A__MODE", "dry_run")
        .env("SCANHOOK_TENANTS__B__EXTERNAL_ID", "true")
        .env("SCANHOOK_TENANT_DEFAULTS__QUOTA__PER_HOUR", "600");
    let settings = setting.load();
    let [a, b] = &settings.tenants[..] else {
        panic!("two tenants")
    };
    assert_eq!((a.mode, b.mode), (Some(Mode::DryRun), Some(Mode::Approve)));
    assert!(b.external_id);
    assert_eq!([a.quota.per_hour, b.quota.per_hour], [600, 600]);
}

#[test]
fn one_name_in_two_files_names_both() {
    let one = tenant("oslo", 1, "");
    let setting = including(&one, &[("a.toml", &one), ("b.toml", &tenant("b", 2, ""))]);
    assert_eq!(places(&setting), ["a.toml:1:10 tenants.oslo bad-value"]);
    let message = setting.faults()[0].message.clone();
    assert!(message.contains("scanhook.toml and in"), "{message}");
    assert!(message.contains("a.toml"), "{message}");
    let source = "[sources.s]\npreset = \"generic\"\n[[sources.s.auth]]\nbearer = { secret_env = \"SENDER\" }\n";
    let setting = including(&one, &[("a.toml", source), ("b.toml", source)]);
    assert_eq!(places(&setting), ["b.toml:1:10 sources.s bad-value"]);
    let message = setting.faults()[0].message.clone();
    assert!(
        message.contains("a.toml and in") && message.contains("b.toml"),
        "{message}"
    );
}

#[test]
fn one_app_in_two_files_is_found() {
    let setting = including(
        "",
        &[
            ("a.toml", &tenant("a", 1, "")),
            ("b.toml", &tenant("b", 1, "")),
        ],
    );
    assert_eq!(
        places(&setting),
        ["scanhook.toml tenants.b.client_id bad-value"]
    );
}

#[test]
fn a_fault_of_an_included_file_names_that_file_with_line_and_column() {
    let setting = including(
        &tenant("main", 1, ""),
        &[
            (
                "a.toml",
                &tenant("a", 2, "mode = \"enforced\"\nquota = { per_hou = 3 }"),
            ),
            (
                "b.toml",
                &format!(
                    "\ninclude = [\"more\"]\n[server]\nlisten = \"127.0.0.1:1\"\n{}",
                    tenant("b", 3, "")
                ),
            ),
            (
                "c.toml",
                &tenant("c", 4, "credential.x = 1").replace(
                    "credential = { secret_env = \"APP_SECRET\" }",
                    "credential.secret_file = \"gone\"",
                ),
            ),
        ],
    );
    assert_eq!(
        places(&setting),
        [
            "a.toml:5:8 tenants.a.mode bad-value",
            "a.toml:6:11 tenants.a.quota.per_hou unknown-key",
            "c.toml:4:26 tenants.c.credential.secret_file bad-secret",
            "c.toml:5:12 tenants.c.credential.x unknown-key",
            "b.toml:2:1 include unknown-key",
            "b.toml:3:2 server unknown-key",
        ]
    );
    let secret = setting.faults()[2].message.clone();
    assert!(secret.contains("tenants/gone"), "{secret}");
    let setting = including("", &[("a.toml", "[tenants.a\n"), ("b.toml", "x = = 1")]);
    let places = places(&setting);
    assert!(
        places.iter().any(|place| place.starts_with("a.toml:1")),
        "{places:?}"
    );
    assert!(
        places.iter().any(|place| place.starts_with("b.toml:1")),
        "{places:?}"
    );
}

#[test]
fn a_pattern_that_names_no_file_is_a_warning_and_one_that_is_none_a_fault() {
    let setting = including(&tenant("main", 1, ""), &[]);
    let settings = setting.load();
    assert_eq!(
        settings.warnings,
        ["include: `tenants/*.toml` names no file"]
    );
    let main = tenant("main", 1, "");
    for (include, code) in [
        ("[\"a***\"]", "bad-value"),
        ("3", "wrong-type"),
        ("[3]", "wrong-type"),
    ] {
        let setting = Setting::of(&format!("include = {include}\n{main}"));
        let faults = setting.faults();
        assert_eq!(
            (faults[0].code, faults[0].key.as_str()),
            (code, "include"),
            "{include}"
        );
        assert_eq!(faults.len(), 1, "{}", shown(&faults));
    }
}

#[test]
fn a_pattern_that_names_the_file_it_stands_in_reads_it_once() {
    let setting = Setting::of(&format!(
        "include = [\"*.toml\", \"scan*\"]\n{}",
        tenant("main", 1, "")
    ));
    assert_eq!(setting.load().tenants.len(), 1);
}

#[test]
fn what_tenants_share_counts_where_they_say_nothing_table_by_table_and_key_by_key() {
    let main = "[tenant_defaults]\nmode = \"approve\"\nquota = { per_minute = 20, per_hour = 400 }\n\
                limit = { scans = 7 }\non_unknown = \"repost\"\nfollow_for = \"5d\"\nregion = \"eu\"\n";
    let setting = including(
        main,
        &[
            (
                "a.toml",
                &tenant("a", 1, "quota = { per_hour = 600 }\nmode = \"enforce\""),
            ),
            (
                "b.toml",
                &tenant("b", 2, "cloud = \"gcc-high\"\nlimit = { per = \"2h\" }"),
            ),
            (
                "c.toml",
                &tenant("c", 3, "cloud = \"commercial\"\nregion = \"uk\""),
            ),
        ],
    );
    let settings = setting.load();
    let [a, b, c] = &settings.tenants[..] else {
        panic!("three tenants")
    };
    assert_eq!((a.quota.per_minute, a.quota.per_hour), (20, 600));
    assert_eq!((a.mode, b.mode), (Some(Mode::Enforce), Some(Mode::Approve)));
    assert_eq!(
        (b.limit.scans, b.limit.per),
        (7, Duration::from_secs(7_200))
    );
    assert_eq!(a.follow_for, Duration::from_secs(5 * 86_400));
    let of = |cloud: Cloud, region| cloud.endpoints(region).unwrap();
    assert_eq!(a.endpoints, of(Cloud::Commercial, Some(Region::Eu)));
    assert_eq!(
        b.endpoints,
        of(Cloud::GccHigh, None),
        "the region is that of another cloud"
    );
    assert_eq!(c.endpoints, of(Cloud::Commercial, Some(Region::Uk)));
}

#[test]
fn addresses_of_the_defaults_go_with_their_cloud() {
    let main = "[tenant_defaults]\ncloud = \"custom\"\napi_base = \"https://api.example\"\n\
                authority = \"https://login.example\"\ntoken_scope = \"https://api.example/.default\"\n";
    let own = "cloud = \"gcc\"";
    let setting = including(
        main,
        &[
            ("a.toml", &tenant("a", 1, "")),
            ("b.toml", &tenant("b", 2, own)),
            (
                "c.toml",
                &tenant("c", 3, "api_base = \"https://c.example\""),
            ),
        ],
    );
    let settings = setting.load();
    let bases: Vec<_> = settings
        .tenants
        .iter()
        .map(|t| t.endpoints.api_base.as_str())
        .collect();
    assert_eq!(
        bases,
        [
            "https://api.example",
            "https://api-gcc.securitycenter.microsoft.us",
            "https://c.example"
        ]
    );
    assert_eq!(
        settings.tenants[2].endpoints.authority,
        "https://login.example"
    );
}

#[test]
fn a_fault_of_the_defaults_is_told_once_and_at_its_place() {
    let main = "[tenant_defaults]\nmode = \"enforced\"\nquota = { per_hour = 0, per_our = 1 }\nkolour = 1\n\
                tenant_id = \"x\"\nclient_id = \"y\"\ncredential = { secret_env = \"APP_SECRET\" }\n";
    let setting = including(
        main,
        &[
            ("a.toml", &tenant("a", 1, "")),
            ("b.toml", &tenant("b", 2, "")),
        ],
    );
    let mut places = places(&setting);
    places.sort();
    assert_eq!(
        places,
        [
            "scanhook.toml:3:8 tenant_defaults.mode bad-value",
            "scanhook.toml:4:22 tenant_defaults.quota.per_hour bad-value",
            "scanhook.toml:4:25 tenant_defaults.quota.per_our unknown-key",
            "scanhook.toml:5:1 tenant_defaults.kolour unknown-key",
            "scanhook.toml:6:13 tenant_defaults.tenant_id bad-value",
            "scanhook.toml:7:13 tenant_defaults.client_id bad-value",
            "scanhook.toml:8:14 tenant_defaults.credential bad-value",
        ]
    );
}

#[test]
fn a_region_stands_beside_the_commercial_cloud_alone_and_china_is_refused() {
    let main = |more: &str| Setting::of(&tenant("main", 1, more));
    let eu = main("region = \"eu\"").load();
    assert_eq!(
        eu.tenants[0].endpoints.api_base,
        "https://eu.api.security.microsoft.com"
    );
    let moved =
        main("region = \"eu\"\napi_base = \"https://api-eu.securitycenter.microsoft.com\"").load();
    assert_eq!(
        moved.tenants[0].endpoints.api_base,
        "https://api-eu.securitycenter.microsoft.com"
    );
    for more in [
        "region = \"xx\"",
        "region = \"EU\"",
        "cloud = \"gcc\"\nregion = \"us\"",
        "cloud = \"dod\"\nregion = \"eu\"",
        "cloud = \"custom\"\nregion = \"eu\"\napi_base = \"https://a\"\nauthority = \"https://b\"\ntoken_scope = \"c\"",
    ] {
        let faults = main(more).faults();
        assert_eq!(
            (faults[0].code, faults[0].key.as_str()),
            ("bad-value", "tenants.main.region"),
            "{more}"
        );
        assert_eq!(faults.len(), 1, "{more}");
    }
    for cloud in ["china", "21vianet", "mooncake"] {
        let more = format!("cloud = \"{cloud}\"\nregion = \"eu\"\napi_base = \"https://a\"");
        let faults = main(&more).faults();
        assert_eq!(faults.len(), 1, "{}", shown(&faults));
        assert!(
            faults[0].message.contains("publishes no API"),
            "{}",
            faults[0]
        );
    }
}
