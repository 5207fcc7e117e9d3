//! An OAuth server that misbehaves on purpose: its tokens are known, and its errors repeat what was sent to it. No
//! real server does all of this, so this one is ours.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};

/// How it answers the next token requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Works,
    /// 400 `invalid_grant`, with what was sent in `error_description`.
    EchoesInError,
    /// 500 with an HTML page that shows the request.
    EchoesInHtml,
    /// 200 with an error that repeats the request.
    EchoesWith200,
    /// 200 with the token where a text of another type belongs.
    Nonsense,
    /// 401 `invalid_client`, with what was sent.
    RefusesTheApp,
}

#[derive(Clone, Default)]
pub struct Provider {
    pub origin: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    mood: Mood,
    issued: Vec<String>,
    received: Vec<String>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { origin, ..Self::default() };
        let routes = Router::new()
            .route("/token", post(token))
            .route("/revoke", post(|| async { StatusCode::OK }))
            .fallback(any(echo))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }

    pub fn feel(&self, mood: Mood) {
        self.inner.lock().unwrap().mood = mood;
    }

    /// Every token it gave out.
    pub fn issued(&self) -> Vec<String> {
        self.inner.lock().unwrap().issued.clone()
    }

    /// The values of this parameter in all token requests.
    pub fn received(&self, name: &str) -> Vec<String> {
        let bodies = self.inner.lock().unwrap().received.clone();
        let pairs = bodies.iter().flat_map(|body| form_urlencoded::parse(body.as_bytes()).into_owned());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value).collect()
    }
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, body: String) -> Response {
    let mut inner = provider.inner.lock().unwrap();
    inner.received.push(body.clone());
    let plain: String =
        form_urlencoded::parse(body.as_bytes()).map(|(name, value)| format!("{name}={value} ")).collect();
    let sent = format!("{plain} {headers:?}");
    let json = [("content-type", "application/json")];
    let error = |status, error: &str| {
        (
            status,
            json,
            serde_json::json!({"error": error, "error_description": sent, "echo": sent}).to_string(),
        )
            .into_response()
    };
    match inner.mood {
        Mood::EchoesInError => error(StatusCode::BAD_REQUEST, "invalid_grant"),
        Mood::RefusesTheApp => error(StatusCode::UNAUTHORIZED, "invalid_client"),
        Mood::EchoesWith200 => error(StatusCode::OK, &sent),
        Mood::EchoesInHtml => {
            let page = format!("<html><body>Oops: {sent}</body></html>");
            (StatusCode::INTERNAL_SERVER_ERROR, [("content-type", "text/html")], page).into_response()
        }
        Mood::Nonsense => {
            (StatusCode::OK, json, serde_json::json!({"access_token": {"is": sent}}).to_string())
                .into_response()
        }
        Mood::Works => {
            let number = inner.issued.len() / 2;
            let tokens = ["access", "refresh"].map(|kind| super::canary::secret(&format!("{kind}{number}")));
            inner.issued.extend(tokens.clone());
            let answer = serde_json::json!({
                "access_token": tokens[0], "refresh_token": tokens[1], "token_type": "Bearer", "expires_in": 3600,
            });
            (StatusCode::OK, json, answer.to_string()).into_response()
        }
    }
}

async fn echo(headers: HeaderMap, body: String) -> Response {
    (StatusCode::OK, format!("{headers:?} {body}")).into_response()
}
