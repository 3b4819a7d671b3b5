//! The JSON Schemas say of both files what the readers say: what is shipped is right, and what is wrong is wrong.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use scanhook::presets;
use scanhook_core::rules::Named;
use serde_json::Value;

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn schema(file: &str) -> Validator {
    let schema: Value = serde_json::from_str(&text(file)).unwrap();
    assert_eq!(
        schema["$schema"], "http://json-schema.org/draft-07/schema#",
        "editors know draft 7"
    );
    jsonschema::draft7::new(&schema).unwrap()
}

/// TOML as an editor's schema check sees it: times are text.
fn json(toml: toml::Value) -> Value {
    match toml {
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(elements) => elements.into_iter().map(json).collect(),
        toml::Value::Table(members) => members
            .into_iter()
            .map(|(key, value)| (key, json(value)))
            .collect(),
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(value) => value.into(),
    }
}

fn faults(schema: &Validator, toml: &str) -> Vec<String> {
    let value: toml::Value = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    schema
        .iter_errors(&json(value))
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn every_rules_file_that_is_shipped_fits_the_schema() {
    let schema = schema("schemas/rules.schema.json");
    for file in [
        "rules.toml",
        "crates/core/src/rules/whole.toml",
        "src/cli/demo/rules.toml",
    ] {
        assert_eq!(faults(&schema, &text(file)), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn the_example_of_a_configuration_fits_the_schema_with_every_key_it_shows() {
    let schema = schema("schemas/scanhook.schema.json");
    let example = text("scanhook.example.toml");
    assert_eq!(faults(&schema, &example), Vec::<String>::new());
    // Keys that are commented out show their default: `# key = value`.
    let key = regex::Regex::new(r"(?m)^# ([a-z_]+ += )").unwrap();
    let whole = key.replace_all(&example, "$1");
    assert!(whole.len() < example.len());
    assert_eq!(faults(&schema, &whole), Vec::<String>::new());
    assert_eq!(
        faults(&schema, &text("src/cli/demo/scanhook.toml")),
        Vec::<String>::new()
    );
}

#[test]
fn the_schema_of_rules_knows_every_field() {
    let schema: Value = serde_json::from_str(&text("schemas/rules.schema.json")).unwrap();
    let known = schema["definitions"]["condition"]["properties"]
        .as_object()
        .unwrap();
    for named in Named::ALL {
        assert!(known.contains_key(named.code()), "{}", named.code());
    }
}

#[test]
fn wrong_rules_do_not_fit() {
    let schema = schema("schemas/rules.schema.json");
    let head = "version = 1\n";
    let rule = |lines: &str| format!("{head}[[rule]]\nname = \"r\"\nscan = \"full\"\n{lines}\n");
    let when = |condition: &str| rule(&format!("when = {{ {condition} }}"));
    assert_eq!(
        faults(&schema, &when("severity = \"high\"")),
        Vec::<String>::new()
    );
    for wrong in [
        "version = 2".to_owned(),
        "[defaults]\nmode = \"enforce\"".to_owned(),
        format!("{head}[default]\nmode = \"enforce\""),
        format!("{head}[defaults]\nmode = \"dry-run\""),
        format!("{head}[defaults]\nmax_age = \"1 hour\""),
        format!("{head}[defaults]\nlimit = {{ scans = 3 }}"),
        format!("{head}[defaults]\ncomment = \"no alert\""),
        rule(""),
        rule("when = {}"),
        rule("priority = 101\nwhen = { severity = \"high\" }"),
        when("sevrity = \"high\""),
        when("severity.gte = \"hihg\""),
        when("alert.titel = \"x\""),
        when("alert.title.starts = \"x\""),
        when("\"alert.title.gte\" = \"x\""),
        when("any = []"),
        when("any = [ {} ]"),
        when("device.name.cidr = \"10.0.0.0/8\""),
        when("user.exists = \"yes\""),
        format!("{head}[lists.a]\nvalues = [\"x\"]"),
        format!("{head}[lists.a]\ntype = \"text\""),
        format!("{head}[windows.nights]\nhours = [\"22:00-05:00\"]"),
        format!("{head}[windows.nights]\ntimezone = \"UTC\"\ndays = [\"monday\"]"),
        format!("{head}[[protect]]\nname = \"p\"\nwhen = {{ user = \"x\" }}"),
        format!("{head}[[protect]]\nname = \"p\"\nwhen = {{ user = \"x\" }}\nat_most = \"full\""),
        format!(
            "{head}[[protect]]\nname = \"p\"\nwhen = {{ user = \"x\" }}\nat_most = \"hold\"\npeople = 3"
        ),
        format!(
            "{head}[[protect]]\nname = \"p\"\nwhen = {{ user = \"x\" }}\nat_most = \"quick\"\npeople = 2"
        ),
        format!(
            "{head}[[protect]]\nname = \"p\"\nwhen = {{ user = \"x\" }}\nstart = \"nights\"\npeople = 2"
        ),
        format!("{head}[[test]]\nname = \"t\"\nexpect = {{ people = 3 }}"),
        format!("{head}[[test]]\nname = \"t\"\nevent = {{ severity = \"high\" }}"),
        format!("{head}[[test]]\nname = \"t\"\nexpect = {{ scann = \"full\" }}"),
    ] {
        assert_ne!(faults(&schema, &wrong), Vec::<String>::new(), "{wrong}");
    }
}

#[test]
fn the_schema_of_a_configuration_knows_every_preset_and_its_map() {
    let schema = schema("schemas/scanhook.schema.json");
    for preset in presets::names() {
        let source = format!(
            "[sources.x]\npreset = \"{preset}\"\nauth = [{{ bearer = {{ secret_env = \"S\" }} }}]\n"
        );
        assert_eq!(faults(&schema, &source), Vec::<String>::new(), "{preset}");
        let map: toml::Value =
            toml::from_str(&text(&format!("src/presets/{preset}.toml"))).unwrap();
        let mut whole: toml::Table = toml::from_str(&source).unwrap();
        whole["sources"]["x"]
            .as_table_mut()
            .unwrap()
            .insert("map".to_owned(), map);
        assert_eq!(
            faults(&schema, &toml::to_string(&whole).unwrap()),
            Vec::<String>::new(),
            "{preset}"
        );
    }
}

#[test]
fn every_configuration_of_the_documents_fits_the_schema() {
    let schema = schema("schemas/scanhook.schema.json");
    let mut seen = 0;
    for folder in ["docs", "docs/sources"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "md") {
                continue;
            }
            let document = fs::read_to_string(&path).unwrap();
            for block in document
                .split("```toml\n")
                .skip(1)
                .filter_map(|rest| rest.split("\n```").next())
            {
                if block.starts_with("# scanhook.toml") {
                    assert_eq!(
                        faults(&schema, block),
                        Vec::<String>::new(),
                        "{}\n{block}",
                        path.display()
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn wrong_configurations_do_not_fit() {
    let schema = schema("schemas/scanhook.schema.json");
    let source = |lines: &str| {
        format!("[sources.x]\n{lines}\n[[sources.x.auth]]\nbearer = {{ secret_file = \"s\" }}\n")
    };
    assert_eq!(
        faults(&schema, &source("preset = \"generic\"")),
        Vec::<String>::new()
    );
    for wrong in [
        "[serve]\nlisten = \"127.0.0.1:1\"".to_owned(),
        "[server]\nlisten = 8080".to_owned(),
        "[server]\nport = 8080".to_owned(),
        "[server]\ngrace = 20".to_owned(),
        "[server]\nmax_body = \"1 GB\"".to_owned(),
        "[server]\nconnections = { total = 0 }".to_owned(),
        "[journal]\nurl = \"mysql:x\"".to_owned(),
        "[journal]\nretention = \"30d\"".to_owned(),
        "[tenants.default]\ntenant = \"x\"".to_owned(),
        "[tenants.default]\ncredential = \"secret\"".to_owned(),
        "[tenants.default]\ncredential = { secret = \"x\" }".to_owned(),
        "[tenants.default]\ncredential = { key_file = \"x\" }".to_owned(),
        "[tenants.default]\ncredential = { managed_identity = \"user\" }".to_owned(),
        "[tenants.default]\ncredential = { managed_identity = \"system\", platform = \"aws\" }".to_owned(),
        "[tenants.default]\ncredential = { federated_token_file = \"x\", secret_file = \"y\" }".to_owned(),
        "[tenants.default]\nmode = \"dry\"".to_owned(),
        "[tenants.default]\nquota = { per_minute = 1000 }".to_owned(),
        "[tenants.default]\ncloud = \"azure\"".to_owned(),
        "[tenants.default]\nregion = \"de\"".to_owned(),
        "include = [3]".to_owned(),
        "[tenant_defaults]\nmode = \"dry\"".to_owned(),
        "[tenant_defaults]\nclient_id = \"x\"".to_owned(),
        source(""),
        source("preset = \"sentinell\""),
        source("preset = \"generic\"\nmethods = [\"GET\"]"),
        source("preset = \"generic\"\nmax_alerts = 0"),
        source("preset = \"generic\"\nremember = \"3 days\""),
        source("preset = \"generic\"\nmap = { titel = \"/t\" }"),
        source("map = { id = \"id\" }"),
        source("map = { severity = { path = \"/s\", words = { bad = \"worst\" } } }"),
        "[sources.x]\npreset = \"generic\"".to_owned(),
        "[sources.x]\npreset = \"generic\"\nauth = []".to_owned(),
        "[sources.x]\npreset = \"generic\"\nauth = [{ hmac = { secret_file = \"s\" } }]".to_owned(),
        "[sources.x]\npreset = \"generic\"\nauth = [{ token = \"s\" }]".to_owned(),
        "[sources.x]\npreset = \"generic\"\nauth = [{ basic = { secret_file = \"s\" } }]".to_owned(),
        "[sources.x]\npreset = \"generic\"\nauth = [{ hmac = { header = \"X\", signed = \"{id}\", secret_file = \"s\" } }]".to_owned(),
        "[sources.x]\npreset = \"generic\"\nauth = [{ entra_jwt = { tenant_id = \"t\", audience = \"a\" } }]".to_owned(),
        source("preset = \"generic\"\nexpect_every = 24"),
        source("preset = \"generic\"\ntenant_from = \"/t\"\ntenant_map = {}"),
        source("map = { id = { concat = [\"/a\"], path = \"/a\" } }"),
        source("map = { join = { each = \"root:/a/*\" } }"),
        "[admin]\npublic_url = \"scanhook.example\"".to_owned(),
        "[receivers.r]\nevents = [\"all\"]".to_owned(),
        "[receivers.r]\nteams = {}".to_owned(),
        "[receivers.r]\nslack = { url = \"https://a\" }\nteams = { url = \"https://a\" }".to_owned(),
        "[receivers.r]\nwebhook = { url = \"https://a\" }\nrepeat = 10".to_owned(),
        "[receivers.r]\nwebhook = { url = \"https://a\" }\ndigest = { at = 8 }".to_owned(),
    ] {
        assert_ne!(faults(&schema, &wrong), Vec::<String>::new(), "{wrong}");
    }
}
