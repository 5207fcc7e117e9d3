//! Every component in its states, for pictures and for the eye. Not in release builds.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::answer::html;
use super::connections::Badge;
use super::fields::{Control, Input};
use super::frame::{Frame, Tile};
use super::guard::Guest;

#[derive(Template)]
#[template(path = "dashboard/styleguide.html")]
struct GuideView {
    frame: Frame,
    badges: Vec<Badge>,
    tiles: Vec<Tile>,
    inputs: Vec<Input>,
}

/// `GET /_styleguide`
pub(super) async fn show(guest: Guest) -> Response {
    let view = guest.frame("Style guide").await.map(|frame| GuideView {
        frame,
        badges: vec![
            Badge { word: "Active", look: "ok", icon: "check" },
            Badge { word: "Scopes behind", look: "warn", icon: "warn" },
            Badge { word: "Needs sign-in", look: "bad", icon: "x" },
            Badge { word: "Waiting for user", look: "info", icon: "clock" },
            Badge { word: "Paused", look: "", icon: "pause" },
        ],
        tiles: ["alpha", "beta", "gamma", "delta"].iter().map(|name| Tile::new(name, name)).collect(),
        inputs: inputs(),
    });
    guest.answer(view.map(|view| html(StatusCode::OK, &view)))
}

fn inputs() -> Vec<Input> {
    let input = |id: &str, label: &str, control: Control| Input {
        id: id.to_owned(),
        name: id.to_owned(),
        label: label.to_owned(),
        help: "A hint says where the value is found.".to_owned(),
        control,
        ..Input::default()
    };
    vec![
        input("line", "One line", Control::Line),
        Input {
            error: Some("Must be given.".to_owned()),
            required: true,
            ..input("wrong", "Wrong", Control::Line)
        },
        Input {
            warning: Some("This does not look like the usual form.".to_owned()),
            ..input("odd", "Odd", Control::Line)
        },
        Input {
            stored: Some("Stored, ends in 9f2c.".to_owned()),
            ..input("secret", "Secret", Control::Secret)
        },
        input("choice", "Choice", Control::Choice(vec!["One".to_owned(), "Two".to_owned()])),
        input("area", "Several lines", Control::Area),
    ]
}
