//! Another account holder than before came back: the new grant is held until the person decides.

use keybearer_connectors::Bindings;
use keybearer_connectors::engine::revoke_request;
use keybearer_core::{AccountStatus, Result, SecretString, Timestamp};
use keybearer_store::{AttemptRow, AttemptStatus, Identity};

use super::complete::{self, Connected};
use super::open::OpenFlow;
use super::page::{Answer, IdentityPage, Page, PageBody};
use super::problem::Trouble;
use super::{finish, sealed, state};
use crate::grant::{self, Grant};
use crate::state::App;

/// Whether this grant must not replace the stored one without being asked about.
pub(super) fn is_somebody_else(open: &OpenFlow, connected: &Connected) -> bool {
    let (Some(before), Some(now)) = (&open.account.identity_id, &connected.identity) else {
        return false;
    };
    open.account.status != AccountStatus::PendingAuth && before != &now.id
}

/// Keeps the grant in its attempt, sealed.
pub(super) async fn hold(
    app: &App,
    open: &OpenFlow,
    state_hash: &str,
    connected: &Connected,
) -> Result<bool> {
    let mut values = Bindings::new();
    let groups = [
        ("account.", &connected.grant.account),
        ("captured.", &connected.grant.captured),
        ("tokens.", &connected.grant.tokens),
    ];
    for (prefix, group) in groups {
        for (name, value) in group.iter() {
            values.insert(format!("{prefix}{name}"), value.clone());
        }
    }
    let ends = [
        ("access_expires_at", connected.grant.access_expires_at),
        ("refresh_expires_at", connected.grant.refresh_expires_at),
        ("obtained_at", Some(connected.grant.obtained_at)),
    ];
    for (name, time) in ends {
        if let Some(time) = time {
            values.insert(name, time.micros().to_string());
        }
    }
    values.insert("scopes", connected.granted_scopes.join("\n"));
    if let Some(identity) = &connected.identity {
        values.insert("identity", identity.id.as_str());
        values.insert("label", identity.label.clone().unwrap_or_default());
    }
    let row = AttemptRow {
        sealed: Some(sealed::seal_attempt(
            app,
            &open.flow.environment_id,
            &open.flow.id,
            state_hash,
            &values,
        )?),
        updated_at: app.now(),
        ..blank(app, open, state_hash, AttemptStatus::Received)
    };
    Ok(app.db().receive_attempt(&row, AttemptStatus::Exchanging).await?)
}

/// A new attempt row.
pub(super) fn blank(app: &App, open: &OpenFlow, state_hash: &str, status: AttemptStatus) -> AttemptRow {
    AttemptRow {
        state_hash: state_hash.to_owned(),
        flow_id: open.flow.id.clone(),
        environment_id: open.flow.environment_id.clone(),
        status,
        sealed: None,
        auth_request_hash: None,
        misses: 0,
        failure: None,
        reference: None,
        created_at: app.now(),
        updated_at: app.now(),
    }
}

/// The page that asks, when a grant of this flow is held for this browser.
pub(super) async fn page(app: &App, open: &OpenFlow, browser: &str) -> Result<Option<Page>, Trouble> {
    let Some((_, values)) = waiting(app, open).await? else {
        return Ok(None);
    };
    let now = values.get("label").filter(|label| !label.is_empty()).or_else(|| values.get("identity"));
    let before = open.account.identity_label.clone().or_else(|| open.account.identity_id.clone());
    let body = PageBody::IdentityChanged(IdentityPage {
        before: before.unwrap_or_default(),
        now: now.map(|text| text.expose().clone()).unwrap_or_default(),
        csrf: state::csrf(&app.keyring()?, &open.flow.environment_id, &open.flow.id, browser)?,
    });
    Ok(Some(Page { head: open.head.clone(), body }))
}

async fn waiting(app: &App, open: &OpenFlow) -> Result<Option<(AttemptRow, Bindings)>> {
    let attempts = app.db().list_attempts(&open.flow.id).await?;
    let held =
        attempts.into_iter().rev().find(|row| row.status == AttemptStatus::Received && row.sealed.is_some());
    held.map(|row| Ok((sealed::open_attempt(app, &row)?, row)))
        .transpose()
        .map(|found| found.map(|(v, r)| (r, v)))
}

/// What the person decided: `keep` replaces the grant, `back` gives the new one back to the provider.
pub(super) async fn decide(app: &App, open: &OpenFlow, choice: &str) -> Result<Option<Answer>, Trouble> {
    let Some((attempt, values)) = waiting(app, open).await? else {
        return Ok(None);
    };
    let connected = restore(&values);
    if choice == "keep" {
        let row = finish::store(app, open, Some(&attempt.state_hash), &connected).await?;
        return Ok(Some(Answer::Page(Box::new(finish::done(open, &row, Vec::new())?))));
    }
    app.db()
        .fail_attempt(&attempt.state_hash, "identity_changed", None, app.now())
        .await
        .map_err(keybearer_core::Error::from)?;
    give_back(app, open, &connected.grant).await;
    let page = finish::done(open, &open.account, Vec::new())?;
    Ok(Some(Answer::Page(Box::new(page))))
}

/// Revokes a grant that nobody keeps; best effort.
pub(super) async fn give_back(app: &App, open: &OpenFlow, grant: &Grant) {
    let revoked = async {
        let method = open.connection.method()?;
        let developer = open.developer(app).await?;
        let bindings = grant::account_bindings(method, &developer, grant);
        let context = complete::context(app, open, method, &bindings);
        match revoke_request(&context)? {
            Some(request) => complete::send(app, request).await.map(|_| ()),
            None => Ok(()),
        }
    };
    if let Err(error) = revoked.await {
        tracing::warn!(code = %error.code, flow.id = %open.flow.id, "a grant that nobody keeps could not be revoked");
    }
}

fn restore(values: &Bindings) -> Connected {
    let group = |prefix: &str| -> Bindings {
        let named = values
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())));
        named.collect()
    };
    let text = |name: &str| values.get(name).map(SecretString::expose);
    let time = |name: &str| text(name).and_then(|text| text.parse().ok()).map(Timestamp::from_micros);
    let grant = Grant {
        account: group("account."),
        captured: group("captured."),
        tokens: group("tokens."),
        obtained_at: time("obtained_at").unwrap_or_default(),
        access_expires_at: time("access_expires_at"),
        refresh_expires_at: time("refresh_expires_at"),
    };
    let scopes = text("scopes").map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default();
    let identity = text("identity").map(|id| Identity {
        id: id.clone(),
        label: text("label").filter(|label| !label.is_empty()).cloned(),
    });
    Connected { grant, granted_scopes: scopes, identity }
}
