//! JSON Schemas of messages, with the rules of their fields.

use std::collections::BTreeMap;

use keybearer_core::Result;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    Value as Proto,
};
use serde_json::{Map, Value, json};

use super::openapi::comment;
use crate::api::descriptors::extension;

/// The schemas a document refers to; each is written once.
pub(super) struct Schemas {
    rules: ExtensionDescriptor,
    secret: ExtensionDescriptor,
    written: BTreeMap<String, Value>,
}

pub(super) fn ref_to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

impl Schemas {
    pub(super) fn new(pool: &DescriptorPool) -> Result<Self> {
        Ok(Self {
            rules: extension(pool, "keybearer.v1.rules")?,
            secret: extension(pool, "keybearer.v1.secret")?,
            written: BTreeMap::new(),
        })
    }

    pub(super) fn into_json(self) -> Value {
        json!(self.written)
    }

    /// Writes a message and everything it holds.
    pub(super) fn add(&mut self, message: &MessageDescriptor) {
        let name = message.full_name().to_owned();
        if self.written.contains_key(&name) {
            return;
        }
        self.written.insert(name.clone(), Value::Null);
        let schema = self.object(message, &[]);
        self.written.insert(name, schema);
    }

    /// A reference to a message, or the schema of a well-known one.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Value {
        if let Some(schema) = well_known(message.full_name()) {
            return schema;
        }
        self.add(message);
        ref_to(message.full_name())
    }

    /// The schema of a request body: the message without the fields that come in the path.
    pub(super) fn body_without(&mut self, message: &MessageDescriptor, names: &[String]) -> Value {
        if names.is_empty() { self.message(message) } else { self.object(message, names) }
    }

    /// Whether a call without a body lacks something: the body's field, or a field of the message outside the path.
    pub(super) fn needs_body(&self, input: &MessageDescriptor, body: &str, in_path: &[String]) -> bool {
        input
            .fields()
            .filter(|field| {
                if body == "*" {
                    !in_path.iter().any(|name| name == field.name())
                } else {
                    field.name() == body
                }
            })
            .any(|field| self.rule_flag(&field, "required"))
    }

    fn object(&mut self, message: &MessageDescriptor, without: &[String]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in message.fields().filter(|field| !without.iter().any(|name| name == field.name())) {
            if self.rule_flag(&field, "required") {
                required.push(field.name().to_owned());
            }
            let mut schema = self.field(&field);
            let words = comment(field.parent_message().parent_file().file_descriptor_proto(), field.path());
            if let Some(schema) = schema.as_object_mut().filter(|_| !words.is_empty()) {
                schema.insert("description".to_owned(), words.into());
            }
            properties.insert(field.name().to_owned(), schema);
        }
        let mut schema = Map::from_iter([("type".to_owned(), json!("object"))]);
        let words = comment(message.parent_file().file_descriptor_proto(), message.path());
        if !words.is_empty() {
            schema.insert("description".to_owned(), words.into());
        }
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        schema.insert("properties".to_owned(), properties.into());
        Value::Object(schema)
    }

    /// The schema of one field.
    pub(super) fn field(&mut self, field: &FieldDescriptor) -> Value {
        let rules = field.options();
        let rules = rules.get_extension(&self.rules);
        let rules = rules.as_message();
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else {
                return json!({});
            };
            let values = self.kind(&entry.map_entry_value_field());
            let mut schema = json!({ "type": "object", "additionalProperties": values });
            limit(&mut schema, "maxProperties", rules, "max_items");
            return schema;
        }
        let mut schema = self.kind(field);
        if field.is_list() {
            let items = rules.and_then(|rules| rules.get_field_by_name("items"));
            apply_text_rules(&mut schema, items.as_ref().and_then(|items| items.as_message()), false);
            schema = json!({ "type": "array", "items": schema });
            limit(&mut schema, "minItems", rules, "min_items");
            limit(&mut schema, "maxItems", rules, "max_items");
            return schema;
        }
        apply_text_rules(&mut schema, rules, field.supports_presence());
        if let Some(most) = rules
            .filter(|rules| rules.has_field_by_name("lte"))
            .and_then(|rules| rules.get_field_by_name("lte"))
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("maximum".to_owned(), most.as_u64().into());
        }
        if field.options().has_extension(&self.secret)
            && let Some(schema) = schema.as_object_mut().filter(|schema| schema.contains_key("type"))
        {
            schema.insert("format".to_owned(), "password".into());
        }
        schema
    }

    fn kind(&mut self, field: &FieldDescriptor) -> Value {
        match field.kind() {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "format": "byte" }),
            Kind::Double | Kind::Float => json!({ "type": "number" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
            Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]{1,18}$" })
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]{1,19}$" })
            }
            Kind::Enum(kind) => {
                let names: Vec<_> = kind.values().map(|value| value.name().to_owned()).collect();
                json!({ "type": "string", "enum": names })
            }
            Kind::Message(inner) => self.message(&inner),
        }
    }

    /// Parameters for every field that comes neither in the path nor in the body; nested ones with a dot.
    pub(super) fn query_parameters(
        &mut self,
        input: &MessageDescriptor,
        in_path: &[String],
        body: &str,
        parameters: &mut Vec<Value>,
    ) {
        for field in input.fields().filter(|field| field.name() != body && !field.is_map()) {
            if in_path.iter().any(|name| name == field.name()) {
                continue;
            }
            match field.kind() {
                Kind::Message(inner) if well_known(inner.full_name()).is_none() => {
                    for nested in inner.fields().filter(is_plain) {
                        let name = format!("{}.{}", field.name(), nested.name());
                        parameters
                            .push(json!({ "name": name, "in": "query", "schema": self.field(&nested) }));
                    }
                }
                _ => {
                    let required = self.rule_flag(&field, "required");
                    let words =
                        comment(field.parent_message().parent_file().file_descriptor_proto(), field.path());
                    let mut parameter = json!({ "name": field.name(), "in": "query", "required": required, "schema": self.field(&field) });
                    if let Some(parameter) = parameter.as_object_mut().filter(|_| !words.is_empty()) {
                        parameter.insert("description".to_owned(), words.into());
                    }
                    parameters.push(parameter);
                }
            }
        }
    }

    fn rule_flag(&self, field: &FieldDescriptor, name: &str) -> bool {
        let options = field.options();
        let rules = options.get_extension(&self.rules);
        let rules = rules.as_message();
        let flag = rules.and_then(|rules| rules.get_field_by_name(name)).and_then(|value| value.as_bool());
        // text without presence that must not be empty is required as well
        let not_empty = name == "required" && !field.supports_presence() && number(rules, "min_len") > 0;
        flag.unwrap_or_default() || not_empty
    }
}

