//! The two files that pages load, and their icon. They are named by what they hold, so they are kept for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use crate::server::refusal::HttpError;

/// One file.
struct Asset {
    path: String,
    kind: &'static str,
    bytes: &'static [u8],
}

/// The paths of the files, as pages name them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AssetPaths {
    pub(super) css: &'static str,
    pub(super) js: &'static str,
    pub(super) icon: &'static str,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset(
            "css",
            "text/css; charset=utf-8",
            include_bytes!("assets/app.css"),
        ),
        asset(
            "js",
            "text/javascript; charset=utf-8",
            include_bytes!("assets/app.js"),
        ),
        asset("svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
    ]
});

pub(super) static PATHS: LazyLock<AssetPaths> = LazyLock::new(|| {
    let [css, js, icon] = &*ASSETS;
    AssetPaths {
        css: &css.path,
        js: &js.path,
        icon: &icon.path,
    }
});

fn asset(ending: &str, kind: &'static str, bytes: &'static [u8]) -> Asset {
    let hash = hex::encode(Sha256::digest(bytes));
    Asset {
        path: format!("/assets/app-{}.{ending}", &hash[..16]),
        kind,
        bytes,
    }
}

/// A file; one of another version is not there.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, HttpError> {
    let found = ASSETS
        .iter()
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(name.as_str()));
    let asset = found.ok_or(HttpError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.bytes).into_response())
}
