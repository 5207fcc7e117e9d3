//! The page on which a connector is described.

use askama::Template;
use keybearer_app::Permission;
use keybearer_app::providers::{self, Change, CustomProvider, Used};
use keybearer_core::{FieldViolation, Result};

use super::super::answer::quoted;
use super::super::fields::Control;
use super::super::flash::accounts;
use super::super::frame::{Frame, Section};
use super::super::guard::Visit;
use super::super::when::When;
use super::lines::{Kind, Line, Lines};
use super::plain::{InputRow, ScopeRow};
use super::preview::{Preview, previews};
use super::said::Said;
use super::sheet::Sheet;
use crate::web::assets;

/// D25.
#[derive(Template)]
#[template(path = "dashboard/connector.html")]
pub(super) struct ConnectorView {
    pub frame: Frame,
    /// The script that checks while one writes.
    pub script: String,
    /// What the form posts to.
    pub action: String,
    pub heading: String,
    pub there: Option<There>,
    pub may: bool,
    pub sheet: Sheet,
    pub newest: String,
    pub discovery: String,
    pub wrong: Vec<Said>,
    pub advice: Vec<Said>,
    pub previews: Vec<Preview>,
    pub note: Option<Note>,
    pub left_out: Vec<String>,
    pub review: Option<Review>,
    pub reviewed: String,
    /// What somebody else saved meanwhile.
    pub theirs: Option<String>,
    pub has_form: bool,
    pub editable: bool,
    pub ways: usize,
    pub about: Vec<Line>,
    pub endpoints: Vec<Line>,
    pub placing: Vec<Line>,
    pub places: Vec<Line>,
    pub rules: Vec<Line>,
    pub guide: Vec<Line>,
    pub scopes: Vec<(ScopeRow, Option<String>)>,
    pub inputs: Vec<(InputRow, Option<String>)>,
}

/// A connector that exists.
pub(super) struct There {
    pub id: String,
    pub version: i64,
    pub saved: When,
    pub uses: Vec<Used>,
    pub used: String,
}

/// A sentence on top.
#[derive(Clone, Debug, Default)]
pub(super) struct Note {
    pub look: &'static str,
    pub says: String,
}

/// What the change means for those that use it.
pub(super) struct Review {
    pub lines: Vec<String>,
    pub lost: Vec<String>,
    pub used: String,
    pub forbidden: bool,
}

/// What the page is about, beside the sheet.
#[derive(Default)]
pub(super) struct Extra {
    pub note: Option<Note>,
    pub left_out: Vec<String>,
    pub discovery: String,
    /// A fault of the form itself.
    pub fault: Option<FieldViolation>,
    pub review: Option<Change>,
    pub theirs: Option<String>,
}

/// What a look at a sheet found.
pub(super) struct Looked {
    pub examined: providers::Examined,
    pub described: Option<providers::CreateProvider>,
}

/// Looks at the text of a sheet.
///
/// # Errors
/// Those of the use case.
pub(super) fn look(visit: &Visit, sheet: &Sheet) -> Result<Looked> {
    match providers::parse(&sheet.text) {
        Ok((described, object)) => {
            let examined = providers::examine(visit.app(), visit.caller(), &described, &object)?;
            Ok(Looked { examined, described: Some(described) })
        }
        Err(error) => {
            let examined = providers::Examined { wrong: error.violations, ..providers::Examined::default() };
            Ok(Looked { examined, described: None })
        }
    }
}

