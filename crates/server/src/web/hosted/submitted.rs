//! A posted form. Every value is treated as a secret from the first moment.

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::{HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use keybearer_core::{Code, SecretString};

use super::answer::{Asked, refusal};

/// Largest form that is read.
const LIMIT: usize = 64 * 1024;
/// Most values a form may have.
const VALUES: usize = 500;

/// The values of a form in the order they came, names as often as they came.
#[derive(Debug, Default)]
pub struct Submitted(pub Vec<(String, SecretString)>);

impl Submitted {
    /// Reads a posted form or a query.
    pub(in crate::web) fn read(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).take(VALUES);
        Self(pairs.map(|(name, value)| (name.into_owned(), SecretString::new(value.into_owned()))).collect())
    }

    /// The first value of a name, where it is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        values.next().map(|(_, value)| value.expose().clone()).filter(|text| !text.is_empty())
    }

    /// A path of ours with these values as its query.
    pub(super) fn as_query(&self, path: &str) -> Option<HeaderValue> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.expose().as_str()));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        HeaderValue::from_str(&format!("{path}?{query}")).ok()
    }
}

impl<S: Sync> FromRequest<S> for Submitted {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let asked = Asked::plain(request.headers());
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(refusal(Code::UnsupportedMediaType, &asked));
        }
        let body = Limited::new(request.into_body(), LIMIT).collect().await;
        body.map(|body| Self::read(&body.to_bytes())).map_err(|_| refusal(Code::TooLarge, &asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_order_and_are_not_printed() {
        let form = Submitted::read(b"scope=a&scope=b&key=s%C3%A9cret+1");
        let values: Vec<_> =
            form.0.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        assert_eq!(values, [("scope", "a"), ("scope", "b"), ("key", "sécret 1")]);
        assert!(!format!("{form:?}").contains("cret"));
    }
}
