//! Who may enter: the holder of the token, or of a session that the token has opened.
//!
//! A browser has no place for a bearer token, so the token's holder asks for an invitation, an address that works once; it
//! sets a cookie that scripts cannot read and other sites cannot send.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Shared, dashboard};
use crate::http::refusal::Refusal;

const COOKIE: &str = "tiltwise_session";

/// An invitation is meant to be opened at once.
const INVITATION: Duration = Duration::from_mins(10);

/// A working day.
const SESSION: Duration = Duration::from_hours(12);

type Hash = [u8; 32];

/// Open invitations and sessions, by the hash of their secret. A restart ends them all.
#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<(Kind, Hash), Instant>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Invitation,
    Session,
}

impl Sessions {
    fn start(&self, kind: Kind, lasts: Duration) -> Result<String, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        let secret = hex::encode(secret);
        let mut open = self.lock();
        let now = Instant::now();
        open.retain(|_, until| *until > now);
        open.insert((kind, hash(&secret)), now + lasts);
        Ok(secret)
    }

    fn is_open(&self, secret: &str) -> bool {
        self.lock()
            .get(&(Kind::Session, hash(secret)))
            .is_some_and(|until| *until > Instant::now())
    }

    /// An invitation is good once.
    fn redeem(&self, secret: &str) -> bool {
        self.lock()
            .remove(&(Kind::Invitation, hash(secret)))
            .is_some_and(|until| until > Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Kind, Hash), Instant>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `POST /v1/admin/session`: an address, below the listener's own, that opens a session once.
pub(super) async fn invite(State(inside): State<Shared>) -> Response {
    match inside.sessions.start(Kind::Invitation, INVITATION) {
        Ok(secret) => Json(json!({ "url": format!("/?once={secret}") })).into_response(),
        Err(_) => Refusal::Keys.into_response(),
    }
}

pub(super) async fn guard(State(inside): State<Shared>, request: Request, next: Next) -> Response {
    if let Some(invitation) = invitation(&request) {
        return enter(&inside, invitation);
    }
    let headers = request.headers();
    if bearer(headers).is_some_and(|token| inside.office.keys.admin.matches(token)) {
        return next.run(request).await;
    }
    if !cookie(headers).is_some_and(|secret| inside.sessions.is_open(secret)) {
        let wants_page = request.method() == Method::GET && !request.uri().path().starts_with("/v1/");
        return if wants_page {
            dashboard::closed()
        } else {
            Refusal::TokenNeeded.into_response()
        };
    }
    if request.method() != Method::GET && !is_own_page(headers) {
        return Refusal::ForeignOrigin.into_response();
    }
    next.run(request).await
}

fn enter(inside: &super::Inside, invitation: &str) -> Response {
    if !inside.sessions.redeem(invitation) {
        return dashboard::closed();
    }
    let Ok(secret) = inside.sessions.start(Kind::Session, SESSION) else {
        return Refusal::Keys.into_response();
    };
    let cookie = format!(
        "{COOKIE}={secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}",
        SESSION.as_secs()
    );
    // A strict cookie is not sent on the redirect of a visit that began elsewhere (a terminal's link), so the page itself
    // goes on.
    let body = "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0;url=/\"><title>Tiltwise</title>";
    (
        StatusCode::OK,
        [
            (header::SET_COOKIE, cookie),
            (header::CONTENT_TYPE, "text/html".to_owned()),
        ],
        body,
    )
        .into_response()
}

fn invitation(request: &Request) -> Option<&str> {
    let query = request.uri().query().filter(|_| request.uri().path() == "/")?;
    query.split('&').find_map(|pair| pair.strip_prefix("once="))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Browsers name the origin of every request that changes something; a session obeys its own pages only.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (Some(origin), Some(host)) = (text(headers.get(header::ORIGIN)), text(headers.get(header::HOST)))
    else {
        return false;
    };
    origin.split_once("://").is_some_and(|(_, named)| named == host)
}

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}
