//! Single sign-on with OpenID Connect: authorization code with PKCE, nonce, and a state bound to the browser
//! (`docs/adr/0016`).

mod check;
mod denied;
mod exchange;
mod issuer;
mod people;
mod state;
mod ties;
mod token;

use keybearer_core::ids::MemberId;
use keybearer_core::{Code, Error, Result, SecretString};
use keybearer_oauth::callback::{self as wire, Outcome};
use keybearer_oauth::issuer::{self as mix_up, Expected as ExpectedIssuer};
use keybearer_store::{SignInMeans, TicketKind, TicketRow};
use url::Url;

pub(crate) use self::check::check;
pub use self::denied::{Denied, Refused};
use self::denied::{Stop, settled};
pub(crate) use self::issuer::Cache;
use self::people::Person;
use self::state::{Aim, Trip};
pub use self::ties::{Tie, ties, untie};
use crate::config::SsoConfig;
use crate::members;
use crate::sessions::{self, Session, SignedIn, Visitor};
use crate::state::App;
use crate::step_up;

/// What a trip to the single sign-on came to.
#[derive(Debug)]
pub enum Arrival {
    /// Somebody signed in.
    SignedIn(Box<SignedIn>),
    /// The signed-in member proved again who they are.
    Confirmed,
    /// Nobody did.
    Refused(Refused),
}

/// The end of a trip.
#[derive(Debug)]
pub struct Arrived {
    /// What it came to.
    pub arrival: Arrival,
    /// Where the person was going; a path of ours.
    pub next: String,
    /// Whether it was to be a proof of somebody who is signed in.
    pub confirming: bool,
}

/// Where the issuer sends people back; register it there.
pub fn redirect_uri(app: &App) -> String {
    format!("{}/login/sso/callback", app.issuer())
}

/// Goes on only when there are other ways in than the single sign-on.
pub(crate) fn require_other_ways(app: &App) -> Result<()> {
    match &app.config().sso {
        Some(sso) if sso.only => {
            Err(Error::new(Code::Unauthenticated, format!("people sign in with {} only", sso.name))
                .with_help("whoever runs the server makes a link with `keybearer members link`"))
        }
        _ => Ok(()),
    }
}

/// Goes on when there are other ways in, or when the link was made on the machine itself: where the single sign-on is the
/// only way, that link is what lets in when it is broken.
pub(crate) fn require_other_ways_for(app: &App, ticket: &TicketRow) -> Result<()> {
    if ticket.on_machine { Ok(()) } else { require_other_ways(app) }
}

/// Whether the member can come in by the single sign-on.
pub(crate) async fn has_identity(app: &App, member: &MemberId) -> Result<bool> {
    let Some(sso) = &app.config().sso else { return Ok(false) };
    let identities = app.db().list_identities(member).await?;
    Ok(identities.iter().any(|identity| identity.issuer == sso.issuer))
}

/// Where to send a browser that wants to sign in; `next` is where it goes afterwards.
///
/// # Errors
/// [`Code::NotFound`] without a single sign-on.
pub async fn begin(app: &App, browser: &str, next: &str) -> Result<Result<Url, Refused>> {
    settled(away(app, browser, Trip::new(app, next, Aim::SignIn)?).await)
}

/// Where to send a signed-in member who is to prove again who they are.
///
/// # Errors
/// Those of [`begin`].
pub async fn begin_confirm(
    app: &App,
    browser: &str,
    session: &Session,
    next: &str,
) -> Result<Result<Url, Refused>> {
    settled(away(app, browser, Trip::new(app, next, Aim::Confirm(session.id.to_string()))?).await)
}

/// Where to send somebody with a link to join, or with the link of the first owner. Nothing is used up yet.
///
/// # Errors
/// Those of [`begin`].
pub async fn begin_join(app: &App, browser: &str, link: &SecretString) -> Result<Result<Url, Refused>> {
    let hash = members::token_hash(link);
    let step = async {
        let ticket = app.db().find_ticket(&hash).await?.ok_or(Denied::Link)?;
        members::require_usable(app, &ticket).map_err(|_| Denied::Link)?;
        let aim = match ticket.kind {
            TicketKind::Setup => Aim::Own(hash),
            TicketKind::Password => Aim::Join(hash),
            TicketKind::SignIn => return Err(Denied::Link.into()),
        };
        away(app, browser, Trip::new(app, "/", aim)?).await
    };
    settled(step.await)
}

