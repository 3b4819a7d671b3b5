//! The page about pages names each one there is, and the changelog the version and the schema of the journal.

use std::collections::BTreeSet;

use scanhook::server::access::ROUTES;

use super::{root, text};

/// A route as people write it: `/held/{id}` is `/held/ID`.
fn spoken(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        let name = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        name.map_or_else(|| part.to_owned(), str::to_uppercase)
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_page_of_the_admin_listener_stands_in_the_table_of_pages_and_no_other() {
    let manual = text("docs/page.md");
    let rows = manual
        .lines()
        .skip_while(|line| *line != "| page | what it shows |");
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let named: BTreeSet<&str> = rows
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        // A group is a page of the route of one decision.
        .filter(|path| *path != "/held/KEY")
        .collect();
    let pages = ROUTES.iter().filter(|route| route.what == "page");
    let pages: Vec<String> = pages.map(|route| spoken(route.path)).collect();
    assert!(pages.len() > 10, "{pages:?}");
    assert_eq!(named, pages.iter().map(String::as_str).collect());
}

#[test]
fn the_changelog_begins_with_this_version_and_its_schema_of_the_journal() {
    let changelog = text("CHANGELOG.md");
    let newest = changelog.split("\n## ").nth(1).unwrap();
    assert!(
        newest.starts_with(concat!(env!("CARGO_PKG_VERSION"), " (")),
        "{}",
        newest.lines().next().unwrap_or_default()
    );
    let steps = std::fs::read_dir(root().join("src/journal")).unwrap();
    let steps = steps.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let schema = steps
        .filter(|name| name.starts_with("schema") && name.ends_with(".sql"))
        .count();
    assert!(
        newest.contains(&format!("its schema is {schema}.")),
        "{schema}"
    );
    assert!(newest.contains("\n### Breaking\n"));
}
