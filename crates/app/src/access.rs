use std::collections::BTreeSet;

use keybearer_core::ids::{AccountId, ClientId, ConnectionId, EnvironmentId, FlowId, MemberId};
use keybearer_core::{Code, Error, MemberRole, Reference, Result, SecretString};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $default:literal;)*) => {
        /// What an API client may do; the texts are the wire's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $name,)* }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text of the wire, for example `connected_accounts:read`.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            /// Reads the text of the wire.
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$name),)* _ => None } }

            /// Whether it changes nothing and gives out no credential.
            pub fn only_reads(self) -> bool { self.as_str().ends_with(":read") }

            /// Whether a new API client has it unless told otherwise.
            pub const fn by_default(self) -> bool { match self { $(Self::$name => $default,)* } }
        }
    };
}

permissions! {
    /// See accounts, without credentials.
    AccountsRead = "connected_accounts:read", true;
    /// Create, change and link accounts, call through them.
    AccountsWrite = "connected_accounts:write", true;
    /// Read the credentials of accounts. Never given unless asked for.
    AccountsAccess = "connected_accounts:access", false;
    /// Disconnect, revoke and delete accounts.
    AccountsRevoke = "connected_accounts:revoke", true;
    /// See connectors and connections.
    ConnectorsRead = "agent_connectors:read", true;
    /// Create and change connections.
    ConnectorsWrite = "agent_connectors:write", true;
    /// Call APIs through the proxy.
    ConnectorsExecute = "agent_connectors:execute", true;
    /// See API clients.
    ClientsRead = "api_credentials:read", true;
    /// Create and change API clients.
    ClientsWrite = "api_credentials:write", true;
    /// Rotate and delete API clients and their secrets.
    ClientsRotate = "api_credentials:rotate", true;
    /// Read the call log.
    LogsRead = "agent_logs:read", true;
    /// See MCP servers.
    McpRead = "virtual_mcp_servers:read", true;
    /// Create and change MCP servers, make tokens for them.
    McpWrite = "virtual_mcp_servers:write", true;
    /// Read the events about accounts.
    EventsRead = "events:read", true;
    /// See webhook endpoints and their deliveries.
    WebhooksRead = "webhooks:read", true;
    /// Create and change webhook endpoints, test them, replay deliveries.
    WebhooksWrite = "webhooks:write", true;
    /// See organizations.
    OrganizationsRead = "organizations:read", true;
    /// Create and change organizations.
    OrganizationsWrite = "organizations:write", true;
    /// Delete organizations with the accounts that are scoped to them.
    OrganizationsDelete = "organizations:delete", true;
    /// Create environments. Never given unless asked for.
    EnvironmentsCreate = "environments:create", false;
    /// Rename environments, and see, set up and enter other ones than the client's own.
    EnvironmentsWrite = "environments:write", false;
    /// See the client's environment and its settings.
    SettingsRead = "environment_settings:read", true;
    /// Change the settings of the client's environment: how people are verified, what logs hold.
    SettingsWrite = "environment_settings:write", false;
    /// See data keys and signing keys, and check what they sealed.
    KeysRead = "encryption_keys:read", true;
    /// Create, activate and rotate keys, and move values to the primary one.
    KeysWrite = "encryption_keys:write", false;
    /// Destroy data keys that seal nothing any more.
    KeysDestroy = "encryption_keys:destroy", false;
    /// See the members of the dashboard.
    MembersRead = "members:read", false;
    /// Invite, change and remove members of the dashboard.
    MembersWrite = "members:write", false;
}

/// A set of permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<Permission>);

impl Permissions {
    /// Every permission there is.
    pub fn all() -> Self {
        Self(Permission::ALL.iter().copied().collect())
    }

    /// What a new API client has: all but reading credentials.
    pub fn default_set() -> Self {
        Self(Permission::ALL.iter().copied().filter(|permission| permission.by_default()).collect())
    }

    /// What a member of that role may do. Nobody reads credentials in the dashboard.
    pub fn of_role(role: MemberRole) -> Self {
        use Permission as P;
        let all = Permission::ALL.iter().copied().filter(|permission| *permission != P::AccountsAccess);
        let chosen: BTreeSet<Permission> = match role {
            MemberRole::Owner => all.collect(),
            MemberRole::Developer => all.filter(|permission| *permission != P::MembersWrite).collect(),
            MemberRole::Viewer => [P::AccountsRead, P::ConnectorsRead].into(),
            MemberRole::Auditor => all.filter(|permission| permission.only_reads()).collect(),
        };
        Self(chosen)
    }