async fn away(app: &App, browser: &str, trip: Trip) -> Result<Url, Stop> {
    let sso = configured(app)?;
    let metadata = issuer::metadata(app, sso).await?;
    let mut url = endpoint(metadata.authorization_endpoint.as_ref(), "authorization_endpoint")?;
    let (state, pkce) = (trip.seal(app, browser).await?, trip.pkce());
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &sso.client_id)
        .append_pair("redirect_uri", &redirect_uri(app))
        .append_pair("scope", &scopes(sso))
        .append_pair("state", &state)
        .append_pair("nonce", &trip.nonce())
        .append_pair("code_challenge", &pkce.challenge)
        .append_pair("code_challenge_method", "S256");
    if trip.is_proof() {
        url.query_pairs_mut().append_pair("prompt", "login").append_pair("max_age", "0");
    }
    Ok(url)
}

/// The issuer sent the browser back with this query.
///
/// # Errors
/// [`Code::NotFound`] without a single sign-on; [`Code::DatabaseUnavailable`].
pub async fn arrive(
    app: &App,
    browser: &str,
    query: &str,
    session: Option<&Session>,
    visitor: &Visitor,
) -> Result<Arrived> {
    let sso = configured(app)?;
    let unread =
        |refused| Arrived { arrival: Arrival::Refused(refused), next: "/".to_owned(), confirming: false };
    let answer = match wire::parse(query, None) {
        Ok(answer) => answer,
        Err(error) => return Ok(unread(Refused { why: Denied::Foreign, detail: error.to_string() })),
    };
    let trip = match settled(Trip::take(app, browser, answer.state.expose()).await)? {
        Ok(trip) => trip,
        Err(refused) => return Ok(unread(refused)),
    };
    let arrival = match settled(settle(app, sso, &trip, answer, session, visitor).await)? {
        Ok(arrival) => arrival,
        Err(refused) => Arrival::Refused(refused),
    };
    Ok(Arrived { arrival, confirming: trip.is_proof(), next: trip.next })
}

/// From an answer that is one to our question to what it means.
async fn settle(
    app: &App,
    sso: &SsoConfig,
    trip: &Trip,
    answer: wire::Callback,
    session: Option<&Session>,
    visitor: &Visitor,
) -> Result<Arrival, Stop> {
    let metadata = issuer::metadata(app, sso).await?;
    // before anything else of it is believed
    let expected =
        ExpectedIssuer { issuer: Some(&metadata.issuer), advertised: metadata.iss_parameter_supported };
    mix_up::check(expected, answer.issuer.as_deref())
        .map_err(|error| Stop::new(Denied::Issuer, error.to_string()))?;
    let code = match answer.outcome {
        Outcome::Code(code) => code,
        Outcome::Error { error, .. } => return Err(said_no(error)),
    };
    let claims = exchange::claims(app, sso, &metadata, trip, code).await?;
    let person = Person::read(sso, claims)?;
    let row = match &trip.aim {
        Aim::SignIn => people::member(app, sso, &person).await?,
        Aim::Join(hash) => people::join(app, sso, &person, hash).await?,
        Aim::Own(hash) => people::first_owner(app, sso, &person, hash).await?,
        Aim::Confirm(id) => return confirm(app, sso, &person, session, id).await,
    };
    let signed = sessions::open(app, row, SignInMeans::Sso, visitor).await?;
    Ok(Arrival::SignedIn(Box::new(signed)))
}

async fn confirm(
    app: &App,
    sso: &SsoConfig,
    person: &Person,
    session: Option<&Session>,
    id: &str,
) -> Result<Arrival, Stop> {
    let session = session.filter(|session| session.id.as_str() == id).ok_or(Denied::Session)?;
    let identity = app.db().find_identity(&sso.issuer, &person.subject).await?;
    if identity.is_none_or(|identity| identity.member_id != session.member.id) {
        return Err(Denied::Somebody.into());
    }
    step_up::note(app, session, SignInMeans::Sso).await?;
    Ok(Arrival::Confirmed)
}

fn scopes(sso: &SsoConfig) -> String {
    let more = sso.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
    std::iter::once("openid").chain(more).collect::<Vec<_>>().join(" ")
}

fn endpoint(url: Option<&Url>, name: &str) -> Result<Url, Stop> {
    url.cloned().ok_or_else(|| Stop::new(Denied::Setup, format!("the issuer names no {name}")))
}

fn configured(app: &App) -> Result<&SsoConfig> {
    app.config().sso.as_ref().ok_or_else(|| Error::new(Code::NotFound, "this server has no single sign-on"))
}

fn said_no(error: keybearer_oauth::ErrorCode) -> Stop {
    let why = match error {
        keybearer_oauth::ErrorCode::AccessDenied => Denied::SaidNo,
        _ => Denied::Answered,
    };
    Stop::new(why, error.as_str())
}
