//! Permissions in plain words, for whoever chooses them.

use keybearer_app::{Permission, Permissions};

/// Permissions that belong together.
pub(super) struct Group {
    pub heading: &'static str,
    pub choices: Vec<Choice>,
}

/// One permission.
pub(super) struct Choice {
    /// The name on the wire.
    pub name: &'static str,
    pub says: &'static str,
    pub chosen: bool,
    /// Whether the member may give it.
    pub may: bool,
    pub sensitive: bool,
}

const HEADINGS: [&str; 6] =
    ["Connect and call", "Look", "Webhooks and events", "Organizations", "Keys and people", "The server"];

/// Every permission in its group; `own` are those that can be given.
pub(super) fn groups(chosen: &Permissions, own: &Permissions) -> Vec<Group> {
    let choice = |permission: Permission| Choice {
        name: permission.as_str(),
        says: words(permission).1,
        chosen: chosen.has(permission) && own.has(permission),
        may: own.has(permission),
        sensitive: !permission.by_default(),
    };
    let of = |heading: &'static str| Group {
        heading,
        choices: Permission::ALL.iter().copied().filter(|one| words(*one).0 == heading).map(choice).collect(),
    };
    HEADINGS.into_iter().map(of).collect()
}

/// What a set allows, in a few words.
pub(super) fn in_short(set: &Permissions) -> String {
    let marks = [
        (Permission::ConnectorsExecute, "call"),
        (Permission::AccountsWrite, "connect"),
        (Permission::ConnectorsWrite, "set up"),
        (Permission::WebhooksWrite, "webhooks"),
        (Permission::ClientsWrite, "API clients"),
        (Permission::AccountsAccess, "read credentials"),
        (Permission::KeysWrite, "encryption keys"),
    ];
    let found: Vec<&str> =
        marks.into_iter().filter(|(permission, _)| set.has(*permission)).map(|(_, word)| word).collect();
    match (found.is_empty(), set.texts().len()) {
        (_, 0) => "nothing".to_owned(),
        (true, _) => "look only".to_owned(),
        (false, number) => format!("{} ({number} of {})", found.join(", "), Permission::ALL.len()),
    }
}

const fn words(permission: Permission) -> (&'static str, &'static str) {
    use Permission as P;
    let [connect, look, hooks, orgs, keys, server] = HEADINGS;
    match permission {
        P::ConnectorsExecute => (connect, "Call providers through the proxy, and use tools"),
        P::AccountsWrite => (connect, "Make connect links, create and change accounts"),
        P::AccountsRevoke => (connect, "Disconnect and delete accounts"),
        P::ConnectorsWrite => (connect, "Create and change connections and connectors"),
        P::AccountsAccess => (connect, "Read users' tokens and keys in plain text"),
        P::McpWrite => (connect, "Create MCP servers and tokens for them"),
        P::AccountsRead => (look, "See accounts, without their credentials"),
        P::ConnectorsRead => (look, "See connectors and connections"),
        P::LogsRead => (look, "Read the call log"),
        P::McpRead => (look, "See MCP servers"),
        P::SettingsRead => (look, "See the environment's settings"),
        P::EventsRead => (hooks, "Read events about accounts"),
        P::WebhooksRead => (hooks, "See webhook endpoints and deliveries"),
        P::WebhooksWrite => (hooks, "Create, change and test webhook endpoints"),
        P::OrganizationsRead => (orgs, "See organizations"),
        P::OrganizationsWrite => (orgs, "Create and change organizations"),
        P::OrganizationsDelete => (orgs, "Delete organizations with their accounts"),
        P::ClientsRead => (keys, "See API clients"),
        P::ClientsWrite => (keys, "Create and change API clients"),
        P::ClientsRotate => (keys, "Rotate and delete API clients and their secrets"),
        P::MembersRead => (keys, "See who may use the dashboard"),
        P::MembersWrite => (keys, "Invite and remove people"),
        P::KeysRead => (server, "See encryption and signing keys, without their content"),
        P::KeysWrite => (server, "Create and rotate encryption and signing keys"),
        P::KeysDestroy => (server, "Destroy encryption keys that are not used any more"),
        P::SettingsWrite => (server, "Change how people are verified and what logs hold"),
        P::EnvironmentsCreate => (server, "Create environments"),
        P::EnvironmentsWrite => (server, "Rename and enter other environments"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_can_be_chosen_once() {
        let all = groups(&Permissions::default_set(), &Permissions::all());
        let shown: Vec<&str> =
            all.iter().flat_map(|group| &group.choices).map(|choice| choice.name).collect();
        assert_eq!(shown.len(), Permission::ALL.len());
        let credentials =
            all.iter().flat_map(|group| &group.choices).find(|one| one.name.ends_with(":access"));
        assert!(credentials.is_some_and(|one| one.sensitive && !one.chosen));
    }

    #[test]
    fn a_set_is_told_in_a_few_words() {
        assert_eq!(in_short(&Permissions::default()), "nothing");
        assert_eq!(in_short(&Permissions::parse(["agent_logs:read"]).unwrap()), "look only");
        assert!(in_short(&Permissions::default_set()).starts_with("call, connect, set up"));
    }
}
