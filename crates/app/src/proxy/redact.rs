//! A provider that echoes the request must not hand the credential to the caller (`threats.md` E16): its exact
//! value, and the usual encodings of it, are overwritten with `*` of the same length while the answer streams by.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use keybearer_connectors::Bindings;
use keybearer_core::to_hex;
use keybearer_egress::{BodyStream, BoxError};

/// Shorter values would overwrite ordinary text.
const SHORTEST: usize = 8;

/// Finds the credentials of one call.
#[derive(Clone)]
pub(super) struct Redactor {
    finder: Arc<AhoCorasick>,
    patterns: Arc<Vec<Vec<u8>>>,
}

impl Redactor {
    /// For the values that the connector treats as secret; `None` when there are none.
    pub fn new(secrets: &Bindings, is_secret: impl Fn(&str) -> bool) -> Option<Self> {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        for (_, value) in secrets.iter().filter(|(name, _)| is_secret(name)) {
            let text = value.expose();
            if text.len() >= SHORTEST {
                patterns.extend(encodings(text));
            }
        }
        patterns.sort();
        patterns.dedup();
        if patterns.is_empty() {
            return None;
        }
        let finder =
            AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostLongest).build(&patterns).ok()?;
        Some(Self { finder: Arc::new(finder), patterns: Arc::new(patterns) })
    }

    /// Overwrites what is found; true when something was.
    fn overwrite(&self, bytes: &mut [u8]) -> bool {
        let found: Vec<_> = self.finder.find_iter(&*bytes).map(|found| found.range()).collect();
        for range in &found {
            if let Some(part) = bytes.get_mut(range.clone()) {
                part.fill(b'*');
            }
        }
        !found.is_empty()
    }

    /// How many bytes at the end could be the beginning of a value.
    fn open_end(&self, bytes: &[u8]) -> usize {
        let longest =
            self.patterns.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1).min(bytes.len());
        let begins = |length: usize| {
            let tail = bytes.get(bytes.len() - length..).unwrap_or_default();
            self.patterns.iter().any(|pattern| pattern.starts_with(tail))
        };
        (1..=longest).rev().find(|length| begins(*length)).unwrap_or(0)
    }

    /// The headers without the credential.
    pub fn headers(&self, headers: HeaderMap) -> HeaderMap {
        let mut cleaned = HeaderMap::with_capacity(headers.len());
        for (name, value) in &headers {
            let mut bytes = value.as_bytes().to_vec();
            let value = match self.overwrite(&mut bytes) {
                true => HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| HeaderValue::from_static("***")),
                false => value.clone(),
            };
            cleaned.append(name.clone(), value);
        }
        cleaned
    }

    /// The body without the credential; its length stays the same.
    pub fn body(self, body: BodyStream) -> BodyStream {
        use http_body_util::BodyExt as _;
        Redacted { body, redactor: self, held: BytesMut::new(), trailers: None, ended: false }.boxed_unsync()
    }
}

/// The value as it may come back: raw, JSON-escaped, percent-encoded, hexadecimal, base64 at every alignment.
fn encodings(text: &str) -> Vec<Vec<u8>> {
    let mut all = vec![text.as_bytes().to_vec(), to_hex(text.as_bytes()).into_bytes()];
    all.push(
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .into_bytes(),
    );
    if let Ok(json) = serde_json::to_string(text) {
        all.push(json.trim_matches('"').as_bytes().to_vec());
    }
    for shift in 0..3_usize {
        // the middle of the encoding does not depend on what stands before and after
        let padded = [vec![b' '; shift], text.as_bytes().to_vec()].concat();
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let from = (shift * 8).div_ceil(6);
            let to = padded.len() * 8 / 6;
            if let Some(middle) = encoded.as_bytes().get(from..to).filter(|middle| middle.len() >= SHORTEST) {
                all.push(middle.to_vec());
            }
        }
    }
    all
}

struct Redacted {
    body: BodyStream,
    redactor: Redactor,
    held: BytesMut,
    trailers: Option<HeaderMap>,
    ended: bool,
}

impl Body for Redacted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            if this.ended {
                if !this.held.is_empty() {
                    this.redactor.overwrite(&mut this.held);
                    return Poll::Ready(Some(Ok(Frame::data(this.held.split().freeze()))));
                }
                let trailers = this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)));
                return Poll::Ready(trailers);
            }
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                None => this.ended = true,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.held.extend_from_slice(&data),
                    Err(frame) => {
                        this.trailers =
                            frame.into_trailers().ok().map(|trailers| this.redactor.headers(trailers));
                        this.ended = true;
                        continue;
                    }
                },
            }
            this.redactor.overwrite(&mut this.held);
            let whole = this.held.len() - this.redactor.open_end(&this.held);
            if whole > 0 {
                return Poll::Ready(Some(Ok(Frame::data(this.held.split_to(whole).freeze()))));
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let held = self.held.len() as u64;
        let upper = hint.upper().map(|upper| upper + held);
        hint.set_lower(hint.lower() + held);
        if let Some(upper) = upper {
            hint.set_upper(upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    const SECRET: &str = "cnry_tok/en+\"1234567890abcdef";

    fn redactor() -> Redactor {
        let bindings = Bindings::new().with("access_token", SECRET).with("site", "eu1.example.com");
        Redactor::new(&bindings, |name| name == "access_token").unwrap()
    }

    async fn through(text: &str, size: usize) -> String {
        let pieces: Vec<Result<Frame<Bytes>, BoxError>> = text
            .as_bytes()
            .chunks(size)
            .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let body = StreamBody::new(stream::iter(pieces)).boxed_unsync();
        let collected = redactor().body(body).collect().await.unwrap().to_bytes();
        String::from_utf8(collected.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn every_encoding_is_overwritten_at_every_chunk_size() {
        let basic = STANDARD_NO_PAD.encode(format!("user:{SECRET}"));
        let json = serde_json::to_string(SECRET).unwrap();
        let percent = percent_encoding::utf8_percent_encode(SECRET, percent_encoding::NON_ALPHANUMERIC);
        let hex = to_hex(SECRET.as_bytes());
        let text = format!("a {SECRET} b {json} c {percent} d {hex} e {basic} site eu1.example.com");
        for size in [1, 2, 3, 7, 16, 64, 4096] {
            let clean = through(&text, size).await;
            assert_eq!(clean.len(), text.len());
            for leak in ["1234567890", "313233343536", &basic[8..28]] {
                assert!(!clean.contains(leak), "{leak} in {clean} at {size}");
            }
            assert!(clean.ends_with("site eu1.example.com"), "{clean}");
        }
    }

    #[tokio::test]
    async fn other_text_streams_through_unchanged() {
        let text = "c cn cnry cnry_tok cnry_tok/en+ and more text without the value";
        for size in [1, 5, 4096] {
            assert_eq!(through(text, size).await, text);
        }
    }
}
