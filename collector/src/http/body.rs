//! Reads a body that a stranger sends: bounded in bytes, in time, and in what it inflates to.

use std::{future::poll_fn, io::Read, pin::pin, task::Poll, time::Duration};

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
    let mut reading = pin!(whole(Limited::new(body, bounds.raw_bytes)));
    // A small body has come with its head: nothing has to be timed then.
    let read = match poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await {
        Poll::Ready(read) => read,
        Poll::Pending => tokio::time::timeout(bounds.patience, reading)
            .await
            .map_err(|_| Refusal::BodyTooSlow)?,
    };
    let raw = match read {
        Err(error) if error.is::<LengthLimitError>() => return Err(Refusal::BodyTooLarge),
        Err(_) => return Err(Refusal::BodyBroken),
        Ok(raw) => raw,
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

/// All pieces as one; a body that comes in one piece is not copied.
async fn whole<B>(body: B) -> Result<Bytes, BoxError>
where
    B: HttpBody<Data = Bytes, Error = BoxError>,
{
    let mut body = pin!(body);
    let (mut first, mut all) = (Bytes::new(), Vec::new());
    while !body.is_end_stream()
        && let Some(frame) = body.frame().await
    {
        let Ok(piece) = frame?.into_data() else { continue };
        if first.is_empty() {
            first = piece;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&piece);
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
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
