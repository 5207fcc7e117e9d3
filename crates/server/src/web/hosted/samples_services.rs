//! Samples of a user's own page.

use keybearer_core::Timestamp;
use url::Url;

use super::contract::{
    Page, PageBody, PageHead, PermissionLine, ServiceLine, ServiceState, ServicesPage, StopPage, Stopped,
};
use super::samples::{head, web, write};

/// The sample of that name.
pub(super) fn sample(name: &str) -> Option<Page> {
    let page = |head, body| Some(Page { head, body });
    let own = || PageHead { connector_name: String::new(), connector_slug: String::new(), ..head("", "") };
    let own = || PageHead { return_url: web("https://fieldnote.example/settings"), ..own() };
    match name {
        "services" => page(own(), PageBody::Services(services(mine(), true)?)),
        "services-choose" => {
            let search = Some(String::new());
            page(own(), PageBody::Services(ServicesPage { search, ..services(offered(), false)? }))
        }
        "services-stopped" => {
            let stopped = Some(Stopped { service: "CodeHarbor".into(), revoked: Some(false) });
            let lines = mine().into_iter().map(|line| match line.state {
                ServiceState::Connected => bare(&line.service, ServiceState::Open),
                _ => line,
            });
            let services = services(lines.collect(), true)?;
            page(own(), PageBody::Services(ServicesPage { stopped, ..services }))
        }
        "services-stop" => {
            let identity = Some("@ada-obi".into());
            let stop = StopPage { address: address()?, account: "ca_1".into(), identity, revokes: true };
            page(head("CodeHarbor", "codeharbor"), PageBody::Stop(stop))
        }
        _ => None,
    }
}

fn address() -> Option<Url> {
    Url::parse("https://keys.example/me/sample").ok()
}

fn services(lines: Vec<ServiceLine>, manage: bool) -> Option<ServicesPage> {
    Some(ServicesPage {
        address: address()?,
        manage,
        lines,
        search: None,
        stopped: None,
        expires_at: Timestamp::from_seconds(1_763_900_000),
    })
}

fn bare(service: &str, state: ServiceState) -> ServiceLine {
    ServiceLine {
        connection: "conn_1".into(),
        account: if state == ServiceState::Open { String::new() } else { "ca_1".into() },
        service: service.into(),
        slug: service.to_lowercase(),
        english: true,
        label: None,
        purpose: None,
        state,
        identity: None,
        since: None,
        used: None,
        permissions: Vec::new(),
    }
}

fn mine() -> Vec<ServiceLine> {
    let read = PermissionLine { plain: "Read your repositories".into(), sensitive: false, ..write() };
    vec![
        ServiceLine {
            identity: Some("@ada-obi".into()),
            since: Some(Timestamp::from_seconds(1_762_164_000)),
            used: Some(Timestamp::from_seconds(1_763_800_000)),
            permissions: vec![read, PermissionLine { new: false, ..write() }],
            purpose: Some("Fieldnote reads your issues to plan the week.".into()),
            ..bare("CodeHarbor", ServiceState::Connected)
        },
        ServiceLine { identity: Some("ada@acme.example".into()), ..bare("Deskbell", ServiceState::Lost) },
        ServiceLine { label: Some("postcards-eu".into()), ..bare("Postcards", ServiceState::More) },
        ServiceLine { label: Some("postcards-us".into()), ..bare("Postcards", ServiceState::Waiting) },
        bare("Drift Icehouse", ServiceState::Off),
        bare("Watchtower", ServiceState::Open),
    ]
}

fn offered() -> Vec<ServiceLine> {
    let names = [
        "Beacon Mail",
        "CodeHarbor",
        "Deskbell",
        "Drift Icehouse",
        "Ledgerline",
        "Orbit Calendar",
        "Postcards",
    ];
    let open = names.into_iter().map(|name| bare(name, ServiceState::Open));
    let connected =
        ServiceLine { identity: Some("@ada-obi".into()), ..bare("Quill", ServiceState::Connected) };
    open.chain([connected, bare("Watchtower", ServiceState::Open)]).collect()
}
