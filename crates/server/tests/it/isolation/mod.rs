//! One environment's client can read, change or infer nothing of another's: every operation of the contract, over gRPC
//! and over REST, answers what belongs to somebody else as it answers what does not exist.

mod rest_call;
mod tenants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use http::Method;
use keybearer_testkit::TestDatabase;
use regex::Regex;
use serde_json::{Value, json};

use self::tenants::Tenants;
use crate::bytes_rpc;

/// An operation and what is asked of it.
struct Line {
    method: String,
    ask: String,
}

/// The lines of the table: those that make something come last, so that a name is free until then.
fn lines() -> Vec<Line> {
    let all =
        include_str!("operations.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut lines: Vec<Line> = all
        .map(|line| {
            let (method, ask) = line.split_once(' ').unwrap();
            Line { method: method.to_owned(), ask: ask.to_owned() }
        })
        .collect();
    lines.sort_by_key(|line| line.method.contains("/Create"));
    lines
}

fn short(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, short)| short)
}

#[test]
fn every_operation_of_the_contract_has_its_line() {
    let methods = bytes_rpc::contract().methods();
    let known: BTreeSet<&str> = methods.iter().map(|method| short(&method.path)).collect();
    let lines = lines();
    let listed: BTreeSet<&str> = lines.iter().map(|line| line.method.as_str()).collect();
    assert_eq!(
        known.difference(&listed).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "operations without a line"
    );
    assert_eq!(
        listed.difference(&known).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "lines without an operation"
    );
}

/// Something of the same shape that exists nowhere.
fn absent(value: &str) -> String {
    if value.len() == 32 && !value.contains('_') {
        return "A".repeat(32);
    }
    let digits = Regex::new("[0-9]{6,}").unwrap();
    let other =
        digits.replace_all(value, |found: &regex::Captures<'_>| "1".repeat(found[0].len())).into_owned();
    if other == value { value.chars().rev().collect() } else { other }
}

fn filled(ask: &str, values: &BTreeMap<&'static str, String>) -> Value {
    let word = Regex::new(r"\$([a-z_]+)").unwrap();
    let text = word.replace_all(ask, |found: &regex::Captures<'_>| values[&found[1]].clone());
    serde_json::from_str(&text).unwrap()
}

/// What differs from one answer to the next.
static PASSING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        (r#""request_id":"[^"]*""#, "#reference"),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "#time"),
        (r"\b[a-z]{2,6}_[0-9]{6,}", "#id"),
        (r"(kbs|whsec)_[A-Za-z0-9+/=]+", "#secret"),
    ];
    patterns.into_iter().map(|(pattern, word)| (Regex::new(pattern).unwrap(), word)).collect()
});

/// What an answer says apart from when, for which call, and about which of the two.
fn plain(answer: &str, values: &BTreeMap<&'static str, String>) -> String {
    let mut text = answer.to_owned();
    for (name, value) in values {
        text = text.replace(value.as_str(), &format!("${name}"));
    }
    for (pattern, word) in PASSING.iter() {
        text = pattern.replace_all(&text, *word).into_owned();
    }
    text
}

impl Tenants {
    async fn asked(&self, line: &Line, values: &BTreeMap<&'static str, String>) -> [String; 2] {
        let method =
            bytes_rpc::contract().methods().into_iter().find(|method| short(&method.path) == line.method);
        let method = method.unwrap_or_else(|| panic!("no operation {}", line.method));
        let ask = filled(&line.ask, values);
        let origin = self.server.process.text("url");
        let grpc = match bytes_rpc::call(&origin, &self.token, &method.path, ask.clone()).await {
            Ok(answer) => answer.to_string(),
            Err((status, info)) => {
                let fields = info.validation_error_info.map(|info| format!("{info:?}"));
                let words = (status.code(), status.message(), info.error_code, info.help_info, fields);
                format!("{words:?}")
            }
        };
        let Some((verb, path, body)) = rest_call::of(&method, &ask) else {
            return [grpc, String::new()];
        };
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = self.server.http.send(verb, &path, &headers, body).await;
        let rest = format!("{} {}", answer.status(), String::from_utf8_lossy(answer.body()));
        [grpc, rest]
    }

    /// Nothing of the first environment stands in the answer, unless it stood in the question.
    fn says_nothing(&self, line: &Line, answer: &str) {
        let asked = filled(&line.ask, &self.theirs).to_string();
        for (name, value) in self.theirs.iter().filter(|(_, value)| !asked.contains(value.as_str())) {
            assert!(!answer.contains(value.as_str()), "{} {} tells {name}: {answer}", line.method, line.ask);
        }
        assert!(!answer.contains("tenant-one-key"), "{} {}: {answer}", line.method, line.ask);
    }
}

async fn nothing_crosses(database: Option<&str>) {
    let tenants = Tenants::start(database).await;
    let nowhere: BTreeMap<&'static str, String> =
        tenants.theirs.iter().map(|(name, value)| (*name, absent(value))).collect();
    let before = tenants.shown().await;
    for line in lines() {
        let foreign = tenants.asked(&line, &tenants.theirs).await;
        foreign.iter().for_each(|answer| tenants.says_nothing(&line, answer));
        if line.ask.contains('$') {
            let unknown = tenants.asked(&line, &nowhere).await;
            let foreign = foreign.map(|answer| plain(&answer, &tenants.theirs));
            let unknown = unknown.map(|answer| plain(&answer, &nowhere));
            assert_eq!(foreign, unknown, "{} {}", line.method, line.ask);
        }
    }
    let times = Regex::new(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z").unwrap();
    let without = |all: Vec<String>| {
        all.iter().map(|text| times.replace_all(text, "").into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(without(tenants.shown().await), without(before), "the first environment is as it was");
    let request = &tenants.theirs["auth_request"];
    let verify = json!({"auth_request_id": request, "identifier": "tenant-one-user"});
    tenants.server.api(Method::POST, "/api/v1/connected_accounts/user/verify", verify).await;
}

#[tokio::test]
async fn nothing_crosses_environments_on_sqlite() {
    nothing_crosses(None).await;
}

#[tokio::test]
async fn nothing_crosses_environments_on_postgres() {
    nothing_crosses(Some(TestDatabase::create().unwrap().url())).await;
}
