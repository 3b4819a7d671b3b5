//! Where the files lie that nobody names, which running responder is asked, and what is said of a variable that means
//! nothing: through the program, in a folder of its own and with nothing of this machine's environment.

use std::fs;
use std::path::PathBuf;

use crate::verbs::{CONFIG, Desk, Ran, TENANT, has, until};

const RULES: &str = "version = 1\n[[rule]]\nname = \"NAME\"\nscan = \"full\"\nwhen = { source.exists = true }\n\
                     [[test]]\nname = \"t\"\nevent = { severity = \"low\" }\nexpect = { rule = \"NAME\" }\n";

/// A desk with folders that each hold a configuration and a policy named like them.
fn desk(folders: &[&str]) -> Desk {
    let desk = Desk::empty();
    for folder in folders {
        fs::create_dir_all(desk.path(folder)).unwrap();
        let name = folder.split('/').next().unwrap();
        desk.file(
            &format!("{folder}/rules.toml"),
            &RULES.replace("NAME", name),
        );
        desk.file(&format!("{folder}/scanhook.toml"), CONFIG);
        desk.secret(&format!("{folder}/soar secret"));
        desk.secret(&format!("{folder}/it's"));
    }
    desk
}

fn ran(desk: &Desk, env: &[(&str, PathBuf)], args: &[&str]) -> Ran {
    Ran::of(
        desk.command(args)
            .envs(env.iter().map(|(name, path)| (*name, path)))
            .output()
            .unwrap(),
    )
}

#[test]
fn rules_are_looked_for_beside_the_configuration_wherever_that_lies() {
    let desk = desk(&["etc", "xdg/scanhook", "home/.config/scanhook"]);
    desk.file("etc/other.toml", &RULES.replace("NAME", "other"));
    let (etc, xdg, home) = (
        desk.path("etc/scanhook.toml"),
        desk.path("xdg"),
        desk.path("home"),
    );
    let rules = |env: &[(&str, PathBuf)], args: &[&str]| {
        let shown = ran(&desk, env, &[&["show", "-o", "json"], args].concat())
            .ends(0)
            .json();
        shown["rules"][0]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(rules(&[], &["--config", "etc/scanhook.toml"]), "etc");
    assert_eq!(rules(&[("SCANHOOK_CONFIG", etc.clone())], &[]), "etc");
    assert_eq!(
        rules(
            &[("XDG_CONFIG_HOME", xdg.clone()), ("HOME", home.clone())],
            &[]
        ),
        "xdg"
    );
    assert_eq!(
        rules(
            &[
                ("XDG_CONFIG_HOME", PathBuf::from("xdg")),
                ("HOME", home.clone())
            ],
            &[]
        ),
        "home"
    );
    assert_eq!(rules(&[("HOME", home)], &[]), "home");
    let both = [
        ("SCANHOOK_CONFIG", etc.clone()),
        ("SCANHOOK_RULES", xdg.join("scanhook/rules.toml")),
    ];
    assert_eq!(rules(&both, &[]), "xdg");
    assert_eq!(rules(&both, &["--rules", "etc/rules.toml"]), "etc");
    // The policy that the file names, and the same for a reader that takes the whole file.
    desk.file(
        "etc/scanhook.toml",
        &format!("[policy]\nfile = \"other.toml\"\n{CONFIG}"),
    );
    assert_eq!(rules(&[("SCANHOOK_CONFIG", etc.clone())], &[]), "other");
    assert_eq!(
        rules(
            &[
                ("SCANHOOK_CONFIG", etc),
                ("SCANHOOK_POLICY__FILE", PathBuf::from("rules.toml"))
            ],
            &[]
        ),
        "etc"
    );
    // What lies in the current folder comes before the person's own.
    desk.file("scanhook.toml", CONFIG);
    desk.file("rules.toml", &RULES.replace("NAME", "here"));
    assert_eq!(rules(&[("XDG_CONFIG_HOME", xdg)], &[]), "here");
}

#[test]
fn check_of_a_configuration_elsewhere_checks_the_policy_beside_it_and_says_where_there_is_none() {
    let desk = desk(&["etc"]);
    let tenant = TENANT.replace("secret_env = \"DEFENDER_SECRET\"", "secret_file = \"app\"");
    desk.file("etc/scanhook.toml", &format!("{CONFIG}{tenant}"));
    desk.secret("etc/app");
    let found = desk
        .run(&["check", "--config", "etc/scanhook.toml"])
        .ends(0)
        .out;
    has(&found, &["1 of 1 tests passed"]);
    fs::write(desk.path("etc/rules.toml"), "version = 1\n[[rule]]\n").unwrap();
    has(
        &desk
            .run(&["check", "--config", "etc/scanhook.toml"])
            .ends(1)
            .out,
        &["etc/rules.toml:2:1"],
    );
    fs::remove_file(desk.path("etc/rules.toml")).unwrap();
    let found = desk
        .run(&["check", "--config", "etc/scanhook.toml"])
        .ends(0)
        .out;
    has(
        &found,
        &[
            "there is no etc/rules.toml, which `serve` needs",
            "scanhook rules --print-default",
        ],
    );
    let serve = [
        "serve",
        "--simulate",
        "--config",
        "etc/scanhook.toml",
        "--listen",
        "127.0.0.1:0",
    ];
    has(&desk.run(&serve).ends(66).err, &["etc/rules.toml"]);
}

#[test]
fn verbs_find_the_running_responder_by_its_own_configuration_or_a_variable() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let admin = serving.admin();
    let address = admin.strip_prefix("http://").unwrap().to_owned();
    let status = |env: &[(&str, PathBuf)]| ran(&desk, env, &["status"]);
    status(&[("SCANHOOK_ADMIN", PathBuf::from(&admin))]).ends(0);
    status(&[("SCANHOOK_ADMIN", PathBuf::from(&address))]).ends(0);
    status(&[("SCANHOOK_SERVER__ADMIN_LISTEN", PathBuf::from(&address))]).ends(0);
    desk.file(
        "scanhook.toml",
        &format!("[server]\nadmin_listen = \"{address}\"\n{CONFIG}"),
    );
    status(&[]).ends(0);
    has(
        &ran(
            &desk,
            &[("SCANHOOK_ADMIN", PathBuf::from("127.0.0.1:1"))],
            &["status"],
        )
        .ends(69)
        .err,
        &["http://127.0.0.1:1"],
    );
}

