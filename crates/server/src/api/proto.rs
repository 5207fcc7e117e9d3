//! The generated messages and services; one module for each proto package.

/// Our own additions.
pub mod keybearer {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("keybearer.v1");
    }
}

/// The wire of the published SDKs.
pub mod scalekit {
    /// Version 1.
    pub mod v1 {
        /// Call log and sums over it.
        pub mod agentkit_logs {
            tonic::include_proto!("scalekit.v1.agentkit_logs");
        }
        /// Plans; only there because a request has a field for them.
        pub mod billing {
            tonic::include_proto!("scalekit.v1.billing");
        }
        /// API clients.
        pub mod clients {
            tonic::include_proto!("scalekit.v1.clients");
        }
        /// What several services share.
        pub mod commons {
            tonic::include_proto!("scalekit.v1.commons");
        }
        /// Accounts.
        pub mod connected_accounts {
            tonic::include_proto!("scalekit.v1.connected_accounts");
        }
        /// Connections.
        pub mod connections {
            tonic::include_proto!("scalekit.v1.connections");
        }
        /// Domains; carried by connections, always empty here.
        pub mod domains {
            tonic::include_proto!("scalekit.v1.domains");
        }
        /// Environments.
        pub mod environments {
            tonic::include_proto!("scalekit.v1.environments");
        }
        /// What errors carry.
        pub mod errdetails {
            tonic::include_proto!("scalekit.v1.errdetails");
        }
        /// Events about accounts.
        pub mod events {
            tonic::include_proto!("scalekit.v1.events");
        }
        /// Data keys.
        pub mod keys {
            tonic::include_proto!("scalekit.v1.keys");
        }
        /// MCP servers.
        pub mod mcp {
            tonic::include_proto!("scalekit.v1.mcp");
        }
        /// Organizations.
        pub mod organizations {
            tonic::include_proto!("scalekit.v1.organizations");
        }
        /// Connectors.
        pub mod providers {
            tonic::include_proto!("scalekit.v1.providers");
        }
        /// Tools.
        pub mod tools {
            tonic::include_proto!("scalekit.v1.tools");
        }
        /// Sample events and the page about webhooks.
        pub mod webhooks {
            tonic::include_proto!("scalekit.v1.webhooks");
        }
    }
}

/// Standard messages.
pub mod google {
    /// `google.rpc`.
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}
