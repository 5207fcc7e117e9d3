//! An outgoing call before it becomes an [`http::Request`]: parameters can still be added, renamed and signed.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use keybearer_core::SecretString;
use url::Url;

use crate::params::Params;

/// How the parameters of a call travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`, as RFC 6749 wants.
    #[default]
    Form,
    /// A JSON object.
    Json,
    /// In the query string, with no body.
    Query,
}

/// A call with named parameters.
///
/// `Debug` shows method, host and parameter names. A `GET` sends its parameters in the query whatever the
/// format is. `Accept: application/json` is sent unless `headers` say otherwise.
#[derive(Clone)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Parameters that always go to the query string.
    pub query: Params,
    /// Parameters that go where `format` says.
    pub params: Params,
    /// How `params` travel.
    pub format: BodyFormat,
    /// Headers; values are marked sensitive when the request is built.
    pub headers: Params,
}

/// Why a call cannot become a request. Never holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A header name is not one.
    #[error("header name must be a token of RFC 9110")]
    HeaderName,
    /// A header value holds a line break or another control character.
    #[error("header {name} must not hold control characters")]
    HeaderValue {
        /// Which header.
        name: String,
    },
    /// The URL cannot be a request target.
    #[error("url must be a complete http or https address")]
    Url,
}

impl Call {
    /// A `POST` of a form to `url`.
    pub fn post(url: Url) -> Self {
        Self {
            method: Method::POST,
            url,
            query: Params::new(),
            params: Params::new(),
            format: BodyFormat::Form,
            headers: Params::new(),
        }
    }

    /// Builds the request. Do not `Debug` it: its URL and body hold secrets.
    ///
    /// # Errors
    /// [`RequestError`] when a header or the URL cannot be sent.
    pub fn into_request(self) -> Result<http::Request<Bytes>, RequestError> {
        let in_query = self.format == BodyFormat::Query || self.method == Method::GET;
        let mut query = self.query;
        let mut body = None;
        match self.format {
            _ if in_query => query.extend(&self.params),
            BodyFormat::Json => body = Some((self.params.to_json(), "application/json")),
            BodyFormat::Form | BodyFormat::Query => {
                body = Some((self.params.to_form(), "application/x-www-form-urlencoded"));
            }
        }
        let mut headers = header_map(&self.headers)?;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        if let Some((_, content_type)) = &body {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        }
        let bytes =
            body.map_or_else(Bytes::new, |(text, _)| Bytes::copy_from_slice(text.expose().as_bytes()));
        let mut request = http::Request::new(bytes);
        *request.method_mut() = self.method;
        *request.uri_mut() = with_query(self.url, &query).as_str().parse().map_err(|_| RequestError::Url)?;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("query", &self.query)
            .field("params", &self.params)
            .field("format", &self.format)
            .field("headers", &self.headers)
            .finish()
    }
}

/// Adds `params` behind the query that `url` already has, without touching the latter; drops the fragment.
pub fn with_query(mut url: Url, params: &Params) -> Url {
    url.set_fragment(None);
    if !params.is_empty() {
        let added = params.to_form();
        let query = match url.query() {
            Some(present) if !present.is_empty() => format!("{present}&{}", added.expose()),
            _ => added.expose().clone(),
        };
        url.set_query(Some(&query));
    }
    url
}

/// Headers from named values, each marked sensitive so that `Debug` hides it.
///
/// # Errors
/// [`RequestError`] for a name that is not a token or a value with control characters.
pub fn header_map(headers: &Params) -> Result<HeaderMap, RequestError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        map.append(header_name(name)?, sensitive_value(name, &value)?);
    }
    Ok(map)
}

/// A header name.
///
/// # Errors
/// [`RequestError::HeaderName`].
pub fn header_name(name: &str) -> Result<HeaderName, RequestError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| RequestError::HeaderName)
}

/// A header value that `Debug` hides.
///
/// # Errors
/// [`RequestError::HeaderValue`] for control characters.
pub fn sensitive_value(name: &str, value: &SecretString) -> Result<HeaderValue, RequestError> {
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| RequestError::HeaderValue { name: name.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(format: BodyFormat) -> Call {
        let mut call = Call::post("https://as.example/token?tenant=a%20b".parse().unwrap());
        call.format = format;
        call.params.push("code", "x y");
        call
    }

    fn sent(call: Call) -> (String, String, Option<String>) {
        let request = call.into_request().unwrap();
        let content_type =
            request.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
        (request.uri().to_string(), String::from_utf8(request.body().to_vec()).unwrap(), content_type)
    }

    #[test]
    fn parameters_travel_where_the_format_says() {
        let url = "https://as.example/token?tenant=a%20b".to_owned();
        let form = "application/x-www-form-urlencoded".to_owned();
        assert_eq!(sent(call(BodyFormat::Form)), (url.clone(), "code=x+y".to_owned(), Some(form)));
        let json = Some("application/json".to_owned());
        assert_eq!(sent(call(BodyFormat::Json)), (url.clone(), r#"{"code":"x y"}"#.to_owned(), json));
        assert_eq!(sent(call(BodyFormat::Query)), (format!("{url}&code=x+y"), String::new(), None));
        let mut get = call(BodyFormat::Form);
        get.method = Method::GET;
        assert_eq!(sent(get).0, format!("{url}&code=x+y"));
    }

    #[test]
    fn given_headers_win_over_the_usual_ones() {
        let mut call = call(BodyFormat::Form);
        call.headers.push("Accept", "text/plain");
        call.headers.push("X-Api-Version", "3");
        let request = call.into_request().unwrap();
        assert_eq!(request.headers().get(ACCEPT).unwrap(), "text/plain");
        assert_eq!(request.headers().get("x-api-version").unwrap(), "3");
        assert!(!format!("{:?}", request.headers()).contains("text/plain"));
    }

    #[test]
    fn line_breaks_in_headers_are_refused() {
        let mut call = call(BodyFormat::Form);
        call.headers.push("X-Key", "a\r\nX-Evil: 1");
        let error = call.into_request().unwrap_err();
        assert_eq!(error, RequestError::HeaderValue { name: "X-Key".to_owned() });
    }
}
