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

/// Every test that docs/threat-tests.md names is there.
#[test]
fn the_table_of_threats_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/threat-tests.md")).unwrap();
    let names: Vec<&str> = table
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| {
            name.len() > 8
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte))
        })
        .filter(|name| !["auth_request_id"].contains(name))
        .collect();
    assert!(names.len() > 40, "{names:?}");
    let mut sources = String::new();
    read_all(&root.join("crates"), &mut sources);
    let missing: Vec<&&str> = names
        .iter()
        .filter(|name| !sources.contains(&format!("fn {name}")) && !sources.contains(&format!("mod {name}")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn read_all(folder: &std::path::Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}
