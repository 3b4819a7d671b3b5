//! The pages of the admin listener: what the API says, as HTML. Every page is written by the server and works without
//! JavaScript; it asks the same functions for its views as the API does (`views`), and its forms give orders by the same
//! functions (`control`). It never reads the journal itself.
//!
//! A page is a [`visit::Visit`], a view, and a template of `templates/` around which stands a `shell`. `text` escapes every
//! value; `filters` are what templates do with values; `svg` is the one thing that is not escaped. `answer` gives the headers
//! that keep a page to itself, and turns a refusal into a page (`problem`). `fields` reads what forms send. `assets` are the
//! files that pages load.

pub(super) mod answer;
mod assets;
mod fields;
mod filters;
mod hour;
mod link;
mod now;
mod problem;
mod shell;
mod svg;
mod text;
mod times;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::state::Admin;

/// The pages that are looked at.
pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/assets/{file}", get(assets::file))
        .route("/", get(now::show))
}
