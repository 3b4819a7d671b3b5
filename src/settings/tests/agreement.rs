use super::*;

const SPACE: &str = "/subscriptions/0b8f7d7e-2f53-4a53-9d0a-6f6c6f1a2b3c/resourceGroups/rg-soc/providers/\
                     Microsoft.OperationalInsights/workspaces/log-soc";

fn agreement(file: &str) -> String {
    Setting::of(file).load().agreement()
}

/// A configuration that writes back, with a line more for its tenant, and one more for what it writes back.
fn writes_back(tenant: &str, back: &str) -> String {
    let source = SOURCE.replace("generic", "sentinel-incident");
    let to = format!("[sources.s.write_back]\nsentinel = {{ workspace = \"{SPACE}\" }}\n");
    format!("{TENANT}{tenant}\n{source}{to}{back}\n")
}

#[test]
fn what_happens_to_an_alert_is_agreed_upon() {
    let plain = writes_back("", "");
    let before = agreement(&plain);
    for (what, file) in [
        ("name", plain.replace("tenants.default", "tenants.other")),
        ("tenant_id", plain.replace("3d2b1f8c", "00000000")),
        ("client_id", plain.replace("b7a0c9d2", "00000000")),
        ("cloud", writes_back("cloud = \"gcc\"", "")),
        ("mode", writes_back("mode = \"approve\"", "")),
        ("quota", writes_back("quota.per_minute = 7", "")),
        (
            "limit",
            writes_back("limit = { scans = 7, per = \"1h\" }", ""),
        ),
        ("on_unknown", writes_back("on_unknown = \"repost\"", "")),
        ("external_id", writes_back("external_id = false", "")),
        ("follow_for", writes_back("follow_for = \"9d\"", "")),
        ("source", plain.replace("sources.s", "sources.t")),
        ("workspace", plain.replace("log-soc", "log-other")),
        ("when", writes_back("", "when = [\"held\"]")),
        (
            "write_back",
            format!("{TENANT}{}", SOURCE.replace("generic", "sentinel-incident")),
        ),
    ] {
        assert_ne!(agreement(&file), before, "{what}");
    }
    let mut dry = Setting::of(&plain);
    dry.inputs.flags.dry_run = true;
    assert_ne!(dry.load().agreement(), before, "dry_run");
}

#[test]
fn what_is_a_process_its_own_matter_is_not_agreed_upon() {
    let plain = writes_back("", "");
    let before = agreement(&plain);
    for (what, file) in [
        ("case", plain.replace("3d2b1f8c-6a44", "3D2B1F8C-6A44")),
        (
            "listen",
            format!("[server]\nlisten = \"127.0.0.1:9\"\n{plain}"),
        ),
        (
            "receivers",
            format!("{plain}[receivers.ops]\nslack = {{ url = \"https://hooks.example/s\" }}\n"),
        ),
    ] {
        assert_eq!(agreement(&file), before, "{what}");
    }
    let log = Setting::of(&plain).env("SCANHOOK_LOG", "debug").load();
    assert_eq!(log.agreement(), before, "log");
}
