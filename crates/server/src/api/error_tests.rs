use super::*;
use keybearer_core::FieldViolation;

fn reference() -> Reference {
    Reference::unknown()
}

#[test]
fn the_table_of_failures() {
    let mut table = String::from("code | error_code | gRPC | HTTP | Retry-After\n");
    for code in Code::ALL {
        let retry = retry_after(&Error::new(*code, "")).map_or_else(|| "-".to_owned(), |s| s.to_string());
        let row = format!(
            "{code} | {} | {:?} {} | {} | {retry}\n",
            wire_name(*code),
            grpc_code(*code),
            grpc_code(*code) as i32,
            http_status(*code).as_u16(),
        );
        table.push_str(&row);
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_providers_failure_is_never_unavailable() {
    for code in Code::ALL.iter().filter(|code| code.fault() == Fault::Provider) {
        assert_ne!(grpc_code(*code), tonic::Code::Unavailable, "{code}");
    }
}

#[test]
fn details_repeat_code_and_message_of_the_status() {
    for code in Code::ALL {
        let status = status(Error::new(*code, "bad ünïcode\r\nvalue"));
        let details = rpc::Status::decode(status.details()).unwrap();
        assert_eq!((details.code, details.message.as_str()), (status.code() as i32, status.message()));
        assert_eq!(details.details[0].type_url, ERROR_INFO_TYPE);
    }
}

#[test]
fn a_body_carries_reference_violations_and_help() {
    let violations = vec![FieldViolation { field: "a.b".to_owned(), description: "must be set".to_owned() }];
    let error = Error::fields(violations).with_help("set it").with_retry_after(7);
    let response = Failure::new(&error, &reference()).into_rest();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.headers()["x-request-id"], "0000-0000");
    insta::assert_json_snapshot!(Failure::new(&error, &reference()).body());
}

#[test]
fn a_fault_of_ours_shows_no_detail() {
    let error = Error::internal("row 7 of table x").with_source(std::io::Error::other("secret path"));
    let body = Failure::new(&error, &reference()).body().to_string();
    assert!(body.contains("Keybearer could not finish this."), "{body}");
    assert!(!body.contains("row 7") && !body.contains("secret path"), "{body}");
}

#[test]
fn a_handlers_error_survives_the_status() {
    let status = status(Error::new(Code::LinkExpired, "the link ended at noon"));
    let failure = Failure::from_status(&status, &reference());
    assert_eq!((failure.code, failure.http.as_u16()), (Some(Code::LinkExpired), 410));
}
