//! A database that an older version filled is brought up to date, and everything in it can still be read.

use keybearer_core::ids::{
    AccountId, CallLogId, ClientId, ConnectionId, EnvironmentId, EventId, FlowId, MemberId, OrganizationId,
    WebhookEndpointId,
};
use keybearer_store::{
    AccountFilter, AuditFilter, CallFilter, ConnectionFilter, Db, DeliveryFilter, EventFilter, JournalFilter,
    JournalKind, Options, PageRequest, SurveyFilter,
};
use keybearer_testkit::TestDatabase;

use crate::filler::{Place, ROWS, Raw, Table, versions};
use crate::world::at;

#[tokio::test]
async fn sqlite_is_upgraded_from_every_version_with_all_its_rows() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    for version in versions() {
        upgraded(version, &Place::Sqlite(folder.path().join(format!("{version}.db")))).await;
    }
}

#[tokio::test]
async fn postgres_is_upgraded_from_every_version_with_all_its_rows() {
    let database = tokio::task::spawn_blocking(TestDatabase::create).await.unwrap().unwrap();
    for version in versions() {
        upgraded(version, &Place::schema(&database, version).await).await;
    }
}

async fn upgraded(version: i64, place: &Place) {
    let mut raw = Raw::at(place).await;
    let tables = raw.leave_at(version).await;
    let mut before = Vec::new();
    for table in &tables {
        before.push(raw.rows_of(table).await);
    }
    raw.close().await;
    let opened = Db::open(&place.address(), &Options::default()).await;
    let db = opened.unwrap_or_else(|error| panic!("from {version}: {error}"));
    let read = Read { db: &db, tables: &tables, version };
    for number in 1..=ROWS {
        read.environment(number).await;
        read.connection(number).await;
        read.account(number).await;
        read.people(number).await;
    }
    read.whole().await;
    db.close().await;
    drop(db);
    let mut raw = Raw::at(place).await;
    // leases end at an open
    for (table, before) in tables.iter().zip(before).filter(|(table, _)| table.name != "job_lease") {
        assert!(!before.is_empty(), "{} was filled", table.name);
        assert_eq!(raw.rows_of(table).await, before, "from {version}, the rows of {}", table.name);
    }
    raw.close().await;
}

/// Reads what the filler wrote, by the store's own operations.
struct Read<'a> {
    db: &'a Db,
    tables: &'a [Table],
    version: i64,
}

