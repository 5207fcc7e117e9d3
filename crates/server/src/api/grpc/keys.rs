//! Data keys, what they sealed, and signing keys.

use std::time::Duration;

use keybearer_app::data_keys::{self, DataKeyInfo, Reencryption};
use keybearer_app::signing_keys::{self, Rotation, SigningKeyInfo};
use keybearer_core::{Error, Result};
use tonic::{Request, async_trait};

use super::map::{count, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::keybearer::v1 as own;
use crate::api::proto::scalekit::v1::keys as wire;
use own::key_service_server::KeyService;
use wire::key_management_service_server::KeyManagementService;

#[async_trait]
impl KeyManagementService for Service {
    async fn create_dek(&self, request: Request<wire::CreateDekRequest>) -> Answer<wire::CreateDekResponse> {
        let (caller, message) = take(request)?;
        local_key(&message).map_err(fail)?;
        let made = data_keys::create(&self.0, &caller).await.map_err(fail)?;
        give(wire::CreateDekResponse { dek: Some(data_key(made)) })
    }

    async fn activate_dek(
        &self,
        request: Request<wire::ActivateDekRequest>,
    ) -> Answer<wire::ActivateDekResponse> {
        let (caller, message) = take(request)?;
        let version = i64::from(message.dek_version);
        let activated = data_keys::activate(&self.0, &caller, version).await.map_err(fail)?;
        give(wire::ActivateDekResponse { dek: Some(data_key(activated)) })
    }

    async fn reencrypt_data(
        &self,
        request: Request<wire::ReencryptDataRequest>,
    ) -> Answer<wire::ReencryptDataResponse> {
        let (caller, _) = take(request)?;
        let done = data_keys::reencrypt(&self.0, &caller).await.map_err(fail)?;
        let skipped = |(table, rows): (String, i64)| wire::SkippedTableSummary { table, count: small(rows) };
        give(wire::ReencryptDataResponse {
            records_reencrypted: small(done.moved),
            unrecoverable_rows: done.failed.into_iter().map(skipped).collect(),
        })
    }

    async fn list_de_ks(&self, request: Request<wire::ListDeKsRequest>) -> Answer<wire::ListDeKsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        let listed =
            data_keys::list(&self.0, &caller, message.status.as_deref(), &ask).await.map_err(fail)?;
        give(wire::ListDeKsResponse {
            next_page_token: listed.next.unwrap_or_default(),
            total_size: count(listed.total),
            deks: listed.items.into_iter().map(data_key).collect(),
        })
    }

    async fn get_dek(&self, request: Request<wire::GetDekRequest>) -> Answer<wire::GetDekResponse> {
        let (caller, message) = take(request)?;
        let version = i64::from(message.dek_version);
        let found = data_keys::get(&self.0, &caller, version).await.map_err(fail)?;
        give(wire::GetDekResponse { dek: Some(data_key(found)) })
    }

    async fn destroy_dek(&self, request: Request<wire::DestroyDekRequest>) -> Answer<()> {
        let (caller, message) = take(request)?;
        let version = i64::from(message.dek_version);
        data_keys::destroy(&self.0, &caller, version).await.map_err(fail)?;
        give(())
    }
}

#[async_trait]
impl KeyService for Service {
    async fn start_reencryption(
        &self,
        request: Request<own::StartReencryptionRequest>,
    ) -> Answer<own::Reencryption> {
        let (caller, _) = take(request)?;
        give(reencryption(data_keys::begin(&self.0, &caller).await.map_err(fail)?))
    }

    async fn get_reencryption(
        &self,
        request: Request<own::GetReencryptionRequest>,
    ) -> Answer<own::Reencryption> {
        let (caller, _) = take(request)?;
        give(reencryption(data_keys::state(&self.0, &caller).await.map_err(fail)?))
    }

    async fn verify_sealed_values(
        &self,
        request: Request<own::VerifySealedValuesRequest>,
    ) -> Answer<own::VerifySealedValuesResponse> {
        let (caller, _) = take(request)?;
        let found = data_keys::verify(&self.0, &caller).await.map_err(fail)?;
        let unopened = found.unopened.into_iter().map(|value| own::UnopenedValue {
            table: value.table,
            column: value.column,
            row: value.row,
            reason: value.reason,
        });
        give(own::VerifySealedValuesResponse {
            opened: u32::try_from(found.opened).unwrap_or(u32::MAX),
            failed: u32::try_from(found.failed).unwrap_or(u32::MAX),
            unopened: unopened.collect(),
        })
    }

    async fn list_signing_keys(
        &self,
        request: Request<own::ListSigningKeysRequest>,
    ) -> Answer<own::ListSigningKeysResponse> {
        let (caller, _) = take(request)?;
        let keys = signing_keys::list(&self.0, &caller).await.map_err(fail)?;
        give(own::ListSigningKeysResponse { keys: keys.into_iter().map(signing_key).collect() })
    }

    async fn rotate_signing_key(
        &self,
        request: Request<own::RotateSigningKeyRequest>,
    ) -> Answer<own::ListSigningKeysResponse> {
        let (caller, message) = take(request)?;
        let (seconds, usual) = (|given: u32| Duration::from_secs(u64::from(given)), Rotation::default());
        let how = Rotation {
            ahead: message.ahead_seconds.map_or(usual.ahead, seconds),
            overlap: message.overlap_seconds.map_or(usual.overlap, seconds),
        };
        let keys = signing_keys::rotate(&self.0, &caller, how).await.map_err(fail)?;
        give(own::ListSigningKeysResponse { keys: keys.into_iter().map(signing_key).collect() })
    }
}

/// Keys of a key service are not offered: the root key is a file or a variable.
fn local_key(given: &wire::CreateDekRequest) -> Result<()> {
    if given.key_type() == wire::DekKeyType::Byok {
        return Err(Error::field(
            "key_type",
            "must be ENVIRONMENT_KEY: keys of a key service are not offered",
        ));
    }
    for (field, given) in [("provider", &given.provider), ("key_ref", &given.key_ref)] {
        if given.as_ref().is_some_and(|text| !text.is_empty()) {
            return Err(Error::field(field, "must not be set: keys of a key service are not offered"));
        }
    }
    Ok(())
}

fn data_key(key: DataKeyInfo) -> wire::EnvironmentKey {
    wire::EnvironmentKey {
        id: key.id.to_string(),
        environment_id: key.environment.to_string(),
        dek_version: small(key.version),
        // there is one root key at a time
        master_version: 1,
        key_type: wire::DekKeyType::EnvironmentKey.as_str_name().to_owned(),
        algorithm: "AES-256-GCM".to_owned(),
        status: key.state.as_str().to_owned(),
        created_at: Some(time(key.created_at)),
        rotated_at: key.rotated_at.map(time),
        activated_at: key.activated_at.map(time),
        provider: None,
        key_ref: Some(key.root),
        kms_version: 0,
    }
}

fn reencryption(state: Reencryption) -> own::Reencryption {
    let failed = state.failed.into_iter();
    own::Reencryption {
        dek_version: small(state.version),
        moved: count(state.moved),
        remaining: count(state.remaining),
        failed: failed.map(|(table, rows)| own::TableCount { table, count: count(rows) }).collect(),
        started_at: Some(time(state.started_at)),
        finished_at: state.finished_at.map(time),
    }
}

fn signing_key(key: SigningKeyInfo) -> own::SigningKey {
    own::SigningKey {
        id: key.id.to_string(),
        role: key.role.as_str().to_owned(),
        created_at: Some(time(key.created_at)),
        signs_from: Some(time(key.signs_from)),
        retires_at: key.retires_at.map(time),
    }
}

fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
