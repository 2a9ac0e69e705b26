//! The admin listener: the dashboard, metrics, and commands. Every door but the one-time link asks for the token, on
//! loopback too, because every page that a browser opens can reach loopback.

mod commands;
mod dashboard;
mod health;
mod log;
mod session;
mod state;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tiltwise_core::id::Pseudonym;
use tokio::sync::watch;

use super::server::Answers;
use crate::{
    hub::Hub,
    keys::Keys,
    log::{Erased, EventLog},
    metrics::Metrics,
    results::Mix,
};
use session::Sessions;

/// What the admin listener works with.
pub struct Office {
    pub site: String,
    pub log: Arc<dyn EventLog>,
    pub hub: Arc<Hub>,
    pub keys: Arc<Keys>,
    pub metrics: Arc<Metrics>,
    pub desk: Arc<dyn Desk>,
    pub stopping: watch::Receiver<bool>,
}

/// What lies behind the doors: experiments, their results, and what is laid over them. Everything here may block.
pub trait Desk: Send + Sync + 'static {
    /// One object an experiment, for the dashboard.
    fn experiments(&self) -> Value;

    /// The whole evidence, for people and programs; and what a policy that is asked for would have brought.
    fn results(&self, policy: Option<&Mix>) -> Value;

    /// What a person should know now, in sentences; empty where all is well.
    fn warnings(&self) -> Vec<String>;

    /// Who leads, where several collectors serve one site.
    fn company(&self) -> Value {
        Value::Null
    }

    /// Takes an action; its answer, or what is wrong with it in a sentence.
    fn act(&self, action: Value) -> Result<Value, String>;

    /// Takes what was received of the unit up to this time out of the log, as far as the log can, and out of what was learned.
    fn erase(&self, unit: Pseudonym, through_ms: u64) -> Result<Erased, String>;
}

struct Inside {
    office: Office,
    sessions: Sessions,
}

type Shared = Arc<Inside>;

/// Answers at the admin listener.
pub fn service(office: Office) -> impl Answers {
    TowerToHyperService::new(router(office))
}

fn router(office: Office) -> Router {
    let inside = Arc::new(Inside {
        office,
        sessions: Sessions::default(),
    });
    let behind_the_token = Router::new()
        .route("/metrics", get(health::metrics))
        .route("/v1/admin/session", post(session::invite))
        .route("/v1/admin/state", get(state::now))
        .route("/v1/admin/stream", get(state::stream))
        .route("/v1/admin/log", get(log::get))
        .route("/v1/admin/results", get(commands::results))
        .route("/v1/admin/actions", post(commands::act))
        .route("/v1/admin/erasures", post(commands::erase))
        .fallback(dashboard::asset)
        .layer(middleware::from_fn_with_state(inside.clone(), session::guard));
    Router::new()
        .route("/healthz", get(health::alive))
        .merge(behind_the_token)
        .layer(middleware::map_response(dashboard::secure))
        .with_state(inside)
}
