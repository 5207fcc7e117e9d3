//! API clients, environments, keys, logs: the real program over REST and gRPC.

use std::path::Path;
use std::time::Duration;

use http::Method;
use keybearer_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::bytes_rpc;
use crate::peers::process::{Http, Launch, Server};

const CLIENTS: &str = "/scalekit.v1.clients.ClientService";
const ENVIRONMENTS: &str = "/scalekit.v1.environments.EnvironmentService";
const KEYS: &str = "/scalekit.v1.keys.KeyManagementService";
const LOGS: &str = "/scalekit.v1.agentkit_logs.AgentkitLogsService";
const ANALYTICS: &str = "/scalekit.v1.agentkit_logs.AgentkitAnalyticsService";

pub(crate) async fn start(folder: &Path, database: Option<&str>) -> Server {
    std::fs::create_dir_all(folder.join("connectors")).unwrap();
    let (data, connectors) = (folder.join("data"), folder.join("connectors"));
    Server::launch(Launch { data: &data, connectors: &connectors, database, log: None }).await
}

pub(crate) async fn sign_in(http: &Http, id: &str, secret: &str) -> (u16, Value) {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let answer = http.send(Method::POST, "/oauth/token", &kind, form).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

pub(crate) async fn rest(http: &Http, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = http.send(method, path, &headers, body).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

impl Server {
    async fn rpc(&self, method: &str, body: Value) -> Value {
        let url = self.process.text("url");
        let answer = bytes_rpc::call(&url, self.token(), method, body).await;
        answer.unwrap_or_else(|(status, info)| panic!("{method}: {status} {info:?}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_live_the_same_over_rest_and_grpc() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let server = start(folder.path(), None).await;
    let new = json!({"name": "backend", "client_type": "M2M", "scopes": ["api_credentials:read"]});
    let (status, made) = rest(&server.http, server.token(), Method::POST, "/api/v1/clients", new).await;
    assert_eq!(status, 200, "{made}");
    let client = &made["client"];
    let (id, secret) =
        (client["id"].as_str().unwrap(), client["secrets"][0]["plain_secret"].as_str().unwrap());
    assert_eq!((&client["access_token_expiry"], &client["client_type"]), (&json!("86399"), &json!("M2M")));
    assert_eq!(sign_in(&server.http, id, secret).await.0, 200);

    let path = format!("/api/v1/clients/{id}/secrets");
    let (status, added) = rest(&server.http, server.token(), Method::POST, &path, Value::Null).await;
    assert_eq!(status, 201, "{added}");
    let (second, plain) = (added["secret"]["id"].as_str().unwrap(), added["plain_secret"].as_str().unwrap());
    for (method, switch, expected) in [(Method::PUT, "INACTIVE", 401), (Method::PATCH, "ACTIVE", 200)] {
        let body = json!({"status": switch});
        server.api(method, &format!("{path}/{second}"), body).await;
        assert_eq!(sign_in(&server.http, id, plain).await.0, expected, "{switch}");
    }
    let got = server.rpc(&format!("{CLIENTS}/GetClient"), json!({"client_id": id})).await;
    assert_eq!(got["client"]["secrets"].as_array().unwrap().len(), 2);
    assert!(!got.to_string().contains(secret) && !got.to_string().contains(plain), "shown once");
    server.api(Method::DELETE, &format!("{path}/{second}"), Value::Null).await;
    let listed = server.rpc(&format!("{CLIENTS}/ListClient"), json!({"page_size": 30})).await;
    assert_eq!(listed["total_size"], 2);

    // the list of networks: this test calls from 127.0.0.1, whatever a header says
    let (_, token) = sign_in(&server.http, id, secret).await;
    let token = token["access_token"].as_str().unwrap();
    let elsewhere = json!({"ip_allowlist": {"opted_in": true, "cidrs": [{"value": "192.0.2.0/24"}]}});
    let path = format!("/api/v1/clients/{id}");
    let (status, changed) = rest(&server.http, server.token(), Method::PATCH, &path, elsewhere).await;
    assert_eq!((status, &changed["client"]["ip_allowlist"]["cidrs"][0]["type"]), (201, &json!("IPV4")));
    assert_eq!(changed["client"]["scopes"], json!(["api_credentials:read"]), "what is not given stays");
    assert_eq!(sign_in(&server.http, id, secret).await.0, 401);
    let bearer = format!("Bearer {token}");
    for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        let headers = [("authorization", bearer.as_str()), (header, "192.0.2.9")];
        let answer = server.http.send(Method::GET, "/api/v1/clients", &headers, String::new()).await;
        assert_eq!(answer.status(), 403, "{header}");
    }
    let url = server.process.text("url");
    let (refused, _) =
        bytes_rpc::call(&url, token, &format!("{CLIENTS}/ListClient"), json!({})).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    let here = json!({"client_id": id, "client": {"ip_allowlist": {"opted_in": true, "cidrs": [{"value": "127.0.0.0/8"}]}}});
    server.rpc(&format!("{CLIENTS}/UpdateClient"), here).await;
    assert_eq!(sign_in(&server.http, id, secret).await.0, 200);

    server.rpc(&format!("{CLIENTS}/DeleteClient"), json!({"client_id": id})).await;
    assert_eq!(sign_in(&server.http, id, secret).await.0, 401);
    let own = server.process.text("client_id");
    let (status, said) =
        rest(&server.http, server.token(), Method::DELETE, &format!("/api/v1/clients/{own}"), Value::Null)
            .await;
    assert_eq!(status, 400, "the last way in: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_cannot_be_is_named() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let server = start(folder.path(), None).await;
    for (body, field) in [
        (json!({"name": "x", "client_type": "WEB_APP"}), "client.client_type"),
        (json!({"name": "x", "client_type": "M2M", "enforce_pkce": true}), "client.enforce_pkce"),
        (json!({"name": "x", "client_type": "M2M", "scopes": ["root"]}), "client.scopes"),
        (json!({"name": "x", "client_type": "M2M", "access_token_expiry": "5"}), "access_token_expiry"),
    ] {
        let (status, said) = rest(&server.http, server.token(), Method::POST, "/api/v1/clients", body).await;
        let at = said.pointer("/details/0/validation_error_info/field_violations/0/field");
        assert_eq!((status, at), (400, Some(&json!(field))), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_are_made_entered_and_kept_apart() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let server = start(folder.path(), None).await;
    let new = json!({"display_name": "staging", "type": "DEV"});
    let made = server.api(Method::POST, "/api/v1/environments", new).await;
    let id = made["environment"]["id"].as_str().unwrap();
    let new = json!({"name": "there", "environment": "staging"});
    let there = server.api(Method::POST, "/api/v1/api-clients", new).await;
    let (client, secret) =
        (there["client"]["id"].as_str().unwrap(), there["client_secret"].as_str().unwrap());
    let (_, token) = sign_in(&server.http, client, secret).await;
    let token = token["access_token"].as_str().unwrap();
    let (_, seen) = rest(&server.http, token, Method::GET, "/api/v1/environments", Value::Null).await;
    assert_eq!((&seen["total_size"], seen["environments"][0]["id"].as_str()), (&json!(1), Some(id)));
    let (_, connections) =
        rest(&server.http, token, Method::GET, "/api/v1/connections/app", Value::Null).await;
    assert_eq!(connections["total_size"], 0, "the first environment's connections are not seen");
    let first = server.rpc(&format!("{ENVIRONMENTS}/ListEnvironment"), json!({})).await;
    let first = first["environments"].as_array().unwrap().iter().find(|one| one["display_name"] == "default");
    let first = first.unwrap()["id"].as_str().unwrap();
    for path in ["", "/settings/agent-actions", "/pages"] {
        let path = format!("/api/v1/environments/{first}{path}");
        assert_eq!(rest(&server.http, token, Method::GET, &path, Value::Null).await.0, 404, "{path}");
    }

    let path = format!("/api/v1/environments/{id}/settings/agent-actions");
    let set = json!({"user_verify_mode": "USER_VERIFY_MODE_B2B", "detailed_error_logging": true});
    let set = server.api(Method::PATCH, &path, set).await;
    assert_eq!(set["agent_actions_config"]["user_verify_mode"], "USER_VERIFY_MODE_B2B");
    let kept = server.api(Method::PATCH, &path, json!({})).await;
    assert_eq!(kept["agent_actions_config"], set["agent_actions_config"]);
    let body = json!({"user_verify_mode": "USER_VERIFY_MODE_SCALEKIT_PLATFORM"});
    let by_the_dashboard = server.api(Method::PATCH, &path, body).await;
    assert_eq!(
        by_the_dashboard["agent_actions_config"]["user_verify_mode"],
        "USER_VERIFY_MODE_SCALEKIT_PLATFORM"
    );
    let rename = json!({"id": id, "environment": {"display_name": "qa"}});
    let renamed = server.rpc(&format!("{ENVIRONMENTS}/UpdateEnvironment"), rename).await;
    assert_eq!(renamed["environment"]["display_name"], "qa");

    // what is not built says so
    let (status, said) = rest(
        &server.http,
        server.token(),
        Method::DELETE,
        &format!("/api/v1/environments/{id}"),
        Value::Null,
    )
    .await;
    assert_eq!((status, &said["code"]), (405, &json!(12)), "{said}");
    for path in ["sessions:me", "portal/bootstrap", "keys/byok/setup-info", "keys/master"] {
        let (status, said) =
            rest(&server.http, server.token(), Method::GET, &format!("/api/v1/{path}"), Value::Null).await;
        assert!(matches!(status, 404 | 501), "{path}: {status} {said}");
    }
}

async fn keys_move_through_a_kill(database: Option<&str>) {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let mut server = start(folder.path(), database).await;
    for round in 0..30 {
        let taken = (0..50).map(|number| {
            let user = format!("u-{}", round * 50 + number);
            server.api(
                Method::POST,
                "/api/v1/accounts:import",
                json!({"connection": "postcards", "identifier": user, "access_token": "at-1", "refresh_token": "rt-1"}),
            )
        });
        futures_util::future::join_all(taken).await;
    }
    let made = server.rpc(&format!("{KEYS}/CreateDEK"), json!({})).await;
    assert_eq!((&made["dek"]["dek_version"], &made["dek"]["status"]), (&json!(2), &json!("STAGED")));
    let activated = server.api(Method::POST, "/api/v1/keys/deks/2:activate", json!({})).await;
    assert_eq!(activated["dek"]["status"], "PRIMARY");
    let (http, token) = (Http::to(&server.process.text("url")), server.token().to_owned());
    let moving = tokio::spawn(async move {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        http.try_send(Method::POST, "/api/v1/keys/deks:reencrypt", &headers, "{}".to_owned()).await
    });
    let halfway = loop {
        let path = "/api/v1/keys/reencryption";
        let (status, state) = rest(&server.http, server.token(), Method::GET, path, Value::Null).await;
        if status == 200 && state["moved"].as_u64().unwrap() > 0 {
            break state;
        }
        tokio::task::yield_now().await;
    };
    server.process.kill();
    assert!(halfway["remaining"].as_u64().unwrap() > 0, "killed in the middle: {halfway}");
    assert!(moving.await.unwrap().is_none(), "the call ended with its server");

    server = start(folder.path(), database).await;
    let finished = async {
        loop {
            let state = server.api(Method::GET, "/api/v1/keys/reencryption", Value::Null).await;
            if !state["finished_at"].is_null() {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let state = tokio::time::timeout(Duration::from_secs(60), finished).await.expect("it goes on by itself");
    assert_eq!((&state["remaining"], &state["failed"]), (&json!(0), &json!([])), "{state}");
    assert!(state["moved"].as_u64().unwrap() >= 1500, "each value moved once: {state}");
    let verified = server.api(Method::POST, "/api/v1/keys:verify", json!({})).await;
    assert_eq!(verified["failed"], 0, "{verified}");
    assert!(verified["opened"].as_u64().unwrap() >= 1500);
    let path = "/api/v1/keys/deks/1";
    let (status, said) = rest(&server.http, server.token(), Method::DELETE, path, Value::Null).await;
    assert_eq!(status, 400, "it has not rested a day: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_amid_a_move_to_another_key_loses_nothing_on_sqlite() {
    keys_move_through_a_kill(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_amid_a_move_to_another_key_loses_nothing_on_postgres() {
    keys_move_through_a_kill(Some(TestDatabase::create().unwrap().url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_key_rotates_under_a_living_client() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let server = start(folder.path(), None).await;
    let rotated = server.api(Method::POST, "/api/v1/keys/signing:rotate", json!({"ahead_seconds": 0})).await;
    let roles: Vec<&str> =
        rotated["keys"].as_array().unwrap().iter().map(|key| key["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["VERIFYING", "SIGNING"]);
    let answer = server.http.send(Method::GET, "/keys", &[], String::new()).await;
    let published: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2, "{published}");
    // the token from before goes on, and a new one works
    server.api(Method::GET, "/api/v1/connections/app", Value::Null).await;
    let (id, secret) = (server.process.text("client_id"), server.process.text("client_secret"));
    let (_, fresh) = sign_in(&server.http, &id, &secret).await;
    let fresh = fresh["access_token"].as_str().unwrap();
    assert_eq!(rest(&server.http, fresh, Method::GET, "/api/v1/connections/app", Value::Null).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_listed_and_added_up_as_the_wire_says() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let server = start(folder.path(), None).await;
    let bearer = format!("Bearer {}", server.token());
    let headers = [
        ("authorization", bearer.as_str()),
        ("connection_name", "postcards"),
        ("identifier", "nobody"),
        ("keybearer-agent-run", "run-7"),
    ];
    assert_eq!(
        server.http.send(Method::GET, "/proxy/postcards", &headers, String::new()).await.status(),
        404
    );
    let path = "/api/v1/agentkit/tool_call_logs?agent_run_id=run-7&status=platform_error&source=PROXY";
    let listed = loop {
        let listed = server.api(Method::GET, path, Value::Null).await;
        if listed["total_size"] == "1" {
            break listed;
        }
        tokio::task::yield_now().await;
    };
    let call = &listed["tool_call_logs"][0];
    assert_eq!((&call["error_code"], &call["error_tier"]), (&json!("account_not_found"), &json!("caller")));
    assert!(call["duration_ms"].is_string(), "{call}");
    let execution = call["execution_id"].as_str().unwrap();
    let one = server.rpc(&format!("{LOGS}/GetToolCallLog"), json!({"execution_id": execution})).await;
    assert_eq!((&one["id"], &one["agent_run_id"]), (&call["id"], &json!("run-7")));
    let path = "/api/v1/agentkit/tool_call_logs/exec_1";
    assert_eq!(rest(&server.http, server.token(), Method::GET, path, Value::Null).await.0, 404);

    let started = call["started_at"].as_str().unwrap();
    let at = keybearer_core::Timestamp::parse_rfc3339(started).unwrap();
    let (from, until) =
        (at.minus(Duration::from_secs(600)).rfc3339(), at.plus(Duration::from_secs(600)).rfc3339());
    let path = format!("/api/v1/agentkit/analytics/overview?start_time={from}&end_time={until}");
    let sums = server.api(Method::GET, &path, Value::Null).await;
    assert_eq!((&sums["total"], &sums["platform_errors"]), (&json!("1"), &json!("1")), "{sums}");
    assert_eq!(sums["top_error_codes"], json!([{"error_code": "account_not_found", "count": "1"}]));
    assert_eq!(sums["time_series"][0]["bucket_duration_seconds"], "300");
    let same = json!({"start_time": from, "end_time": until});
    let same = server.rpc(&format!("{ANALYTICS}/GetOverviewStats"), same).await;
    assert_eq!(same["time_series"], sums["time_series"]);
    let path = format!("/api/v1/agentkit/analytics/overview?start_time={from}");
    assert_eq!(rest(&server.http, server.token(), Method::GET, &path, Value::Null).await.0, 400);
}

/// Exit code, and what was printed.
pub(crate) fn keybearer(words: &[&str]) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keybearer"));
    for variable in ["KEYBEARER_URL", "KEYBEARER_CLIENT_ID", "KEYBEARER_CLIENT_SECRET", "KEYBEARER_KEY"] {
        command.env_remove(variable);
    }
    let output = command.args(words).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&printed).into_owned())
}

fn works(words: &[&str], expected: &str) -> String {
    let (code, printed) = keybearer(words);
    assert!(code == Some(0) && printed.contains(expected), "{words:?}: {code:?}\n{printed}");
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_environments_from_the_command_line() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let server = start(folder.path(), None).await;
    server
        .api(
            Method::POST,
            "/api/v1/accounts:import",
            json!({"connection": "postcards", "identifier": "ada", "access_token": "at-1"}),
        )
        .await;
    let data = folder.path().join("data").display().to_string();
    let run = {
        let data = data.clone();
        move |words: &[&str], expected: &str| works(&[&["--data", data.as_str()], words].concat(), expected)
    };
    let commands = tokio::task::spawn_blocking({
        move || {
            run(&["keys", "list"], "PRIMARY");
            run(&["keys", "rotate", "--stage"], "STAGED");
            run(&["keys", "activate", "2"], "DEPRECATED");
            run(&["keys", "reencrypt"], "values moved to data key 2");
            run(&["keys", "verify"], "0 do not");
            run(&["keys", "rotate", "--signing"], "NEXT");
            run(&["environments", "create", "staging"], "clients create");
            run(&["environments", "list"], "staging");
            run(
                &[
                    "environments",
                    "settings",
                    "staging",
                    "--verification",
                    "custom",
                    "--detailed-errors",
                    "on",
                ],
                "custom",
            );
            run(&["environments", "settings", "staging", "--app-name", "Fieldnote QA"], "Fieldnote QA");
            run(&["clients", "create", "--name", "there", "--environment", "staging"], "skc_");
        }
    });
    commands.await.unwrap();
    let (code, printed) = keybearer(&["--data", &data, "keys", "destroy", "1"]);
    assert!(code == Some(1) && printed.contains("less than a day ago"), "{printed}");
    let (code, printed) = keybearer(&["--data", &data, "environments", "show", "nowhere"]);
    assert!(code == Some(3) && printed.contains("environments list"), "{printed}");
}

#[test]
fn another_root_key_and_another_environment_without_a_server() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let (file, data) =
        (folder.path().join("keybearer.toml"), folder.path().join("data").display().to_string());
    let config = file.display().to_string();
    let text = format!("data = \"{data}\"\npublic_url = \"https://keys.example\"\nverification = \"none\"\n");
    std::fs::write(&file, &text).unwrap();
    works(&["environments", "create", "staging", "--config", &config], "Created staging");
    works(&["clients", "create", "--name", "a", "--environment", "staging", "--config", &config], "skc_");
    let (code, printed) =
        keybearer(&["clients", "create", "--name", "a", "--environment", "nowhere", "--config", &config]);
    assert!(code == Some(3) && printed.contains("no such environment"), "{printed}");
    let new = folder.path().join("new.key").display().to_string();
    works(&["keys", "change-root", "--config", &config, "--new-key-file", &new], "2 data keys are wrapped");
    let (code, printed) = keybearer(&["clients", "create", "--name", "b", "--config", &config]);
    assert!(code == Some(1) && printed.contains("root key"), "the former root key opens nothing: {printed}");
    std::fs::write(&file, format!("{text}[key]\nfile = \"{new}\"\n")).unwrap();
    works(&["clients", "create", "--name", "b", "--config", &config], "skc_");
}