    /// Reads texts of the wire.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] naming a text that is no permission.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        texts
            .into_iter()
            .map(|text| {
                Permission::parse(text)
                    .ok_or_else(|| Error::field("permissions", format!("has no permission `{text}`")))
            })
            .collect::<Result<BTreeSet<_>>>()
            .map(Self)
    }

    /// Whether the set has the permission.
    pub fn has(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }

    /// Whether every permission of `other` is in this set.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.is_subset(&self.0)
    }

    /// The texts of the wire, sorted.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(|permission| permission.as_str().to_owned()).collect()
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A program with an API client.
    Client(ClientId),
    /// A person in the dashboard.
    Member(MemberId),
    /// The person at the machine, through the CLI on the database itself.
    Operator,
    /// The account holder, through a hosted page.
    User,
    /// The browser that opened a connect link and has not used it up.
    Session(Box<LinkSession>),
    /// A job of ours.
    System,
}

impl Actor {
    /// How the audit trail names the actor.
    pub fn as_text(&self) -> String {
        match self {
            Self::Client(id) => id.to_string(),
            Self::Member(id) => id.to_string(),
            Self::Operator => "operator".to_owned(),
            Self::User | Self::Session(_) => "user".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

/// What a browser holds after it opened a connect link (`docs/adr/0005`). Its caller has no permission at all, so that
/// every use case refuses it but those of [`crate::portal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSession {
    /// The link.
    pub flow: FlowId,
    /// The connection that it connects to.
    pub connection: ConnectionId,
    /// The account that it connects.
    pub account: AccountId,
    pub(crate) link: SecretString,
    pub(crate) browser: SecretString,
}

/// Who calls, in which environment, with which rights, under which reference.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Everything is looked up inside this environment.
    pub environment: EnvironmentId,
    /// Who acts.
    pub actor: Actor,
    /// Names this call in logs, errors and the audit trail.
    pub reference: Reference,
    /// What the caller may do.
    pub permissions: Permissions,
}

impl Caller {
    /// A caller with every right, for jobs, hosted pages and the local operator.
    pub fn trusted(environment: EnvironmentId, actor: Actor, reference: Reference) -> Self {
        Self { environment, actor, reference, permissions: Permissions::all() }
    }

    /// Goes on only when the caller has the permission.
    ///
    /// # Errors
    /// [`Code::PermissionDenied`] naming the permission.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.permissions.has(permission) {
            return Ok(());
        }
        if matches!(self.actor, Actor::Member(_)) {
            let detail = format!("your role does not include `{}`", permission.as_str());
            return Err(Error::new(Code::PermissionDenied, detail)
                .with_lacking(permission.as_str())
                .with_help("an owner can give you another role: Settings, People"));
        }
        Err(Error::new(Code::PermissionDenied, format!("the API client lacks `{}`", permission.as_str()))
            .with_lacking(permission.as_str())
            .with_help("give the permission to the API client: `keybearer clients create --permission …`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_client_cannot_read_credentials() {
        let set = Permissions::default_set();
        assert!(!set.has(Permission::AccountsAccess));
        assert!(set.has(Permission::AccountsRead));
        assert!(Permissions::all().covers(&set));
        assert!(!set.covers(&Permissions::all()));
    }

    #[test]
    fn an_auditor_sees_everything_and_changes_nothing() {
        let set = Permissions::of_role(MemberRole::Auditor);
        for permission in Permission::ALL {
            assert_eq!(set.has(*permission), permission.as_str().ends_with(":read"), "{permission:?}");
        }
        assert!(set.covers(&Permissions::of_role(MemberRole::Viewer)));
        for other in [Permission::AccountsAccess, Permission::ConnectorsExecute, Permission::KeysDestroy] {
            assert!(!set.has(other), "{other:?}");
        }
    }

    #[test]
    fn unknown_permissions_are_named() {
        let error = Permissions::parse(["connected_accounts:read", "root"]).unwrap_err();
        assert!(error.detail.contains("`root`"));
    }
}
