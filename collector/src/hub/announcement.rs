//! What the stream says of a snapshot: enough to decide whether to fetch it, and to verify it once fetched.

use serde::Serialize;
use tiltwise_core::snapshot::SealedSnapshot;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Announcement {
    /// As text: JavaScript's numbers end at 2^53.
    version: String,
    hash: String,
    expires_ms: u64,
    published_ms: u64,
    folded_through_ms: u64,
    key_id: String,
    signature: String,
}

pub(super) fn of(envelope: &SealedSnapshot) -> String {
    let announcement = Announcement {
        version: envelope.version.to_string(),
        hash: hex::encode(envelope.hash),
        expires_ms: envelope.expires_ms,
        published_ms: envelope.published_ms,
        folded_through_ms: envelope.folded_through_ms,
        key_id: hex::encode(envelope.key_id),
        signature: hex::encode(&envelope.signature),
    };
    // Texts and numbers always have a JSON.
    serde_json::to_string(&announcement).unwrap_or_default()
}
