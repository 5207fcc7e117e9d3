//! What the sandbox's page shows.

use askama::Template;
use axum::response::Response;
use keybearer_app::logs::{self, CallEntry, CallQuery};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::Result;
use keybearer_sandbox::knobs::{self, Knob};
use keybearer_sandbox::{Control, RequestRecord, Stage};

use super::frame::{Frame, Section};
use super::guard::Visit;

/// How many requests are shown.
const SHOWN: usize = 40;

/// D24.
#[derive(Template)]
#[template(path = "dashboard/sandbox.html")]
struct SandboxView {
    frame: Frame,
    url: String,
    unusual: Vec<String>,
    tokens: Vec<KnobView>,
    stages: Vec<KnobView>,
    dialect: Vec<Word>,
    clock: ClockView,
    people: Vec<PersonView>,
    requests: Vec<RequestView>,
    kept: usize,
    may: bool,
}

/// D24 where there is none.
#[derive(Template)]
#[template(path = "dashboard/sandbox_absent.html")]
struct AbsentView {
    frame: Frame,
}

/// A switch.
struct KnobView {
    name: &'static str,
    label: &'static str,
    about: &'static str,
    choices: Vec<ChoiceView>,
    sees: String,
}

/// One way to set it.
struct ChoiceView {
    value: String,
    label: String,
    sees: String,
    chosen: bool,
}

/// A word of the dialect.
struct Word {
    value: &'static str,
    label: &'static str,
    sees: &'static str,
    chosen: bool,
}

/// The sandbox's time.
struct ClockView {
    now: String,
    offset: String,
    skew: i64,
    jumps: [(u64, &'static str); 4],
}

/// Somebody who lives there.
struct PersonView {
    id: String,
    name: String,
    email: String,
    note: &'static str,
    grants: usize,
}

/// A request that it received.
struct RequestView {
    number: u64,
    at: String,
    call: String,
    what: String,
    failure: String,
    status: String,
    bad: bool,
    outcome: &'static str,
    fields: Vec<(String, String)>,
    reference: Option<String>,
}

/// The page of a server without sandbox.
pub(super) fn absent(visit: &Visit) -> Response {
    let frame = visit.frame(Section::Sandbox, "Sandbox").command("keybearer dev");
    visit.page(&AbsentView { frame })
}

/// The page.
///
/// # Errors
/// Those of the call log.
pub(super) async fn page(visit: &Visit, control: &Control) -> Result<Response> {
    let calls = match visit.caller().permissions.has(Permission::LogsRead) {
        true => {
            logs::list(visit.app(), visit.caller(), &CallQuery::default(), &PageAsk::first(100)).await?.items
        }
        false => Vec::new(),
    };
    let records = control.requests(0);
    let settings = control.settings().pairs();
    let value = |name: &str| {
        let found = settings.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let dialect = value(knobs::DIALECT.name);
    let view = SandboxView {
        url: control.url().to_owned(),
        unusual: control.unusual(),
        tokens: knobs::TOKENS.iter().map(|knob| knob_view(knob, value(knob.name))).collect(),
        stages: stages(control),
        dialect: words(&dialect),
        clock: clock(control),
        people: people(control),
        kept: records.len(),
        requests: records.iter().rev().take(SHOWN).map(|record| request(record, &calls)).collect(),
        may: visit.caller().permissions.has(Permission::ConnectorsWrite),
        frame: visit
            .frame(Section::Sandbox, "Sandbox")
            .command("keybearer sandbox set refresh=invalid_grant access=5"),
    };
    Ok(visit.page(&view))
}

fn stages(control: &Control) -> Vec<KnobView> {
    let switches = control.switches();
    let present = |knob: &&'static Knob| {
        let switch = Stage::parse(knob.name).and_then(|stage| switches.get(stage));
        switch.map_or_else(|| "works".to_owned(), |switch| switch.to_string())
    };
    knobs::STAGES.iter().map(|knob| knob_view(knob, present(&knob))).collect()
}

/// A switch with its present value, which may be none of the usual ones.
fn knob_view(knob: &Knob, present: String) -> KnobView {
    let mut choices: Vec<ChoiceView> = knob
        .choices
        .iter()
        .map(|choice| ChoiceView {
            value: choice.value.to_owned(),
            label: choice.label.to_owned(),
            sees: choice.sees.to_owned(),
            chosen: choice.value == present,
        })
        .collect();
    if !choices.iter().any(|choice| choice.chosen) {
        let sees = "What it says: it was set with the command line.".to_owned();
        choices.push(ChoiceView { label: present.clone(), value: present, sees, chosen: true });
    }
    let sees = choices.iter().find(|choice| choice.chosen).map(|choice| choice.sees.clone());
    KnobView {
        name: knob.name,
        label: knob.label,
        about: knob.about,
        sees: sees.unwrap_or_default(),
        choices,
    }
}

fn words(present: &str) -> Vec<Word> {
    let word = |choice: &knobs::Choice| Word {
        value: choice.value,
        label: choice.label,
        sees: choice.sees,
        chosen: present.split(',').any(|word| word == choice.value),
    };
    knobs::DIALECT.choices.iter().map(word).collect()
}

fn clock(control: &Control) -> ClockView {
    let offset = control.clock_offset_seconds();
    ClockView {
        now: control.now().rfc3339().chars().take(19).collect::<String>().replace('T', " "),
        offset: if offset == 0 {
            "as this server's".to_owned()
        } else {
            format!("{offset:+} s from this server's")
        },
        skew: control.skew_seconds(),
        jumps: [(61, "+61 s"), (3_600, "+1 h"), (86_400, "+1 d"), (8 * 86_400, "+8 d")],
    }
}

fn people(control: &Control) -> Vec<PersonView> {
    let view = |person: keybearer_sandbox::Person| PersonView {
        grants: control.live_grants(&person.id),
        email: person.email(),
        note: person.note(),
        id: person.id,
        name: person.name,
    };
    control.people().into_iter().map(view).collect()
}

fn request(record: &RequestRecord, calls: &[CallEntry]) -> RequestView {
    let grant = record.grant_type.as_deref().unwrap_or_default();
    let grant = grant.rsplit(':').next().unwrap_or_default();
    let token = record.refresh_token.as_deref().map(|number| format!(" {number}")).unwrap_or_default();
    let fields = record.query.iter().chain(&record.body);
    RequestView {
        number: record.number,
        at: record.at.get(11..19).unwrap_or_default().to_owned(),
        call: format!("{} {}", record.method, record.path),
        what: format!("{grant}{token}"),
        failure: record.failure.map(|failure| failure.to_string()).unwrap_or_default(),
        status: record.status.map_or_else(|| "—".to_owned(), |status| status.to_string()),
        bad: record.status.is_none_or(|status| status >= 400),
        outcome: record.outcome.unwrap_or_default(),
        fields: fields.map(|(name, value)| (name.clone(), value.clone())).collect(),
        reference: call_of(record, calls),
    }
}

/// The reference of the one call that this request can have been made for.
fn call_of(record: &RequestRecord, calls: &[CallEntry]) -> Option<String> {
    let during = |call: &&CallEntry| {
        let lasted =
            call.at.micros().saturating_add(call.duration_ms.saturating_add(1).saturating_mul(1_000));
        let path = call.path.split('?').next().unwrap_or_default();
        call.method == record.method
            && !path.is_empty()
            && record.path.ends_with(path)
            && (call.at.micros()..=lasted).contains(&record.arrived.micros())
    };
    let mut found = calls.iter().filter(during);
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only.reference.clone()),
        _ => None,
    }
}
