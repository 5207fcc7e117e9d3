//! Serves the hosted pages with sample data: `cargo run -p keybearer-server --example hosted_preview`.
//!
//! `/_hosted` lists them. `/c/{name}` is a link whose form leads to the address in its field `to`; its callback shows
//! the page for another browser unless the cookie came, and tells which parameters it got.

use std::process::ExitCode;

#[cfg(debug_assertions)]
mod preview {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use keybearer_app::user_pages::UserPageAsk;
    use keybearer_core::{Code, Error, OsEntropy, Result};
    use keybearer_server::web::hosted::{Answer, Submitted, Visit, preview};
    use keybearer_server::web::{Flows, Web, router};
    use url::Url;

    #[derive(Clone)]
    struct Samples {
        public_url: Url,
    }

    impl Flows for Samples {
        async fn view(&self, token: &str, _: &Visit) -> Result<Answer> {
            preview::answer(token, &self.public_url)
                .ok_or_else(|| Error::new(Code::FlowNotFound, "no such sample"))
        }

        async fn left(&self, _: &str) -> Result<()> {
            Ok(())
        }

        async fn submit(&self, _: &str, visit: &Visit, form: Submitted) -> Result<Answer> {
            if visit.browser.is_none() {
                return Err(Error::new(Code::StateInvalid, "no cookie"));
            }
            let to = form.0.iter().find(|(name, _)| name == "to").map(|(_, to)| to.expose().as_str());
            Ok(Answer::Redirect(
                self.public_url.join(to.unwrap_or("/c/done")).map_err(|_| Error::internal("no URL"))?,
            ))
        }

        async fn callback(&self, _: &str, parameters: Submitted, visit: &Visit) -> Result<Answer> {
            let came = parameters.0.iter().any(|(name, value)| name == "code" && value.expose() == "abc+1");
            let page = match (&visit.browser, came) {
                (None, _) => "browser",
                (Some(_), true) => "done",
                (Some(_), false) => "denied",
            };
            self.view(page, visit).await
        }

        async fn own_page(&self, token: &str, _: UserPageAsk) -> Result<Answer> {
            self.view(token, &Visit::default()).await
        }

        async fn act(&self, token: &str, form: Submitted) -> Result<Answer> {
            self.submit(token, &Visit::default(), form).await
        }

        async fn success(&self, _: &str, _: Option<&str>, visit: &Visit) -> Result<Answer> {
            self.view("done", visit).await
        }
    }

    pub async fn serve() -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let public_url = Url::parse(&address).map_err(std::io::Error::other)?;
        let web = Web {
            flows: Samples { public_url: public_url.clone() },
            public_url: public_url.clone(),
            entropy: Arc::new(OsEntropy),
        };
        say(&address);
        axum::serve(listener, router(web).merge(preview::routes(public_url))).await
    }

    #[expect(clippy::print_stdout, reason = "the address is what this program tells")]
    fn say(address: &str) {
        println!("{address}");
    }
}

#[cfg(debug_assertions)]
#[tokio::main]
async fn main() -> ExitCode {
    preview::serve().await.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

#[cfg(not(debug_assertions))]
fn main() -> ExitCode {
    ExitCode::FAILURE
}