#[test]
fn another_rules_file_that_the_configuration_names_is_in_force_after_a_reload() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let status = || {
        desk.run(&["status", "--admin", &serving.admin(), "-o", "json"])
            .ends(0)
            .json()
    };
    desk.file("other.toml", &RULES.replace("NAME", "other"));
    desk.file(
        "scanhook.toml",
        &format!("{CONFIG}\n[policy]\nfile = \"other.toml\"\n"),
    );
    let named = desk.run(&["show", "-o", "json"]).ends(0).json()["fingerprint"].clone();
    assert_ne!(status()["policy"], named);
    serving.signal("HUP");
    until("the other policy is in force", || {
        status()["policy"] == named
    });
    // The one of before is nobody's any more.
    desk.file("rules.toml", "no TOML [");
    serving.signal("HUP");
    desk.file("other.toml", &RULES.replace("NAME", "changed"));
    until("its change is taken in", || status()["policy"] != named);
    assert_eq!(status()["reload"]["faults"], serde_json::json!([]));
}

#[test]
fn a_variable_that_means_nothing_is_told_and_one_that_is_for_somebody_else_is_not() {
    let desk = Desk::ready();
    let config = CONFIG.replace("[\"it's\", \"soar secret\"]", "\"it's\"");
    let config = config.replace(
        "secret_file = \"soar secret\"",
        "secret_env = \"SCANHOOK_SOAR\"",
    );
    desk.file("scanhook.toml", &format!("{config}{TENANT}"));
    let check = |name: &str| {
        let mut command = desk.command(&["check", "--config", "scanhook.toml"]);
        command
            .env("DEFENDER_SECRET", "of the app")
            .env("SCANHOOK_SOAR", "a secret of its own")
            .env(name, "127.0.0.1:1");
        Ran::of(command.output().unwrap()).ends(0).out
    };
    has(
        &check("SCANHOOK_SERVER_LISTEN"),
        &[
            "SCANHOOK_SERVER_LISTEN means nothing",
            "`SCANHOOK_SERVER__LISTEN`",
        ],
    );
    has(
        &check("SCANHOOK_CONFG"),
        &["SCANHOOK_CONFG means nothing", "SCANHOOK_CONFIG"],
    );
    for foreign in [
        "SCANHOOK_PORT",
        "SCANHOOK_PORT_8080_TCP",
        "SCANHOOK_SERVICE_HOST",
        "SCANHOOK_LOG",
        "OTHER",
    ] {
        assert!(!check(foreign).contains("means nothing"), "{foreign}");
    }
}