impl Read<'_> {
    /// How many rows of a table belong to one environment.
    fn of(&self, table: &str) -> usize {
        usize::from(self.tables.iter().any(|one| one.name == table))
    }

    fn is(&self, table: &str, found: usize) {
        assert_eq!(found, self.of(table), "from {}: {table}", self.version);
    }

    /// Whether a column was there before the upgrade; else the upgrade filled it.
    fn had(&self, table: &str, column: &str) -> bool {
        self.tables.iter().any(|one| one.name == table && one.has(column))
    }

    async fn whole(&self) {
        assert!(self.db.find_installation().await.unwrap().is_some());
        assert_eq!(self.db.list_environments().await.unwrap().len(), 2);
        let keys = self.db.list_data_keys().await.unwrap();
        assert_eq!(keys.len(), 2);
        if !self.had("data_key", "version") {
            assert!(keys.iter().all(|key| key.version == 1));
        }
        self.is("brand", self.db.list_brands().await.unwrap().len() / 2);
        self.is("member", self.db.list_members().await.unwrap().len() / 2);
        assert!(self.db.list_unsettled_refreshes(10).await.unwrap().len() <= 2);
        assert!(self.db.list_due_refreshes(at(0), 10).await.unwrap().len() <= 2);
        assert!(self.db.list_stale_attempts(at(0), 10).await.unwrap().len() <= 2);
        assert!(self.db.list_ready_endpoints(at(0)).await.unwrap().len() <= 2);
    }

    async fn environment(&self, number: i64) {
        let (db, id, page) = (self.db, EnvironmentId::from_number(number), PageRequest::first(10));
        db.find_environment(&id).await.unwrap().unwrap();
        assert_eq!(db.list_signing_keys(&id).await.unwrap().len(), 1);
        assert_eq!(db.list_audit(&id, &AuditFilter::default(), &page).await.unwrap().rows.len(), 1);
        let clients = db.list_clients(&id).await.unwrap();
        assert_eq!(clients.len(), 1);
        let secrets = db.list_client_secrets(&ClientId::from_number(number)).await.unwrap();
        assert_eq!(secrets.len(), 1);
        if !self.had("api_client", "updated_at") {
            assert_eq!(clients[0].updated_at, clients[0].created_at);
            assert_eq!(secrets[0].updated_at, secrets[0].created_at);
        }
        let calls = db.list_calls(&id, &CallFilter::default(), &page).await.unwrap().rows;
        assert_eq!(calls.len(), 1);
        db.find_call(&id, &CallLogId::from_number(number)).await.unwrap().unwrap();
        if !self.had("call_log", "connector") && number == 1 {
            assert_eq!(calls[0].connector.as_deref(), Some("connector-1"));
            assert_eq!(calls[0].outcome, keybearer_store::CallOutcome::PlatformError);
        }
        self.is("custom_connector", db.list_custom_connectors(&id, &page).await.unwrap().rows.len());
        self.is("organization", db.list_organizations(&id, None, &page).await.unwrap().rows.len());
        let organization = OrganizationId::from_number(number);
        self.is(
            "organization",
            usize::from(db.find_organization(&id, &organization).await.unwrap().is_some()),
        );
        self.is("brand", usize::from(db.find_brand(&id).await.unwrap().is_some()));
        self.is("brand_logo", db.list_logos(&id).await.unwrap().len());
        self.is("reencryption", usize::from(db.find_reencryption(&id).await.unwrap().is_some()));
        self.is("account_census", db.list_census(&id, (0, 99), None).await.unwrap().len());
        for kind in JournalKind::ALL {
            let lines =
                db.list_journal(&id, kind, &JournalFilter::default(), (at(0), "~"), 10).await.unwrap();
            if kind == JournalKind::Refresh && !self.had("refresh_log", "environment_id") {
                assert_eq!(lines.len(), 1, "from {}: refreshes know their environment", self.version);
            }
        }
        self.webhooks(number).await;
    }

    async fn webhooks(&self, number: i64) {
        let (db, id, page) = (self.db, EnvironmentId::from_number(number), PageRequest::first(10));
        let (endpoint, event) = (WebhookEndpointId::from_number(number), EventId::from_number(number));
        self.is("webhook_endpoint", db.list_endpoints(&id, &page).await.unwrap().rows.len());
        let deliveries = db.list_deliveries(&id, &endpoint, &DeliveryFilter::default(), &page).await.unwrap();
        self.is("webhook_delivery", deliveries.rows.len());
        self.is("webhook_attempt", db.list_webhook_attempts(&endpoint, &event).await.unwrap().len());
        let before = keybearer_core::Timestamp::from_seconds(0);
        self.is("webhook_secret", db.list_webhook_secrets(&endpoint, before).await.unwrap().len());
        let row = db.find_event(&event).await.unwrap().unwrap();
        if !self.had("event", "connection_id") {
            let connection = row.connection_id.map(|connection| connection.to_string());
            assert_eq!(connection, Some(format!("conn_{number}")), "from {}", self.version);
        }
        assert!(db.list_events(&id, &EventFilter::default(), &page).await.unwrap().rows.len() <= 1);
    }

    async fn connection(&self, number: i64) {
        let (db, environment, id) =
            (self.db, EnvironmentId::from_number(number), ConnectionId::from_number(number));
        let page = PageRequest::first(10);
        db.find_connection(&id).await.unwrap().unwrap();
        let listed = db.list_connections(&environment, &ConnectionFilter::default(), &page).await.unwrap();
        assert_eq!(listed.rows.len(), 1);
        assert_eq!(db.list_credentials(&id).await.unwrap().len(), 1);
        db.list_ending_secrets(&environment, at(0)).await.unwrap();
        let organization = format!("org_{number}");
        let context = db.find_connection_context(&id, &organization).await.unwrap();
        self.is("connection_context", usize::from(context.is_some()));
        let flow = FlowId::from_number(number);
        self.is("connection_test", usize::from(db.find_test(&flow).await.unwrap().is_some()));
        self.is("connection_test_step", db.list_test_notes(&flow).await.unwrap().len());
    }

    async fn account(&self, number: i64) {
        let (db, environment, id) =
            (self.db, EnvironmentId::from_number(number), AccountId::from_number(number));
        let page = PageRequest::first(10);
        db.find_account(&id).await.unwrap().unwrap();
        let listed = db.list_accounts(&environment, &AccountFilter::default(), &page).await.unwrap();
        assert_eq!(listed.rows.len(), 1);
        let surveyed = db.survey_accounts(&environment, &SurveyFilter::default(), &page, 10).await.unwrap();
        assert_eq!(surveyed.rows.len(), 1);
        assert_eq!(db.list_refresh_log(&id, 10).await.unwrap().len(), 1);
        db.find_flow(&FlowId::from_number(number)).await.unwrap().unwrap();
        assert_eq!(db.list_attempts(&FlowId::from_number(number)).await.unwrap().len(), 1);
    }

    async fn people(&self, number: i64) {
        let (db, id) = (self.db, MemberId::from_number(number));
        let sessions = db.list_member_sessions(&id).await.unwrap();
        self.is("member_session", sessions.len());
        if let (Some(session), false) = (sessions.first(), self.had("member_session", "confirmed_at")) {
            assert_eq!(session.confirmed_at, session.created_at, "from {}", self.version);
        }
        self.is("member_passkey", db.list_passkeys(&id).await.unwrap().len());
        self.is("member_identity", db.list_identities(&id).await.unwrap().len());
        let ticket = db.find_ticket(&format!("token_hash-{number}")).await.unwrap();
        self.is("member_ticket", usize::from(ticket.is_some()));
    }
}
