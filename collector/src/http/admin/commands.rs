//! What a person may ask for: results, actions on experiments, and the erasure of a unit.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tiltwise_core::hash::Unit;
use tokio::task;

use super::{Desk, Shared};
use crate::{
    admit::{erasure, json::read_visitor},
    http::refusal::Refusal,
    log::{self, Erased},
    results::Mix,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `VARIANT` or `VARIANT=SHARE,…`.
    policy: Option<String>,
}

pub(super) async fn results(
    State(inside): State<Shared>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let policy = match asked {
        Ok(Query(Asked { policy })) => policy.as_deref().map(str::parse::<Mix>).transpose(),
        Err(error) => Err(error.body_text()),
    };
    match policy {
        Ok(policy) => at_the_desk(&inside, move |desk| Ok(desk.results(policy.as_ref()))).await,
        Err(why) => Refusal::Query(why).into_response(),
    }
}

pub(super) async fn act(
    State(inside): State<Shared>,
    action: Result<Json<Value>, JsonRejection>,
) -> Response {
    match action {
        Ok(Json(action)) => at_the_desk(&inside, |desk| desk.act(action)).await,
        Err(error) => Refusal::Query(error.body_text()).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Erasure {
    #[serde(default)]
    visitor: String,
    #[serde(default)]
    account: String,
}

/// Answers when the unit is out of the log: its mark is durable, and its records have been rewritten.
pub(super) async fn erase(
    State(inside): State<Shared>,
    asked: Result<Json<Erasure>, JsonRejection>,
) -> Response {
    match void(&inside, asked).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_response(),
    }
}

async fn void(inside: &Shared, asked: Result<Json<Erasure>, JsonRejection>) -> Result<Response, Refusal> {
    let Json(asked) =
        asked.map_err(|_| Refusal::Query("write {\"visitor\": \"…\"} or {\"account\": \"…\"}".to_owned()))?;
    let visitor = read_visitor(&asked.visitor);
    let unit = match (&visitor, asked.account.as_str()) {
        (Some(visitor), "") => Unit::Visitor(visitor),
        (None, account) if !account.is_empty() && asked.visitor.is_empty() => Unit::Account(account),
        _ => {
            return Err(Refusal::Query(
                "name one visitor (36 hexadecimal digits, or base64) or one account".to_owned(),
            ));
        }
    };
    let office = &inside.office;
    let received_ms = office.log.clock().now_ms();
    let (pseudonym, part) = erasure(&unit, received_ms, &office.keys.pseudonyms)
        .map_err(|error| Refusal::Failed(error.to_string()))?;
    log::append(&*office.log, vec![part])
        .await
        .map_err(Refusal::Log)?;
    Ok(at_the_desk(inside, move |desk| {
        let Erased {
            rewritten,
            gone_by_ms,
        } = desk.erase(pseudonym, received_ms)?;
        Ok(json!({ "erasedThroughMs": received_ms, "recordsRewritten": rewritten, "goneByMs": gone_by_ms }))
    })
    .await)
}

/// The desk may take its time, so it works on a thread that may wait.
async fn at_the_desk(
    inside: &Shared,
    work: impl FnOnce(&dyn Desk) -> Result<Value, String> + Send + 'static,
) -> Response {
    let desk = Arc::clone(&inside.office.desk);
    match task::spawn_blocking(move || work(&*desk)).await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(what)) => Refusal::Failed(what).into_response(),
        Err(_) => Refusal::Failed("the work was interrupted".to_owned()).into_response(),
    }
}
