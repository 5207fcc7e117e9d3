use super::*;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn read_with(rules: &TokenRules, value: Value) -> Result<TokenSet, TokenError> {
    rules.read(Document::from_value(value), NOW)
}

fn read(value: Value) -> Result<TokenSet, TokenError> {
    read_with(&TokenRules::default(), value)
}

fn in_seconds(seconds: u64) -> Option<Timestamp> {
    Some(NOW.plus(Duration::from_secs(seconds)))
}

#[test]
fn a_standard_answer_is_read_completely() {
    let set = read(json!({
        "access_token": "at", "refresh_token": "rt", "token_type": "Bearer", "expires_in": 3600,
        "refresh_token_expires_in": "86400", "scope": "read  write read", "id_token": "h.c.s", "team": {"id": 7},
    }))
    .unwrap();
    assert_eq!(set.access_token.expose(), "at");
    assert_eq!(set.refresh_token.unwrap().expose(), "rt");
    assert_eq!(set.token_type.as_deref(), Some("Bearer"));
    assert_eq!(set.expires_at, in_seconds(3600));
    assert_eq!(set.refresh_expires_at, in_seconds(86_400));
    assert_eq!(set.scopes.unwrap(), ["read", "write"]);
    assert_eq!(set.id_token.unwrap().expose(), "h.c.s");
    assert_eq!(set.raw.text(&Path::parse("team.id").unwrap()).unwrap().expose(), "7");
    assert!(set.notices.is_empty());
}

#[test]
fn tokens_survive_junk_in_everything_else() {
    let set = read(json!({
        "access_token": "at", "refresh_token": "rotated", "token_type": {"x": 1}, "expires_in": "junk",
        "scope": 7, "id_token": [], "refresh_expires_in": -1,
    }))
    .unwrap();
    assert_eq!(set.refresh_token.unwrap().expose(), "rotated");
    assert_eq!((set.token_type, set.expires_at, set.scopes), (None, None, None));
    assert_eq!(set.notices, [Notice::ExpiryUnreadable, Notice::ScopesUnreadable]);
}

#[test]
fn answers_without_a_usable_access_token_are_refused() {
    for value in [
        json!({}),
        json!({"access_token": ""}),
        json!({"access_token": null}),
        json!({"access_token": 1}),
        json!({"access_token": {"a": "b"}}),
        json!([]),
        json!(null),
        json!(7),
        json!("text"),
    ] {
        assert_eq!(read(value.clone()).unwrap_err(), TokenError::Missing, "{value}");
    }
    let document = Document::from_json(r#"{"access_token":"a","access_token":"b"}"#).unwrap();
    assert_eq!(TokenRules::default().read(document, NOW).unwrap_err(), TokenError::Ambiguous);
}

#[test]
fn tokens_that_would_break_a_header_are_refused() {
    for token in ["a\r\nX: 1", "a\nb", "a\0", "é", "\u{7f}", " a", "a "] {
        assert_eq!(read(json!({"access_token": token})).unwrap_err(), TokenError::Characters, "{token:?}");
    }
    let long = "a".repeat(MAX_TOKEN + 1);
    assert_eq!(read(json!({"access_token": long})).unwrap_err(), TokenError::TooLong);
}

#[test]
fn a_missing_refresh_token_is_told_from_an_empty_one() {
    let absent = read(json!({"access_token": "a"})).unwrap();
    assert!(absent.refresh_token.is_none() && absent.notices.is_empty());
    let empty = read(json!({"access_token": "a", "refresh_token": ""})).unwrap();
    assert!(empty.refresh_token.is_none());
    assert_eq!(empty.notices, [Notice::RefreshTokenEmpty]);
    let unfit = read(json!({"access_token": "a", "refresh_token": "x\ny"})).unwrap();
    assert_eq!(unfit.notices, [Notice::RefreshTokenUnfit]);
}

#[test]
fn paths_units_and_fallbacks_can_be_told() {
    let rules = TokenRules {
        access_token: vec![Path::parse("data.user.token").unwrap(), Path::parse("data.token").unwrap()],
        expires_in: vec![Path::parse("data.ttl").unwrap()],
        expires_in_unit: Unit::Millis,
        scopes: Path::parse("data.scopes").unwrap(),
        ..TokenRules::default()
    };
    let set =
        read_with(&rules, json!({"data": {"token": "t", "ttl": 60_000, "scopes": ["a", "b"]}})).unwrap();
    assert_eq!(set.access_token.expose(), "t");
    assert_eq!(set.expires_at, in_seconds(60));
    assert_eq!(set.scopes.unwrap(), ["a", "b"]);
}

#[test]
fn the_whole_body_can_be_the_token() {
    let rules = TokenRules { access_token: vec![Path::parse("$body").unwrap()], ..TokenRules::default() };
    for body in ["tok", "\"tok\""] {
        let document = Document::from_body(Some("text/plain"), body.as_bytes()).unwrap();
        assert_eq!(rules.read(document, NOW).unwrap().access_token.expose(), "tok");
    }
}

#[test]
fn expiry_falls_back_to_the_jwt_and_then_to_the_default() {
    // {"alg":"none"} . {"exp":1800000500}
    let token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE4MDAwMDA1MDB9.c2ln";
    assert_eq!(read(json!({"access_token": token})).unwrap().expires_at, in_seconds(500));
    assert_eq!(read(json!({"access_token": token, "expires_in": 9})).unwrap().expires_at, in_seconds(9));
    let rules = TokenRules { default_life: Some(Duration::from_secs(60)), ..TokenRules::default() };
    let set = read_with(&rules, json!({"access_token": "opaque", "expires_in": 0})).unwrap();
    assert_eq!(set.expires_at, in_seconds(60));
    let rules = TokenRules { never_expires: true, ..TokenRules::default() };
    assert_eq!(read_with(&rules, json!({"access_token": "t", "expires_in": 60})).unwrap().expires_at, None);
}

#[test]
fn an_end_beats_a_life_time() {
    let set =
        read(json!({"access_token": "t", "expires_in": 60, "expires_at": "2027-01-15T09:00:00Z"})).unwrap();
    assert_eq!(set.expires_at, in_seconds(3600));
    let set = read(json!({"access_token": "t", "expires_in": 60, "expires_at": "junk"})).unwrap();
    assert_eq!(set.expires_at, in_seconds(60));
}

#[test]
fn scopes_are_split_by_the_given_separator() {
    assert_eq!(split_scopes("repo,gist, ,repo", ","), ["repo", "gist"]);
    assert_eq!(split_scopes("a+b", "+"), ["a", "b"]);
    assert!(split_scopes("", " ").is_empty());
    assert_eq!(read(json!({"access_token": "t", "scope": ""})).unwrap().scopes, Some(Vec::new()));
}
