//! Finding a connector, and the step before the form: which method, and what one needs first.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use keybearer_app::connections::{self, ConnectionQuery, CreateConnection};
use keybearer_app::connectors::schema::{AuthMethod, Connector, Kind, MethodType};
use keybearer_app::{PageAsk, Permission, providers};
use keybearer_core::{CredentialSource, Result};
use serde::Deserialize;

use super::answer::see_other;
use super::frame::{Frame, Section, Tile};
use super::guard::{Posted, Visit};
use super::setup_view::{has_client, kind, minutes};

/// What is looked for.
#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    shared: String,
}

/// D4.
#[derive(Template)]
#[template(path = "dashboard/catalogue.html")]
struct CatalogueView {
    frame: Frame,
    query: String,
    kind: String,
    category: String,
    shared: bool,
    any_shared: bool,
    total: usize,
    found: usize,
    chips: Vec<Chip>,
    categories: Vec<String>,
    /// Those that fit first; the others are there for the script, which looks without asking.
    rows: Vec<Row>,
    describe: String,
}

/// A filter by kind.
struct Chip {
    href: String,
    label: &'static str,
    number: usize,
    here: bool,
}

/// One connector.
struct Row {
    slug: String,
    name: String,
    tile: Tile,
    kind: String,
    needs: String,
    review: bool,
    mine: usize,
    sandbox: bool,
    own: bool,
    words: String,
    fits: bool,
}

/// The page before the form.
#[derive(Template)]
#[template(path = "dashboard/begin.html")]
struct BeginView {
    frame: Frame,
    slug: String,
    name: String,
    tile: Tile,
    blurb: String,
    methods: Vec<Method>,
    shared_app: Option<String>,
    present: Vec<Present>,
    may: bool,
}

/// A way to prove oneself.
struct Method {
    id: String,
    label: String,
    kind: String,
    needs: String,
    chosen: bool,
}

/// A connection of this connector that exists.
struct Present {
    href: String,
    name: String,
    draft: bool,
}

const KINDS: [(&str, &str); 6] = [
    ("", "All"),
    ("oauth", "OAuth"),
    ("key", "API key"),
    ("basic", "User name and password"),
    ("signed", "Key pair or service account"),
    ("mcp", "MCP"),
];

/// `GET /connections/new`
pub(super) async fn list(visit: Visit, Query(search): Query<Search>) -> Response {
    let page = catalogue(&visit, &search).await;
    visit.answer(page)
}

async fn catalogue(visit: &Visit, search: &Search) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    caller.require(Permission::ConnectorsRead)?;
    let listed = connections::list(app, caller, &ConnectionQuery::default(), &PageAsk::first(100)).await?;
    let all = providers::catalogue(app, caller).await?;
    let offered = &app.config().shared_credentials;
    let passes = |connector: &Connector, kind: &str| {
        is_kind(connector, kind)
            && (search.category.is_empty() || connector.categories.contains(&search.category))
            && (search.shared.is_empty() || offered.contains_key(&connector.slug))
    };
    let found = all.search(&search.q);
    let chip = |(id, label): (&'static str, &'static str)| {
        let query = [
            ("q", search.q.as_str()),
            ("kind", id),
            ("category", &search.category),
            ("shared", &search.shared),
        ];
        let given = query.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        let number = found.iter().filter(|connector| passes(connector, id)).count();
        Chip { href: format!("/connections/new?{query}"), label, number, here: id == search.kind }
    };
    let mine = |slug: &str| listed.items.iter().filter(|one| one.connector == slug).count();
    let fitting: Vec<&str> =
        found.iter().filter(|one| passes(one, &search.kind)).map(|one| one.slug.as_str()).collect();
    let first = found.iter().filter(|one| fitting.contains(&one.slug.as_str()));
    let mut rows: Vec<Row> = first.map(|one| row(one, mine(&one.slug), true)).collect();
    let others = all.iter().filter(|one| {
        is_kind(one, &search.kind) && passes(one, &search.kind) && !fitting.contains(&one.slug.as_str())
    });
    rows.extend(others.map(|one| row(one, mine(&one.slug), false)));
    let mut categories: Vec<String> =
        all.iter().flat_map(|connector| connector.categories.iter().cloned()).collect();
    categories.sort();
    categories.dedup();
    let name = form_urlencoded::Serializer::new(String::new()).append_pair("name", &search.q).finish();
    let frame = visit.frame(Section::Connections, "Add a connection").under("/connections", "Connections");
    let view = CatalogueView {
        frame: frame.under("", "Add").command("keybearer connectors list"),
        total: all.iter().count(),
        found: fitting.len(),
        chips: KINDS.into_iter().map(chip).collect(),
        any_shared: !offered.is_empty(),
        shared: !search.shared.is_empty(),
        query: search.q.clone(),
        kind: search.kind.clone(),
        category: search.category.clone(),
        describe: if search.q.is_empty() {
            "/connectors/new".to_owned()
        } else {
            format!("/connectors/new?{name}")
        },
        categories,
        rows,
    };
    Ok(visit.page(&view))
}

