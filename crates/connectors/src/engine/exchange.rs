use bytes::Bytes;
use keybearer_core::SecretString;
use keybearer_oauth::failure::{Answer, Failure, classify};
use keybearer_oauth::{Call, Document, TokenSet};

use super::answer::{self, Reading};
use super::token::{self, Grant};
use super::{Context, EngineError, call, captures, params, urls};
use crate::bindings::Bindings;
use crate::schema::{BodyFormat, ExtraStep};
use crate::scopes;

/// A token call with all its steps: ask [`Exchange::next_request`], send, give the answer to [`Exchange::answer`], until
/// there is no next request, then [`Exchange::finish`].
///
/// Store what [`Exchange::rotated`] holds when a later step fails: the provider may have voided the old token already.
#[derive(Debug)]
pub struct Exchange<'a> {
    context: &'a Context<'a>,
    grant: &'a Grant,
    answers: Vec<Document>,
    headers: http::HeaderMap,
    status: u16,
}

/// What an exchange brought.
#[derive(Debug)]
pub struct Granted {
    /// The tokens.
    pub tokens: TokenSet,
    /// Captures and further tokens, by name.
    pub values: Bindings,
    /// Captured values that were left out because their pattern does not allow them, by name.
    pub refused: Vec<String>,
}

impl<'a> Exchange<'a> {
    /// An exchange that has not sent anything.
    pub fn new(context: &'a Context<'a>, grant: &'a Grant) -> Self {
        Self { context, grant, answers: Vec::new(), headers: http::HeaderMap::new(), status: 0 }
    }

    /// The next request, `None` when all steps are done.
    ///
    /// # Errors
    /// A missing value, a value that would leave its place, or a host that is not pinned.
    pub fn next_request(&self) -> Result<Option<http::Request<Bytes>>, EngineError> {
        let Some(done) = self.answers.len().checked_sub(1) else {
            return token::token_request(self.context, self.grant).map(Some);
        };
        match self.steps().get(done) {
            Some(step) => self.step_request(step).map(Some),
            None => Ok(None),
        }
    }

    /// Takes the answer to the request that was sent last.
    ///
    /// # Errors
    /// What the answer means when it is not a success. An optional step never fails.
    pub fn answer(&mut self, response: &http::Response<Bytes>) -> Result<(), Failure> {
        let optional = self.answers.len().checked_sub(1).and_then(|done| self.steps().get(done));
        let optional = optional.is_some_and(|step| step.optional);
        let answer = Answer::of(response, self.context.now);
        let read = answer.document().ok().filter(|document| {
            let spec = answer::spec(self.context.method, self.reading());
            response.status().is_success()
                && (!self.answers.is_empty() || answer::says_success(&spec, document))
        });
        match read {
            Some(document) => self.answers.push(document),
            None if optional => self.answers.push(Document::from_value(serde_json::Value::Null)),
            None => return Err(self.failure(&answer)),
        }
        if self.answers.len() == 1 {
            self.headers = response.headers().clone();
            self.status = answer.status;
            if self.steps().is_empty()
                && answer::rules(self.context.method, self.reading())
                    .read(self.document(), self.context.now)
                    .is_err()
            {
                return Err(self.failure(&answer));
            }
        }
        Ok(())
    }

    /// The refresh token of the first answer, when a provider may have rotated it before a later step failed.
    pub fn rotated(&self) -> Option<SecretString> {
        let rules = answer::rules(self.context.method, self.reading());
        let first = self.answers.first()?;
        rules.refresh_token.iter().find_map(|path| first.text(path)).filter(|token| !token.is_empty())
    }

    /// The tokens and captured values.
    ///
    /// # Errors
    /// [`Failure::ConnectorFault`] when no usable token is among the answers.
    pub fn finish(self) -> Result<Granted, Failure> {
        let method = self.context.method;
        let document = self.document();
        let rules = answer::rules(method, self.reading());
        let fault = Failure::ConnectorFault {
            status: self.status,
            error: keybearer_oauth::ErrorCode::ProviderError,
            cause: keybearer_oauth::failure::Cause::NoToken,
        };
        let mut tokens = rules.read(document, self.context.now).map_err(|_| fault)?;
        tokens.scopes = tokens.scopes.map(|granted| respelled(self.context, granted));
        let captured = captures::of_answer(method, &tokens.raw, &self.headers);
        Ok(Granted { tokens, values: captured.values, refused: captured.refused })
    }

    fn steps(&self) -> &'a [ExtraStep] {
        let method = self.context.method;
        match self.grant {
            Grant::Refresh if !method.repeat_steps_on_refresh => &[],
            _ => &method.extra_steps,
        }
    }

    fn reading(&self) -> Reading {
        match self.grant {
            Grant::Refresh if self.steps().is_empty() => Reading::Refresh,
            _ => Reading::Full,
        }
    }

    fn document(&self) -> Document {
        answer::combined(&self.answers)
    }

    fn failure(&self, answer: &Answer<'_>) -> Failure {
        classify(answer, self.grant.kind(), &answer::error_rules(self.context.method))
    }

    fn step_request(&self, step: &ExtraStep) -> Result<http::Request<Bytes>, EngineError> {
        let values = token::step_values(self.context, self.grant, &self.answers);
        let mut wire = Call::post(urls::fill(&step.url, &values, "an extra step")?);
        wire.method = call::method(&step.method)?;
        wire.format = call::format(step.body_format.unwrap_or(BodyFormat::Form))?;
        params::lay_over(&mut wire.params, &step.params, &values)?;
        call::headers(&mut wire, &step.headers, &values)?;
        Ok(wire.into_request()?)
    }
}

/// Granted scopes that came as one text joined otherwise than ours.
fn respelled(context: &Context<'_>, granted: Vec<String>) -> Vec<String> {
    granted.iter().flat_map(|text| scopes::split(context.method, text)).collect()
}
