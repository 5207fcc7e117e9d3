//! How a stored connection is shown.

use std::collections::HashMap;
use std::sync::Arc;

use keybearer_connectors::engine::{self, Context, auth_type};
use keybearer_connectors::schema::{AuthMethod, Connector};
use keybearer_connectors::{Bindings, redirect, scopes};
use keybearer_core::ids::{ConnectionId, EnvironmentId, MemberId};
use keybearer_core::{AccountStatus, AuthType, CredentialSource, Result};
use keybearer_store::{AccountCount, AuthMode, ConnectionRow, CredentialRow};

use super::types::{Connection, ConnectionConfig, ConnectionCounts, ScopeSettings, SecretFacts, Warning};
use super::values::{self, Have};
use crate::grant::{self, Grant};
use crate::providers;
use crate::state::App;

/// The redirect URI of a connection.
pub(crate) fn redirect_uri(app: &App, id: &ConnectionId) -> String {
    format!("{}/sso/v1/oauth/{id}/callback", app.issuer())
}

/// Where MCP clients reach a connection.
fn mcp_url(app: &App, name: &str) -> String {
    format!("{}/mcp/v3/connections/{}", app.issuer(), keybearer_oauth::percent_encode(name))
}

/// One connection with all its counts.
pub(super) async fn one(app: &App, row: ConnectionRow) -> Result<Connection> {
    let counted = app.db().count_accounts(&row.environment_id).await?;
    let mut counts = counts(&counted, &row.id);
    counts.on_earlier_client = app.db().count_accounts_on_earlier_credential(&row.id).await?;
    counts.behind_at_change = ConnectionConfig::of(&row).behind_at_change;
    let loaded = load(app, row).await?;
    if let Some(method) = loaded.method() {
        let asked = ScopeSettings::of(&loaded.row).wanted();
        for group in app.db().count_granted_scopes(&loaded.row.id).await? {
            if !scopes::not_granted(method, &group.granted_scopes, &asked).is_empty() {
                counts.scopes_behind += group.accounts;
            }
        }
    }
    Ok(show(app, loaded, counts))
}

/// Several connections, with the counts that one query gives.
pub(super) async fn many(
    app: &App,
    environment: &EnvironmentId,
    rows: Vec<ConnectionRow>,
) -> Result<Vec<Connection>> {
    let counted = app.db().count_accounts(environment).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let counts = counts(&counted, &row.id);
        shown.push(show(app, load(app, row).await?, counts));
    }
    Ok(shown)
}

/// A row with its connector and present credential.
struct Loaded {
    row: ConnectionRow,
    connector: Option<Arc<Connector>>,
    credential: Option<CredentialRow>,
    secrets: Bindings,
    set_by: Option<String>,
}

impl Loaded {
    fn method(&self) -> Option<&AuthMethod> {
        self.connector.as_ref()?.method(&self.row.method)
    }
}

async fn load(app: &App, row: ConnectionRow) -> Result<Loaded> {
    let credential = match &row.credential_id {
        Some(id) => app.db().find_credential(id).await?,
        None => None,
    };
    // what does not open is shown as not there: the list must still come
    let secrets = credential.as_ref().and_then(|credential| grant::open_credential(app, credential).ok());
    let connector = providers::for_view(app, &row.environment_id, &row.connector).await?;
    let set_by = credential.as_ref().and_then(|credential| credential.secret_set_by.clone());
    let set_by = match set_by {
        Some(actor) => Some(name_of(app, actor).await?),
        None => None,
    };
    Ok(Loaded { row, connector, credential, secrets: secrets.unwrap_or_default(), set_by })
}

/// The name of a member, or the actor as the audit trail names it.
async fn name_of(app: &App, actor: String) -> Result<String> {
    let member = match MemberId::parse(&actor) {
        Some(id) => app.db().find_member(&id).await?,
        None => None,
    };
    Ok(member.map_or(actor, |member| member.name))
}

fn secret_facts(app: &App, credential: Option<&CredentialRow>, set_by: Option<String>) -> SecretFacts {
    let Some(credential) = credential else { return SecretFacts::default() };
    let over = credential.earlier_until.is_some_and(|until| until <= app.now());
    let has_earlier = credential.earlier_sealed.is_some() && !over;
    SecretFacts {
        set_at: credential.secret_set_at,
        set_by,
        ends_at: credential.secret_ends_at,
        has_earlier,
        earlier_until: credential.earlier_until.filter(|_| has_earlier),
    }
}

fn counts(counted: &[AccountCount], id: &ConnectionId) -> ConnectionCounts {
    let mut counts = ConnectionCounts::default();
    let by_status: HashMap<AccountStatus, i64> = counted
        .iter()
        .filter(|count| count.connection_id == *id)
        .map(|count| (count.status, count.accounts))
        .collect();
    for (status, accounts) in by_status {
        counts.accounts += accounts;
        match status {
            AccountStatus::Active => counts.active += accounts,
            AccountStatus::Expired => counts.expired += accounts,
            AccountStatus::PendingAuth | AccountStatus::PendingVerification => counts.pending += accounts,
            AccountStatus::Disconnected => counts.disconnected += accounts,
        }
    }
    counts
}

