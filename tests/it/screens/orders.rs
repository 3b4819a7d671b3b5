//! Orders: what a person is shown before and after they give one.

use serde_json::Value;

use super::night::{asked, items, night};
use super::{NARROW, Screens, Terminal, WIDE, command};
use crate::harness::Site;

/// The ids of a list.
async fn ids(site: &Site, list: &str) -> Vec<String> {
    let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
    items(&site.get(&format!("/api/v1/{list}")).await)
        .iter()
        .map(id)
        .collect()
}

/// A verb on a terminal, with what is typed there.
async fn on_terminal(site: &Site, columns: usize, args: &[&str], typed: &'static str) -> String {
    let admin = format!("http://{}", site.admin);
    let mut command = command(site.folder.path(), args);
    command.args(["--admin", &admin]).env("TERM", "dumb");
    let run = move || {
        Terminal::open(u16::try_from(columns).unwrap(), 50)
            .run(&mut command, typed)
            .1
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn orders_fit_before_and_after_they_are_given() {
    let site = night().await;
    let mut screens = Screens::of("orders");
    for columns in [NARROW, WIDE] {
        for args in [
            &["approve", "--held", "approval"][..],
            &["retry", "--state", "failed"],
        ] {
            let shown = on_terminal(&site, columns, args, "no\n").await;
            assert!(
                shown.contains("[y/N]") && shown.ends_with("nothing was changed\n"),
                "{shown}"
            );
            screens.add(columns, &format!("{}   # no", args.join(" ")), &shown);
        }
    }
    screens.add(
        NARROW,
        "approve --held approval",
        &asked(&site, NARROW, &["approve", "--held", "approval"]).await,
    );
    let pause = [
        "pause",
        "--rule",
        "mail",
        "--until",
        "2h",
        "--by",
        "anna",
        "--reason",
        "change freeze of the whole department until all of the servers are moved",
    ];
    for columns in [NARROW, WIDE] {
        screens.add(
            columns,
            &pause.join(" "),
            &asked(&site, columns, &pause).await,
        );
    }
    let held = ids(&site, "decisions?state=held&reason=approval").await;
    screens.add(
        NARROW,
        "approve ID --by anna",
        &asked(&site, NARROW, &["approve", &held[0], "--by", "anna"]).await,
    );
    let waiting = ids(&site, "scans?state=waiting").await;
    screens.add(
        NARROW,
        "scans --state waiting",
        &asked(&site, NARROW, &["scans", "--state", "waiting"]).await,
    );
    screens.add(
        WIDE,
        "cancel ID",
        &asked(&site, WIDE, &["cancel", &waiting[0]]).await,
    );
    screens.add(
        NARROW,
        "cancel ID   # again",
        &asked(&site, NARROW, &["cancel", &waiting[0]]).await,
    );
    let held = ids(&site, "decisions?state=held&reason=protection").await;
    screens.add(
        NARROW,
        "deny ID",
        &asked(&site, NARROW, &["deny", &held[0]]).await,
    );
    let failed = ids(&site, "scans?reason=failed").await;
    screens.add(
        NARROW,
        "retry ID",
        &asked(&site, NARROW, &["retry", &failed[0]]).await,
    );
    screens.add(NARROW, "resume", &asked(&site, NARROW, &["resume"]).await);
    screens.kept(14);
}
