use serde::{Deserialize, Serialize};

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The text that is stored and sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the stored text; `None` when it is not one of the values.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

text_enum! {
    /// What an environment is for; production ones are stricter.
    EnvironmentKind { Development = "dev", Staging = "staging", Production = "prod" }
}

text_enum! {
    /// How we make sure that the person who consented is the one the app meant.
    VerifyMode {
        /// Activate right after consent.
        None = "none",
        /// The app confirms the person before the code is exchanged.
        Custom = "custom",
        /// Only people signed in to the dashboard may connect.
        Dashboard = "dashboard",
    }
}

text_enum! {
    /// The life of a connection.
    ConnectionState {
        /// Not complete yet; nobody can connect.
        Draft = "draft",
        /// In use.
        Active = "active",
        /// Switched off by the developer; calls are refused.
        Paused = "paused",
    }
}

text_enum! {
    /// Whose OAuth app a connection uses.
    CredentialSource {
        /// The developer's own.
        Own = "own",
        /// The server operator's, from the configuration.
        Shared = "shared",
    }
}

text_enum! {
    /// How an account proves itself; the names are the wire's.
    AuthType {
        /// Authorization code flow.
        Oauth = "OAUTH",
        /// Client credentials.
        OauthM2m = "OAUTH_M2M",
        /// User name and password.
        Basic = "BASIC",
        /// Bearer token that the user brings.
        Bearer = "BEARER",
        /// API key that the user brings.
        ApiKey = "API_KEY",
        /// Nothing at all.
        NoAuth = "NO_AUTH",
        /// OAuth 1.0a.
        Oauth1 = "TRELLO_OAUTH1",
        /// Service account that acts for a subject.
        ServiceAccount = "GOOGLE_DWD",
        /// Any other kind of credential the user brings: key pair, signing keys, session login.
        Custom = "CUSTOM",
    }
}

text_enum! {
    /// The five account states of the wire.
    AccountStatus {
        /// Usable.
        Active = "ACTIVE",
        /// The token is dead and cannot be refreshed.
        Expired = "EXPIRED",
        /// No usable credential yet.
        PendingAuth = "PENDING_AUTH",
        /// Consent is done; the app has not confirmed the person.
        PendingVerification = "PENDING_VERIFICATION",
        /// Switched off on purpose.
        Disconnected = "DISCONNECTED",
    }
}

text_enum! {
    /// Why an account is in its state; stored beside it.
    StatusReason {
        /// Made without credentials.
        Created = "created",
        /// A person completed consent or a form.
        Connected = "connected",
        /// Credentials came in through the API.
        Imported = "imported",
        /// Consent is done and waits for the app's verify call.
        AwaitingVerification = "awaiting_verification",
        /// The verify call named another person.
        VerificationMismatch = "verification_mismatch",
        /// The provider refused the refresh token.
        RevokedOrExpired = "revoked_or_expired",
        /// We stopped between sending a refresh and storing its answer, and the provider keeps no grace window.
        RefreshInterrupted = "refresh_interrupted",
        /// We stopped between sending a code and storing its answer.
        ExchangeInterrupted = "exchange_interrupted",
        /// The access token ended and there is nothing to refresh it with.
        NoRefreshToken = "no_refresh_token",
        /// The user's own key was refused.
        CredentialRejected = "credential_rejected",
        /// The sealed credential does not open.
        IntegrityError = "integrity_error",
        /// Disconnected by an API call or the CLI.
        DisconnectedByDeveloper = "disconnected_by_developer",
        /// Disconnected by the account holder.
        DisconnectedByUser = "disconnected_by_user",
    }
}

text_enum! {
    /// Whether a refresh of the account may be under way.
    RefreshState {
        /// Nothing is under way.
        Idle = "idle",
        /// A request may have left: the write-ahead intent.
        InFlight = "in_flight",
        /// A request left and its answer was lost.
        Uncertain = "uncertain",
    }
}

text_enum! {
    /// What a provider does when an old refresh token comes back.
    RefreshClass {
        /// The refresh token never changes.
        Static = "static",
        /// The same new pair comes back for a while.
        GraceSame = "grace_same",
        /// Another pair is issued; the old token stays valid for a while.
        GraceReissue = "grace_reissue",
        /// Refused, but the newest pair survives.
        StrictSingle = "strict_single",
        /// Refused, and the whole grant is revoked. The default where nothing is known.
        StrictFamily = "strict_family",
    }
}

text_enum! {
    /// What a connect flow is for.
    FlowKind {
        /// A user connects an account.
        Connect = "connect",
        /// A developer tests the connection.
        Test = "test",
    }
}

text_enum! {
    /// Where a connect flow stands.
    FlowState {
        /// The link exists; nobody has continued.
        Created = "created",
        /// A browser went to the provider.
        Started = "started",
        /// The code is here and waits for the app's verify call.
        AwaitingVerification = "awaiting_verification",
        /// The code may have been sent to the token endpoint.
        Exchanging = "exchanging",
        /// The account is connected.
        Done = "done",
        /// It ended without success.
        Failed = "failed",
    }
}

text_enum! {
    /// What a person may do in the dashboard.
    MemberRole {
        /// Everything, the members included.
        Owner = "owner",
        /// Everything but the members.
        Developer = "developer",
        /// See connections and accounts.
        Viewer = "viewer",
        /// See everything, the logs included.
        Auditor = "auditor",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_text_reads_back() {
        for status in AccountStatus::ALL {
            assert_eq!(AccountStatus::parse(status.as_str()), Some(*status));
        }
        assert_eq!(AccountStatus::parse("active"), None);
    }
}
