//! Request bodies: small ones are kept so that a call can be repeated after a refresh, large ones stream.

use bytes::{Bytes, BytesMut};
use http::Method;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};
use keybearer_core::{Code, Error, Result};
use keybearer_egress::{BodyStream, body_from};

/// The largest body that is kept, in bytes.
const KEEP: u64 = 256 * 1024;

/// A request body that may be sent once or again.
pub(super) enum RequestBody {
    /// Complete; may be sent any number of times.
    Kept(Bytes),
    /// On its way; may be sent once.
    Streaming(BodyStream),
    /// Sent.
    Gone,
}

impl RequestBody {
    /// Keeps the body when it is known to be small or `whole` is asked for.
    ///
    /// # Errors
    /// [`Code::TooLarge`].
    pub async fn read(body: BodyStream, whole: bool, limit: u64) -> Result<Self> {
        let size = body.size_hint();
        if size.lower() > limit {
            return Err(too_large(limit));
        }
        if !whole && size.upper().is_none_or(|upper| upper > KEEP) {
            return Ok(Self::Streaming(capped(body, limit)));
        }
        let limit = limit.min(if whole { 10 << 20 } else { KEEP });
        gather(body, limit).await.map(Self::Kept).ok_or_else(|| too_large(limit))
    }

    /// The complete body, where it is kept.
    pub fn kept(&self) -> Option<Bytes> {
        match self {
            Self::Kept(bytes) => Some(bytes.clone()),
            Self::Streaming(_) | Self::Gone => None,
        }
    }

    /// The body for the next request.
    pub fn take(&mut self) -> BodyStream {
        match std::mem::replace(self, Self::Gone) {
            Self::Kept(bytes) => {
                *self = Self::Kept(bytes.clone());
                body_from(bytes)
            }
            Self::Streaming(body) => body,
            Self::Gone => keybearer_egress::empty_body(),
        }
    }
}

/// Whether a call that the provider refused for its token may be sent again: the provider did nothing with it.
/// Calls that change things are repeated only when the answer names the token as the reason.
pub(super) fn may_repeat(method: &Method, answer: &http::HeaderMap, body: &RequestBody) -> bool {
    let names_token = answer
        .get_all(http::header::WWW_AUTHENTICATE)
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.contains("invalid_token")));
    body.kept().is_some() && (method.is_idempotent() || names_token)
}

/// The body, broken off where it grows past `limit`.
fn capped(body: BodyStream, limit: u64) -> BodyStream {
    Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX)).boxed_unsync()
}

/// A whole body of at most `limit` bytes; `None` when it is larger or breaks off.
pub(super) async fn gather(mut body: BodyStream, limit: u64) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            whole.extend_from_slice(&data);
        }
        if whole.len() as u64 > limit {
            return None;
        }
    }
    Some(whole.freeze())
}

fn too_large(limit: u64) -> Error {
    Error::new(Code::TooLarge, format!("the request body must have at most {limit} bytes"))
}
