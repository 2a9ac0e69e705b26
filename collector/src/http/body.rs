//! Reads a body that a stranger sends: bounded in bytes, in time, and in what it inflates to.

use std::{io::Read, time::Duration};

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::refusal::Refusal;

/// How much of a body is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) raw_bytes: usize,
    pub(super) inflated_bytes: usize,
    pub(super) patience: Duration,
}

/// The whole body, inflated if it is gzip. A beacon cannot set headers, so gzip is known by its first bytes too.
pub(super) async fn read<B>(headers: &HeaderMap, body: B, bounds: Bounds) -> Result<Bytes, Refusal>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bounds.raw_bytes) {
        return Err(Refusal::BodyTooLarge);
    }
    let collected =
        tokio::time::timeout(bounds.patience, Limited::new(body, bounds.raw_bytes).collect()).await;
    let raw = match collected {
        Err(_) => return Err(Refusal::BodyTooSlow),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Refusal::BodyTooLarge),
        Ok(Err(_)) => return Err(Refusal::BodyBroken),
        Ok(Ok(collected)) => collected.to_bytes(),
    };
    let says_gzip = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding == "gzip");
    if says_gzip || raw.starts_with(&[0x1f, 0x8b]) {
        inflate(&raw, bounds.inflated_bytes)
    } else {
        Ok(raw)
    }
}

/// Counts while inflating: a bomb costs its limit and not a byte more.
fn inflate(raw: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut inflated = Vec::new();
    let mut source = MultiGzDecoder::new(raw).take(limit as u64 + 1);
    source.read_to_end(&mut inflated).map_err(|_| Refusal::Gzip)?;
    if inflated.len() > limit {
        return Err(Refusal::InflatesTooLarge);
    }
    Ok(inflated.into())
}
