//! Which pages of other origins may read what the public doors answer. No door ever asks for a cookie.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::Origins;

/// How long a browser need not ask again: a day, the most that browsers keep.
const PREFLIGHT_SECONDS: u64 = 86_400;

/// What else than the body a page may read of an answer.
const EXPOSED: [HeaderName; 2] = [header::ETAG, header::RETRY_AFTER];

pub(super) fn layer(origins: Origins) -> CorsLayer {
    let allowed = move |origin: &HeaderValue, _: &axum::http::request::Parts| allows(&origins, origin);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::IF_NONE_MATCH,
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers(EXPOSED)
        .max_age(std::time::Duration::from_secs(PREFLIGHT_SECONDS))
}

/// Adds to an answer what [`layer`] would. To a request without an origin nothing, since only browsers ask who may read.
pub(super) fn add(origins: &Origins, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    let Some(origin) = origin else { return };
    if allows(origins, origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("etag,retry-after"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

fn allows(origins: &Origins, origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(|origin| origins.allow(origin))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::{Request, Response};
    use tower::{Layer, ServiceExt, service_fn};

    use super::*;

    #[tokio::test]
    async fn an_origin_reads_the_same_of_an_answer_with_and_without_the_layer() {
        let origins = Origins::These(vec!["https://shop.example".to_owned()]);
        for origin in ["https://shop.example", "https://other.example"] {
            let plain = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::<()>::default()) });
            let request = Request::post("/v1/e")
                .header(header::ORIGIN, origin)
                .body(())
                .unwrap();
            let layered = layer(origins.clone())
                .layer(plain)
                .oneshot(request)
                .await
                .unwrap();
            let mut added = HeaderMap::new();
            add(&origins, Some(&HeaderValue::from_static(origin)), &mut added);
            assert_eq!(&added, layered.headers(), "{origin}");
        }
    }
}