/// Whether a query parameter can carry the field.
fn is_plain(field: &FieldDescriptor) -> bool {
    !field.is_map()
        && match field.kind() {
            Kind::Message(inner) => well_known(inner.full_name()).is_some_and(|schema| {
                let kind = schema.get("type").map(ToString::to_string).unwrap_or_default();
                !matches!(&*kind, "" | r#""object""# | r#""array""#)
            }),
            _ => true,
        }
}

fn number(rules: Option<&DynamicMessage>, name: &str) -> u32 {
    rules.and_then(|rules| rules.get_field_by_name(name)).and_then(|value| value.as_u32()).unwrap_or_default()
}

fn limit(schema: &mut Value, key: &str, rules: Option<&DynamicMessage>, name: &str) {
    let value = number(rules, name);
    if let Some(schema) = schema.as_object_mut().filter(|_| value > 0) {
        schema.insert(key.to_owned(), value.into());
    }
}

fn apply_text_rules(schema: &mut Value, rules: Option<&DynamicMessage>, optional: bool) {
    let is_text = schema.get("type").is_some_and(|kind| kind == "string") && schema.get("format").is_none();
    let Some(rules) = rules.filter(|_| is_text && schema.get("enum").is_none()) else {
        return;
    };
    if !optional {
        limit(schema, "minLength", Some(rules), "min_len");
    }
    limit(schema, "maxLength", Some(rules), "max_len");
    let text = |name: &str| crate::api::descriptors::text(rules, name);
    let prefix = text("prefix").map(|prefix| format!("^({prefix}|$)"));
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(pattern) = text("pattern").or(prefix) {
        object.insert("pattern".to_owned(), pattern.into());
    }
    let allowed = rules.get_field_by_name("in");
    let allowed: Vec<_> =
        allowed.iter().filter_map(|list| list.as_list()).flatten().filter_map(Proto::as_str).collect();
    if !allowed.is_empty() {
        object.insert("enum".to_owned(), allowed.into());
    }
}

fn well_known(name: &str) -> Option<Value> {
    Some(match name {
        "google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "google.protobuf.Duration" => {
            json!({ "type": "string", "format": "duration-seconds", "pattern": "^-?[0-9]{1,12}([.][0-9]{1,9})?s$" })
        }
        "google.protobuf.FieldMask" => json!({ "type": "string" }),
        "google.protobuf.Empty" | "google.protobuf.Struct" => json!({ "type": "object" }),
        "google.protobuf.ListValue" => json!({ "type": "array", "items": {} }),
        "google.protobuf.Value" | "google.protobuf.Any" => json!({}),
        "google.protobuf.BoolValue" => json!({ "type": ["boolean", "null"] }),
        "google.protobuf.StringValue" => json!({ "type": ["string", "null"] }),
        "google.protobuf.UInt32Value" | "google.protobuf.Int32Value" => {
            json!({ "type": ["integer", "null"] })
        }
        _ => return None,
    })
}