fn show(app: &App, loaded: Loaded, counts: ConnectionCounts) -> Connection {
    let Facts { missing, warnings, resolved_proxy_url, auth_type, needs_redirect_uri } = facts(app, &loaded);
    let Loaded { row, connector, credential, secrets, set_by } = loaded;
    let (config, settings) = (ConnectionConfig::of(&row), ScopeSettings::of(&row));
    let shared = app.config().shared_credentials.get(&row.connector);
    let is_shared = row.credential_source == CredentialSource::Shared;
    let secret_fields =
        secrets.iter().map(|(name, _)| name.to_owned()).filter(|name| name != "client_secret");
    Connection {
        redirect_uri: redirect_uri(app, &row.id),
        needs_redirect_uri,
        connector_display_name: connector
            .map_or_else(|| row.connector.clone(), |known| known.display_name.clone()),
        auth_type,
        shared_app_name: shared.filter(|_| is_shared).map(|shared| shared.app_name.clone()),
        client_id: credential.as_ref().and_then(|credential| credential.client_id.clone()),
        has_client_secret: is_shared || secrets.get("client_secret").is_some(),
        secret: secret_facts(app, credential.as_ref(), set_by),
        client_secret_suffix: credential.and_then(|credential| credential.client_secret_suffix),
        fixed: config.fixed,
        fields: config.fields,
        secret_fields: secret_fields.collect(),
        scopes: settings,
        extra_authorize_params: config.extra_authorize_params,
        resolved_proxy_url,
        missing,
        warnings,
        counts,
        source: row.credential_source,
        org_wide: row.auth_mode == AuthMode::OrgWide,
        mcp_url: mcp_url(app, &row.name),
        overrides: config.overrides,
        id: row.id,
        name: row.name,
        label: row.label,
        connector: row.connector,
        method: row.method,
        state: row.state,
        attention: row.attention,
        attention_at: row.attention_at,
        blurb_for_users: row.blurb_for_users,
        proxy_enabled: row.proxy_enabled,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// What is worked out from connector and settings together.
struct Facts {
    missing: Vec<String>,
    warnings: Vec<Warning>,
    resolved_proxy_url: Option<String>,
    auth_type: AuthType,
    needs_redirect_uri: bool,
}

fn facts(app: &App, loaded: &Loaded) -> Facts {
    let (Some(connector), Some(method)) = (&loaded.connector, loaded.method()) else {
        return Facts {
            missing: Vec::new(),
            warnings: vec![warning("connector", "The connector or its method is not installed any more.")],
            resolved_proxy_url: None,
            auth_type: AuthType::Custom,
            needs_redirect_uri: false,
        };
    };
    let config = ConnectionConfig::of(&loaded.row);
    let client_id = loaded.credential.as_ref().and_then(|credential| credential.client_id.as_deref());
    let secret_names: Vec<String> = loaded.secrets.iter().map(|(name, _)| name.to_owned()).collect();
    let have = Have {
        source: loaded.row.credential_source,
        client_id,
        fields: &config.fields,
        secrets: &secret_names,
    };
    Facts {
        missing: values::missing(app, connector, method, have),
        warnings: warnings(app, loaded, method, client_id),
        resolved_proxy_url: proxy_url(app, loaded, connector, method),
        auth_type: auth_type(method),
        needs_redirect_uri: method.has_redirect(),
    }
}

fn warnings(app: &App, loaded: &Loaded, method: &AuthMethod, client_id: Option<&str>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if method.has_redirect() {
        let problems = redirect::problems(method, &redirect_uri(app, &loaded.row.id));
        warnings.extend(
            problems.into_iter().map(|problem| warning("redirect_uri", &sentence(&problem.to_string()))),
        );
    }
    if loaded.row.credential_source == CredentialSource::Own {
        warnings.extend(values::hints(method, client_id, &loaded.secrets));
    }
    let settings = ScopeSettings::of(&loaded.row);
    let asked = settings.asked();
    let unknown =
        [scopes::unknown(method, &asked), scopes::unknown(method, &settings.optional_scopes)].concat();
    for name in unknown {
        warnings.push(warning("scopes", &format!("`{name}` is not in our list; it is sent as it is.")));
    }
    if let Some(name) = scopes::lacks_refresh_scope(method, &asked) {
        let says =
            format!("Without `{name}` there is no refresh token: access ends with the first access token.");
        warnings.push(warning("scopes", &says));
    }
    warnings
}

fn warning(field: &str, says: &str) -> Warning {
    Warning { field: field.to_owned(), says: says.to_owned() }
}

/// `text` with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

/// The base address when the connection alone decides it.
fn proxy_url(app: &App, loaded: &Loaded, connector: &Connector, method: &AuthMethod) -> Option<String> {
    let developer =
        grant::connection_bindings(app, connector, &loaded.row, loaded.credential.as_ref()).ok()?;
    let bindings = grant::account_bindings(method, &developer, &Grant::default());
    let context = Context { connector, method, bindings: &bindings, now: app.now(), entropy: app.entropy() };
    engine::base_url(&context).ok().map(|url| url.as_str().trim_end_matches('/').to_owned())
}
