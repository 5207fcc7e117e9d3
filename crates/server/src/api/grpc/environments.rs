//! Environments and their settings.

use keybearer_app::environments::{self, Environment, UpdateSettings};
use keybearer_core::{EnvironmentKind, Error, Result, VerifyMode};
use tonic::{Request, async_trait};

use super::map::{count, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::commons::{AuthenticationMode, EnvironmentType, RegionCode};
use crate::api::proto::scalekit::v1::environments as wire;
use wire::ConnectedAccountUserVerifyMode as Mode;
use wire::environment_service_server::EnvironmentService;

#[async_trait]
impl EnvironmentService for Service {
    async fn create_environment(
        &self,
        request: Request<wire::CreateEnvironmentRequest>,
    ) -> Answer<wire::CreateEnvironmentResponse> {
        let (caller, message) = take(request)?;
        let given = message.environment.unwrap_or_default();
        let kind = created(&given).map_err(fail)?;
        let made = environments::create(&self.0, &caller, &given.display_name, kind).await.map_err(fail)?;
        give(wire::CreateEnvironmentResponse { environment: Some(self.environment(made)) })
    }

    async fn update_environment(
        &self,
        request: Request<wire::UpdateEnvironmentRequest>,
    ) -> Answer<wire::UpdateEnvironmentResponse> {
        let (caller, message) = take(request)?;
        let name = message.environment.unwrap_or_default().display_name.unwrap_or_default();
        let renamed = environments::rename(&self.0, &caller, &message.id, &name).await.map_err(fail)?;
        give(wire::UpdateEnvironmentResponse { environment: Some(self.environment(renamed)) })
    }

    async fn get_environment(
        &self,
        request: Request<wire::GetEnvironmentRequest>,
    ) -> Answer<wire::GetEnvironmentResponse> {
        let (caller, message) = take(request)?;
        let found = environments::show(&self.0, &caller, &message.id).await.map_err(fail)?;
        give(wire::GetEnvironmentResponse { environment: Some(self.environment(found)) })
    }

    async fn list_environment(
        &self,
        request: Request<wire::ListEnvironmentsRequest>,
    ) -> Answer<wire::ListEnvironmentsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        let listed = environments::visible(&self.0, &caller, &ask).await.map_err(fail)?;
        give(wire::ListEnvironmentsResponse {
            next_page_token: listed.next.unwrap_or_default(),
            total_size: count(listed.total),
            environments: listed.items.into_iter().map(|one| self.environment(one)).collect(),
        })
    }

    async fn create_agent_actions_config(
        &self,
        request: Request<wire::CreateAgentActionsConfigRequest>,
    ) -> Answer<wire::CreateAgentActionsConfigResponse> {
        let (caller, message) = take(request)?;
        let mut change = settings(message.agent_actions_config.unwrap_or_default());
        // it is set as a whole: what is not given is off
        change.detailed_errors = Some(change.detailed_errors.unwrap_or_default());
        let set = environments::update_settings(&self.0, &caller, &message.id, change).await.map_err(fail)?;
        give(wire::CreateAgentActionsConfigResponse { agent_actions_config: Some(config(&set)) })
    }

    async fn get_agent_actions_config(
        &self,
        request: Request<wire::GetAgentActionsConfigRequest>,
    ) -> Answer<wire::GetAgentActionsConfigResponse> {
        let (caller, message) = take(request)?;
        let found = environments::show(&self.0, &caller, &message.id).await.map_err(fail)?;
        give(wire::GetAgentActionsConfigResponse { agent_actions_config: Some(config(&found)) })
    }

    async fn update_agent_actions_config(
        &self,
        request: Request<wire::UpdateAgentActionsConfigRequest>,
    ) -> Answer<wire::UpdateAgentActionsConfigResponse> {
        let (caller, message) = take(request)?;
        let change = settings(message.agent_actions_config.unwrap_or_default());
        let set = environments::update_settings(&self.0, &caller, &message.id, change).await.map_err(fail)?;
        give(wire::UpdateAgentActionsConfigResponse { agent_actions_config: Some(config(&set)) })
    }
}

impl Service {
    fn environment(&self, one: Environment) -> wire::Environment {
        let kind = match one.kind {
            EnvironmentKind::Production => EnvironmentType::Prd,
            EnvironmentKind::Development | EnvironmentKind::Staging => EnvironmentType::Dev,
        };
        wire::Environment {
            id: one.id.to_string(),
            create_time: Some(time(one.created_at)),
            update_time: Some(time(one.updated_at)),
            display_name: one.name,
            // one address for all: the API client decides on the environment
            domain: self.0.config().public_url.host_str().unwrap_or_default().to_owned(),
            region_code: RegionCode::Unspecified.into(),
            r#type: kind.into(),
            custom_domain: None,
            custom_domain_status: wire::CustomDomainStatus::Unspecified.into(),
        }
    }
}

fn created(given: &wire::CreateEnvironment) -> Result<EnvironmentKind> {
    let refused = [
        ("region_code", given.region_code() != RegionCode::Unspecified),
        ("authentication_mode", given.authentication_mode() != AuthenticationMode::Unspecified),
        ("plans", !given.plans.is_empty()),
        ("add_ons", !given.add_ons.is_empty()),
    ];
    if let Some((field, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(Error::field(
            format!("environment.{field}"),
            "must not be set: this server has no such choice",
        ));
    }
    Ok(match given.r#type() {
        EnvironmentType::Prd => EnvironmentKind::Production,
        EnvironmentType::Dev | EnvironmentType::Unspecified => EnvironmentKind::Development,
    })
}

fn settings(given: wire::AgentActionsConfig) -> UpdateSettings {
    UpdateSettings {
        verify_mode: match given.user_verify_mode() {
            Mode::Unspecified => None,
            Mode::UserVerifyModeNone => Some(VerifyMode::None),
            Mode::UserVerifyModeB2b => Some(VerifyMode::Custom),
            Mode::UserVerifyModeScalekitPlatform => Some(VerifyMode::Dashboard),
        },
        detailed_errors: given.detailed_error_logging,
        ..UpdateSettings::default()
    }
}

fn config(one: &Environment) -> wire::AgentActionsConfig {
    let mode = match one.verify_mode {
        VerifyMode::None => Mode::UserVerifyModeNone,
        VerifyMode::Custom => Mode::UserVerifyModeB2b,
        VerifyMode::Dashboard => Mode::UserVerifyModeScalekitPlatform,
    };
    wire::AgentActionsConfig {
        user_verify_mode: mode.into(),
        detailed_error_logging: Some(one.detailed_errors),
    }
}