/// `GET /connections/new/{connector}`
pub(super) async fn ask(visit: Visit, Path(slug): Path<String>) -> Response {
    let page = async {
        let (app, caller) = (visit.app(), visit.caller());
        let connector = connections::connector(app, &caller.environment, &slug).await?;
        let asked = connections::form(app, caller, &slug, None).await?;
        let query = ConnectionQuery { connector: Some(connector.slug.clone()), ..ConnectionQuery::default() };
        let listed = connections::list(app, caller, &query, &PageAsk::first(20)).await?;
        let present = listed.items.into_iter().map(|one| {
            let draft = one.state == keybearer_core::ConnectionState::Draft;
            let href = format!("/connections/{}{}", one.id, if draft { "/setup" } else { "" });
            Present { href, name: one.name, draft }
        });
        let methods = connector.auth.iter().enumerate().map(|(number, method)| Method {
            id: method.id.clone(),
            label: method.label.clone().unwrap_or_else(|| kind(method)),
            kind: kind(method),
            needs: needs(&connector, method),
            chosen: number == 0,
        });
        let frame =
            visit.frame(Section::Connections, &connector.display_name).under("/connections", "Connections");
        let view = BeginView {
            frame: frame
                .under("/connections/new", "Add")
                .under("", connector.display_name.clone())
                .command(format!("keybearer connections add {}", connector.slug)),
            slug: connector.slug.clone(),
            name: connector.display_name.clone(),
            tile: Tile::new(&connector.slug, &connector.display_name),
            blurb: connector.blurb.clone().unwrap_or_default(),
            methods: methods.collect(),
            shared_app: asked.shared_app_name,
            present: present.collect(),
            may: caller.permissions.has(Permission::ConnectorsWrite),
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /connections/new/{connector}`: the draft exists from here on, and with it the redirect URI.
pub(super) async fn begin(Path(slug): Path<String>, Posted { visit, form }: Posted) -> Response {
    let shared = form.text("source") == CredentialSource::Shared.as_str();
    let new = CreateConnection {
        connector: slug,
        method: Some(form.text("method")).filter(|method| !method.is_empty()),
        source: shared.then_some(CredentialSource::Shared),
        draft: true,
        ..CreateConnection::default()
    };
    let made = connections::create(visit.app(), visit.caller(), new).await;
    visit.answer(made.map(|connection| see_other(&format!("/connections/{}/setup", connection.id))))
}

fn is_kind(connector: &Connector, kind: &str) -> bool {
    use MethodType as M;
    let any = |fits: fn(M) -> bool| connector.auth.iter().any(|method| fits(method.kind));
    match kind {
        "oauth" => connector.has_redirect(),
        "key" => any(|kind| matches!(kind, M::ApiKey | M::Bearer | M::Oauth2RefreshToken)),
        "basic" => any(|kind| matches!(kind, M::Basic | M::Oauth2Password | M::SessionLogin)),
        "signed" => any(|kind| {
            matches!(
                kind,
                M::ServiceAccount
                    | M::JwtBearer
                    | M::SamlBearer
                    | M::JwtKeyPair
                    | M::JwtSharedSecret
                    | M::AwsSigv4
                    | M::Wsse
                    | M::RequestSigning
                    | M::HttpMessageSignature
            )
        }),
        "mcp" => connector.kind == Kind::Mcp,
        _ => true,
    }
}

fn row(connector: &Connector, mine: usize, fits: bool) -> Row {
    let method = connector.recommended();
    let kind = method.map(kind).unwrap_or_default();
    let reviewed = |method: &&AuthMethod| {
        method.app_review.as_ref().is_some_and(|review| review.how_to_publish_url.is_some())
    };
    let words = [
        vec![connector.display_name.clone(), connector.slug.clone(), kind.clone()],
        connector.aliases.clone(),
        connector.categories.clone(),
    ];
    Row {
        slug: connector.slug.clone(),
        name: connector.display_name.clone(),
        tile: Tile::new(&connector.slug, &connector.display_name),
        needs: method.map(|method| needs(connector, method)).unwrap_or_default(),
        review: method.filter(reviewed).is_some(),
        sandbox: connector.sandbox,
        own: connector.is_custom(),
        words: words.concat().join(" ").to_lowercase(),
        mine,
        fits,
        kind,
    }
}

/// What one needs before one starts.
fn needs(connector: &Connector, method: &AuthMethod) -> String {
    if connector.sandbox {
        return "Built in: nothing needed".to_owned();
    }
    let time = method.setup.as_ref().and_then(|setup| setup.minutes).map(minutes);
    let time = time.map(|time| format!(", {time}")).unwrap_or_default();
    match has_client(method) {
        true if method.dcr => "Registers itself".to_owned(),
        true => format!("Needs an app at {}{time}", connector.display_name),
        false => "Nothing: users bring their own".to_owned(),
    }
}
