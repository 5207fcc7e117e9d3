//! A command's conversation with a running server.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use keybearer_app::outbound::Outbound;
use keybearer_core::{Code, Error, FieldViolation, Result, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::Context;

const TIMEOUT: Duration = Duration::from_secs(65);

/// What a `dev` server leaves in its data folder for the commands (readable by its user only).
#[derive(Debug, Deserialize)]
pub(crate) struct DevFile {
    #[serde(deserialize_with = "address")]
    pub url: Url,
    pub client_id: String,
    pub client_secret: SecretString,
    #[serde(deserialize_with = "address")]
    pub sandbox_url: Url,
    pub control_token: SecretString,
    pub sandbox_client_secret: SecretString,
}

fn address<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

impl DevFile {
    /// Reads the file of a data folder.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let path = data.join("dev.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            return Ok(None);
        };
        serde_json::from_str(&text).map(Some).map_err(|_| {
            Error::new(Code::ConfigInvalid, format!("{} is not readable any more", path.display()))
                .with_help("start `keybearer dev` again")
        })
    }
}

/// A session with an access token.
pub(crate) struct Session {
    base: Url,
    outbound: Outbound,
    token: SecretString,
}

impl Session {
    /// Signs in with `KEYBEARER_URL`, `KEYBEARER_CLIENT_ID` and `KEYBEARER_CLIENT_SECRET`, or with what a `dev`
    /// server left in the data folder.
    pub async fn open(context: &Context) -> Result<Self> {
        let (base, client_id, secret) = target(context)?;
        let outbound = Outbound::to(&[&base], None)?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &client_id)
            .append_pair("client_secret", secret.expose())
            .finish();
        let request = Request::post(join(&base, "/oauth/token")?)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form))
            .map_err(|_| Error::internal("the token request cannot be built"))?;
        let response = send(&outbound, &base, request).await?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let token = answer.get("access_token").and_then(Value::as_str).map(SecretString::from);
        let token = token.ok_or_else(|| {
            let said = answer
                .get("error_description")
                .and_then(Value::as_str)
                .unwrap_or("no access token was given");
            Error::new(Code::Unauthenticated, said.to_owned())
                .with_help("check KEYBEARER_CLIENT_ID and KEYBEARER_CLIENT_SECRET")
        })?;
        Ok(Self { base, outbound, token })
    }

    /// Whether there is a server to talk to, as far as this machine knows.
    pub fn is_known(context: &Context) -> bool {
        target(context).is_ok()
    }

    /// Calls the API; a failure comes back as the server said it.
    pub async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = self.request(method, path)?;
        if let Some(body) = body {
            *request.body_mut() = Bytes::from(body.to_string());
            request
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        }
        let response = send(&self.outbound, &self.base, request).await?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status().is_success() { Ok(answer) } else { Err(failure(&response, &answer)) }
    }

    /// Reads a list of the API, `query` being percent-encoded already.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.api(Method::GET, path, None).await
    }

    /// Sends a proxied call.
    pub async fn proxied(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let mut signed = self.request(parts.method.clone(), &parts.uri.to_string())?;
        signed.headers_mut().extend(parts.headers);
        *signed.body_mut() = body;
        send(&self.outbound, &self.base, signed).await
    }

    fn request(&self, method: Method, path: &str) -> Result<Request<Bytes>> {
        let unusable = || Error::field("path", "must be a path");
        Request::builder()
            .method(method)
            .uri(join(&self.base, path)?)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose()))
            .body(Bytes::new())
            .map_err(|_| unusable())
    }
}

fn target(context: &Context) -> Result<(Url, String, SecretString)> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let dev = DevFile::read(&context.data)?;
    let given = variable("KEYBEARER_URL").map(|text| {
        text.parse::<Url>()
            .map_err(|_| Error::new(Code::ConfigInvalid, "KEYBEARER_URL must be an http or https address"))
    });
    let url = match (given.transpose()?, &dev) {
        (Some(url), _) => url,
        (None, Some(dev)) => dev.url.clone(),
        (None, None) => {
            return Err(Error::new(Code::Unavailable, "no server is known: there is no KEYBEARER_URL and no dev server here")
                .with_help("start one with `keybearer dev`, or set KEYBEARER_URL, KEYBEARER_CLIENT_ID and KEYBEARER_CLIENT_SECRET"));
        }
    };
    let secret = match (variable("KEYBEARER_CLIENT_SECRET"), variable("KEYBEARER_CLIENT_SECRET_FILE")) {
        (Some(secret), _) => Some(SecretString::new(secret)),
        (None, Some(path)) => Some(read_secret(&path)?),
        (None, None) => None,
    };
    match (variable("KEYBEARER_CLIENT_ID"), secret, dev) {
        (Some(id), Some(secret), _) => Ok((url, id, secret)),
        (_, _, Some(dev)) => Ok((url, dev.client_id, dev.client_secret)),
        _ => Err(Error::new(Code::Unauthenticated, "no API client is known").with_help(
            "set KEYBEARER_CLIENT_ID and KEYBEARER_CLIENT_SECRET (`keybearer clients create` makes one)",
        )),
    }
}

/// Reads a secret from a file, or from standard input for `-`.
pub(crate) fn read_secret(path: &str) -> Result<SecretString> {
    let text = match path {
        "-" => std::io::read_to_string(std::io::stdin()),
        path => std::fs::read_to_string(path),
    };
    let text =
        text.map_err(|error| Error::field("--secret-file", format!("cannot be read ({})", error.kind())))?;
    Ok(SecretString::from(text.trim()))
}

fn join(base: &Url, path: &str) -> Result<String> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    text.parse::<http::Uri>().map(|_| text).map_err(|_| Error::field("path", "must be percent-encoded ASCII"))
}

async fn send(outbound: &Outbound, base: &Url, request: Request<Bytes>) -> Result<Response<Bytes>> {
    outbound.send(request, TIMEOUT).await.map_err(|error| {
        Error::new(Code::Unavailable, format!("{base} does not answer"))
            .with_help("is the server running? `keybearer doctor` checks it")
            .with_source(error)
    })
}

/// The server's failure as an error of ours.
pub(crate) fn failure(response: &Response<Bytes>, answer: &Value) -> Error {
    let info = answer.pointer("/details/0").cloned().unwrap_or_default();
    let name = info.get("error_code").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let known = Code::ALL.iter().copied().find(|code| code.as_str() == name);
    let code = known.unwrap_or(match response.status().as_u16() {
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        409 => Code::AlreadyExists,
        400 => Code::InvalidArgument,
        429 => Code::RateLimited,
        503 => Code::Unavailable,
        _ => Code::Internal,
    });
    let message = answer.get("message").and_then(Value::as_str).unwrap_or("the server gave no reason");
    let mut error = Error::new(code, message.to_owned());
    for violation in info
        .pointer("/validation_error_info/field_violations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |name: &str| violation.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        error.violations.push(FieldViolation { field: text("field"), description: text("description") });
    }
    let help = info.pointer("/help_info/links/0/description").and_then(Value::as_str);
    let reference =
        response.headers().get("x-request-id").or_else(|| response.headers().get("keybearer-reference"));
    let reference = reference.and_then(|value| value.to_str().ok());
    match (help, reference) {
        (Some(help), Some(reference)) => error.with_help(format!("{help}   (Ref {reference})")),
        (Some(help), None) => error.with_help(help.to_owned()),
        (None, Some(reference)) => error.with_help(format!("`keybearer logs {reference}` has the details")),
        (None, None) => error,
    }
}

/// Percent-encodes one value for a query or a path segment.
pub(crate) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