/// The page.
pub(super) fn page(
    visit: &Visit,
    there: Option<(CustomProvider, Vec<Used>)>,
    newest: String,
    sheet: Sheet,
    looked: Looked,
    extra: Extra,
) -> ConnectorView {
    let Looked { examined, described } = looked;
    let said = |violations: &[FieldViolation]| -> Vec<Said> {
        violations.iter().map(|violation| Said::new(&sheet.text, violation)).collect()
    };
    let wrong = [said(&examined.wrong), said(extra.fault.as_slice())].concat();
    let app = &visit.app().config().app_name;
    let patterns = described.as_ref().and_then(|one| one.auth_patterns.as_array());
    let lines = Lines { sheet: &sheet, wrong: &wrong };
    let reviewed = extra.review.as_ref().map(|change| reviewed(&sheet, change.version)).unwrap_or_default();
    let (frame, heading, action) = around(visit, there.as_ref().map(|(custom, _)| custom));
    ConnectorView {
        frame,
        script: assets::address("connectors.js"),
        heading,
        action,
        may: visit.caller().permissions.has(Permission::ConnectorsWrite),
        newest,
        discovery: extra.discovery,
        advice: said(&examined.advice),
        previews: examined.connector.as_ref().map(|one| previews(one, app)).unwrap_or_default(),
        note: extra.note,
        left_out: extra.left_out,
        review: extra.review.map(review),
        reviewed,
        theirs: extra.theirs,
        has_form: sheet.has_form(),
        editable: sheet.is_editable(),
        ways: patterns.map(Vec::len).unwrap_or_default(),
        about: lines.about(),
        endpoints: lines.endpoints(),
        placing: lines.placing(),
        places: lines.places(),
        rules: lines.rules(),
        guide: lines.guide(),
        scopes: lines.scopes(),
        inputs: lines.inputs(),
        there: there.map(|(custom, uses)| There::new(visit, custom, uses)),
        wrong,
        sheet,
    }
}

/// The frame, the heading, and what the form posts to.
fn around(visit: &Visit, there: Option<&CustomProvider>) -> (Frame, String, String) {
    let title = there.map_or("Describe a connector", |custom| &custom.display_name);
    let frame = visit.frame(Section::Connectors, title).under("/connectors", "Connectors").under("", title);
    let (command, action) = match there {
        Some(custom) => (
            format!("keybearer connectors edit {} --file connector.json", quoted(&custom.identifier)),
            format!("/connectors/{}", custom.identifier),
        ),
        None => ("keybearer connectors add --file connector.json".to_owned(), "/connectors/new".to_owned()),
    };
    (frame.command(command), title.to_owned(), action)
}

impl There {
    fn new(visit: &Visit, custom: CustomProvider, uses: Vec<Used>) -> Self {
        Self {
            id: custom.identifier,
            version: custom.version,
            saved: When::new(custom.updated_at, visit.app().now()),
            used: used(&uses),
            uses,
        }
    }
}

/// What a review was shown of.
pub(super) fn reviewed(sheet: &Sheet, version: i64) -> String {
    format!("{version}-{}", super::digest(&sheet.text))
}

/// `2 connections, 5 accounts`.
pub(super) fn used(uses: &[Used]) -> String {
    counted(i64::try_from(uses.len()).unwrap_or(i64::MAX), uses.iter().map(|used| used.accounts).sum())
}

/// `2 connections, 5 accounts`.
pub(super) fn counted(connections: i64, number: i64) -> String {
    match connections {
        0 => "no connection".to_owned(),
        1 => format!("1 connection, {}", accounts(number)),
        more => format!("{more} connections, {}", accounts(number)),
    }
}

fn review(change: Change) -> Review {
    let lines = change_lines(&change);
    Review { lines, lost: change.lost, used: used(&change.uses), forbidden: change.forbidden }
}

/// What a change means for those that use the connector, in sentences.
pub(in super::super) fn change_lines(change: &Change) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |names: &[String], before: &str| {
        if !names.is_empty() {
            lines.push(format!("{before}: {}.", names.join(", ")));
        }
    };
    say(&change.new_hosts, "Stored credentials can go to hosts to which they could not go so far");
    say(&change.gone_hosts, "Nothing goes any more to");
    say(&change.gone_scopes, "Connections cannot ask any more for the scopes");
    say(&change.required_scopes, "Every new sign-in asks for these scopes, too");
    say(&change.new_fields, "Accounts that do not have these values cannot be used until they are given");
    if change.reveals {
        lines.push("A value that was secret can be read.".to_owned());
    }
    if change.stops_calls {
        lines.push("Calls through the proxy are refused from now on.".to_owned());
    }
    if lines.is_empty() {
        lines.push("No host, scope or value changes for them.".to_owned());
    }
    lines
}
