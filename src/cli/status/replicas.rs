//! The processes that have the same journal, where there can be several.

use super::lines::StatusLines;
use crate::api::{ReplicaView, StatusView};
use crate::cli::table::time;

/// A line for each replica, and one where they go by different files.
pub(super) fn replicas(lines: &mut StatusLines, status: &StatusView) {
    let mine = status.replica.as_ref();
    if mine.is_some_and(|replica| replica.lease.is_none()) {
        return;
    }
    for replica in &status.replicas {
        let this = if status.is_answered_by(replica) {
            ", which answers"
        } else {
            ""
        };
        let ReplicaView {
            id, name, version, ..
        } = replica;
        let (since, calls) = (time(&replica.started_at), status.calls_for(replica));
        lines.say(
            "replica",
            &format!("{id} on {name}{this}: {version} since {since} UTC, calls for {calls} of the tenants"),
        );
    }
    if ReplicaView::differ(&status.replicas) {
        lines.say(
            "problem",
            "the replicas go by different policies or tenants: give all of them the same files",
        );
    }
}
