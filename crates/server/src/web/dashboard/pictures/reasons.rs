//! Pictures of reasons: where people stop on the way through a link, and why accounts stopped.

use keybearer_app::figures::{self, Funnel, Scope};
use keybearer_core::{Code, Result};

use super::chart::{Chart, Panel, Row, WIDTH, Words, rows};
use super::{about, csv};
use crate::web::dashboard::flash::accounts as counted;
use crate::web::dashboard::guard::Visit;

/// Picture 6.
pub(super) async fn funnel(visit: &Visit, scope: &Scope) -> Result<Chart> {
    let funnel = figures::funnel(visit.app(), visit.caller(), scope).await?;
    let stages = [
        ("Links made", funnel.made, "made"),
        ("Opened", funnel.opened, "opened"),
        ("Left for the provider", funnel.gone, "gone"),
        ("Came back", funnel.returned, "returned"),
        ("Connected", funnel.done, ""),
    ];
    let of = scope.connection.as_deref().unwrap_or_default();
    let href = format!("/logs?kind=connect&connection={of}");
    let row = |(label, value, stage): (&str, i64, &str)| {
        let lost = reasons(&funnel, stage);
        let after = if lost.is_empty() { String::new() } else { format!("; stopped here: {lost}") };
        Row {
            label: label.to_owned(),
            name: format!("{label}: {value}{after}"),
            href: href.clone(),
            value,
            class: "c1",
        }
    };
    let drawn: Vec<Row> = stages.into_iter().map(row).collect();
    let says =
        format!("{} of {} links of {} led to an active account.", funnel.done, funnel.made, about(scope));
    let words = Words { id: "funnel", title: "Connect funnel", says: &says, ends: ("", ""), width: WIDTH };
    let mut table: Vec<Vec<String>> =
        drawn.iter().map(|row| vec![row.label.clone(), String::new(), row.value.to_string()]).collect();
    table.extend(funnel.losses.iter().map(|(stage, reason, times)| {
        vec![format!("Stopped after: {}", stage_word(stage)), reason_word(reason), times.to_string()]
    }));
    Ok(Chart {
        id: "funnel",
        title: "Connect funnel".to_owned(),
        nothing: (funnel.made == 0).then(|| {
            "No link was made yet. Each link shows here how far its user got, and why not further.".to_owned()
        }),
        legend: &[],
        panels: vec![Panel { caption: None, svg: rows(&words, &drawn) }],
        heads: ["Step", "Reason", "Links"].map(str::to_owned).into(),
        table,
        csv: csv("funnel", scope),
        says,
    })
}

/// Picture 8.
pub(super) async fn stopped(visit: &Visit, scope: &Scope) -> Result<Chart> {
    let found = figures::stopped(visit.app(), visit.caller(), scope).await?;
    let total: i64 = found.iter().map(|(_, _, times)| times).sum();
    let of = scope.connection.as_deref().unwrap_or_default();
    let row = |(state, reason, times): &(String, String, i64)| {
        let label = reason_word(reason);
        Row {
            name: format!("{label}: {times}"),
            label,
            href: format!("/accounts?state={state}&connection={of}"),
            value: *times,
            class: if state == "EXPIRED" { "cb" } else { "c6" },
        }
    };
    let drawn: Vec<Row> = found.iter().map(row).collect();
    let says = format!("Stopped in {} and not come back: {}.", about(scope), counted(total));
    let words =
        Words { id: "stopped", title: "Why accounts stopped", says: &says, ends: ("", ""), width: WIDTH };
    Ok(Chart {
        id: "stopped",
        title: "Why accounts stopped".to_owned(),
        nothing: drawn.is_empty().then(|| format!("No account stopped in {}.", about(scope))),
        legend: &[("cb", "Needs sign-in"), ("c6", "Disconnected")],
        panels: vec![Panel { caption: None, svg: rows(&words, &drawn) }],
        heads: ["Reason", "Accounts"].map(str::to_owned).into(),
        table: drawn.iter().map(|row| vec![row.label.clone(), row.value.to_string()]).collect(),
        csv: csv("stopped", scope),
        says,
    })
}

fn reasons(funnel: &Funnel, stage: &str) -> String {
    let here = funnel.losses.iter().filter(|(at, ..)| at == stage);
    here.map(|(_, reason, times)| format!("{times} {}", reason_word(reason).to_lowercase()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn stage_word(stage: &str) -> &'static str {
    match stage {
        "made" => "link made",
        "opened" => "opened",
        "gone" => "left for the provider",
        _ => "came back",
    }
}

/// A code of ours or of the provider in words.
pub(in crate::web::dashboard) fn reason_word(reason: &str) -> String {
    let known = match reason {
        "open" => "Still open",
        "expired" => "Its time ran out",
        "newer_link" => "A newer link took its place",
        "access_denied" | "consent_denied" => "Not allowed at the provider",
        "revoked_or_expired" => "Refresh token refused: password changed, app removed, or token limit",
        "refresh_interrupted" => "A refresh was cut off and its answer lost",
        "no_refresh_token" => "No refresh token was issued",
        "credential_rejected" => "The user's own key was refused",
        "disconnected_by_developer" => "You disconnected it",
        "disconnected_by_user" => "Its user disconnected it",
        "integrity_error" => "The stored credential does not open",
        other => {
            let code = Code::ALL.iter().find(|code| code.as_str() == other);
            return code.map_or_else(
                || other.replace('_', " "),
                |code| code.title().trim_end_matches('.').to_owned(),
            );
        }
    };
    known.to_owned()
}
