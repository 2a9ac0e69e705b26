//! The dashboard's files, embedded in the binary, and the headers that keep them to themselves.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "dashboard/dist"]
#[allow_missing = true]
struct Files;

/// Everything from here, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const UNBUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Tiltwise</title>\
    <h1>The dashboard is not in this binary</h1><p>It was built without it. Run <code>npm ci</code> and \
    <code>npm run build</code> in <code>collector/dashboard</code>, then build the collector again. The admin API works.";

const CLOSED: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Tiltwise</title>\
    <h1>This page asks for a session</h1><p>On the collector's machine, <code>tiltwise status --open</code> prints an \
    address that opens one. Each address works once.";

pub(super) async fn asset(uri: Uri) -> Response {
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    match Files::get(path) {
        Some(file) => {
            // Built files carry the hash of their content in their names; the page that names them does not.
            let keep = if path.starts_with("assets/") {
                "private, max-age=31536000, immutable"
            } else {
                "no-cache"
            };
            let kind = file.metadata.mimetype().to_owned();
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CACHE_CONTROL, keep.to_owned()),
            ];
            (headers, file.data.into_owned()).into_response()
        }
        None if path == "index.html" => page(StatusCode::OK, UNBUILT),
        None => page(StatusCode::NOT_FOUND, "nothing is here"),
    }
}

/// For a browser without a session.
pub(super) fn closed() -> Response {
    page(StatusCode::UNAUTHORIZED, CLOSED)
}

/// The headers of every answer of the admin listener.
pub(super) async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn page(status: StatusCode, html: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}
