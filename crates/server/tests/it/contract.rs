use keybearer_server::api::{Descriptors, rest::openapi};

/// Writes the document when `UPDATE_OPENAPI` is set, else compares.
#[test]
fn the_openapi_document_is_current() {
    let document = openapi::generate().unwrap();
    let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        std::fs::write(path, text).unwrap();
        return;
    }
    assert!(text == openapi::CURRENT, "run UPDATE_OPENAPI=1 cargo nextest run -p keybearer-server openapi");
}

#[test]
fn every_reference_of_the_openapi_document_resolves() {
    let document = openapi::generate().unwrap();
    let mut stack = vec![&document];
    let mut references = 0;
    while let Some(value) = stack.pop() {
        if let Some(reference) = value.get("$ref").and_then(|reference| reference.as_str()) {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
            references += 1;
        }
        stack.extend(value.as_object().into_iter().flat_map(|object| object.values()));
        stack.extend(value.as_array().into_iter().flatten());
    }
    assert!(references > 100);
}

#[test]
fn every_method_has_a_rest_path_a_permission_and_a_summary() {
    let descriptors = Descriptors::load().unwrap();
    let document = openapi::generate().unwrap();
    for method in descriptors.methods() {
        assert!(!method.bindings.is_empty(), "{}", method.path);
        let binding = &method.bindings[0];
        let verb = binding.verb.as_str().to_ascii_lowercase();
        let operation = &document["paths"][&binding.template][&verb];
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{}", method.path);
    }
}

#[test]
fn numbers_of_the_published_wire_are_kept() {
    let descriptors = Descriptors::load().unwrap();
    let field = |message: &str, field: &str| {
        let message = descriptors.pool().get_message_by_name(message).unwrap();
        message.get_field_by_name(field).unwrap().number()
    };
    assert_eq!(field("scalekit.v1.connected_accounts.ConnectedAccount", "api_config"), 12);
    assert_eq!(field("scalekit.v1.connected_accounts.UpdateConnectedAccountRequest", "id"), 6);
    assert_eq!(field("scalekit.v1.connections.Connection", "key_id"), 25);
    assert_eq!(field("scalekit.v1.errdetails.ErrorInfo", "tool_error_info"), 9);
}
