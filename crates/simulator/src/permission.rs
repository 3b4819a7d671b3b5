//! Whether a call may be made with a token: by the roles of an app, or by the scopes and device groups of a person.

use super::answers::{Crafted, refused};
use super::calls::Route;
use super::grant::Grant;

/// Whether this call may be made with it; `id`: the machine that it is about, if it is about one.
pub(super) fn may(grant: &Grant, route: &Route, id: &str) -> Result<(), Crafted> {
    let any =
        |held: &[String], wanted: &[&str]| held.iter().any(|held| wanted.contains(&held.as_str()));
    let Some(person) = &grant.person else {
        if any(&grant.known.roles, route.roles()) {
            return Ok(());
        }
        let (wanted, held) = (route.roles().join(","), grant.known.roles.join(","));
        let text = format!(
            "Missing application roles. API required roles: {wanted}, application roles: {held}."
        );
        return Err(refused(403, "Forbidden", &text));
    };
    if !any(&person.scopes, route.scopes()) {
        let (wanted, held) = (route.scopes().join(","), person.scopes.join(","));
        let text = format!(
            "Missing user permissions. API required permissions: {wanted}, user permissions: {held}."
        );
        return Err(refused(403, "Forbidden", &text));
    }
    if route.name == "scan" && person.outside.contains(id) {
        let text = "The user has no access to the device group of this machine.";
        return Err(refused(403, "Forbidden", text));
    }
    Ok(())
}
