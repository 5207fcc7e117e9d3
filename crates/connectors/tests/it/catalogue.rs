//! Every shipped connector, told as the requests it makes: a change of the engine or of a definition is seen here.

use keybearer_connectors::Catalog;
use keybearer_connectors::lint::Level;

use crate::shown::Case;

#[test]
fn every_shipped_definition_loads_and_lints() {
    let (catalog, errors) = Catalog::embedded_with_errors();
    assert!(errors.is_empty(), "{errors:?}");
    let wrong: Vec<_> = catalog.lint().into_iter().filter(|finding| finding.level == Level::Error).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(catalog.len() >= 40);
}

#[test]
fn the_published_schema_is_current() {
    let published: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/connector.schema.json")).unwrap();
    let current = keybearer_connectors::json_schema();
    assert!(published == current, "docs/connector.schema.json is out of date: run `cargo xtask openapi`");
}

#[test]
fn the_requests_of_every_shipped_connector() {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        for connector in Catalog::embedded().iter() {
            let told: Vec<String> =
                connector.auth.iter().map(|method| Case::new(connector, method).story()).collect();
            insta::assert_snapshot!(connector.slug.clone(), told.join("\n"));
        }
    });
}
