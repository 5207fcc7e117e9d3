use std::collections::HashMap;
use std::sync::Arc;

use http::Method as Verb;
use keybearer_app::Permission;
use keybearer_core::{Error, Result};
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, MethodDescriptor, Value};

use crate::api::rules::Rules;

const PLAIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
const DOCUMENTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors_documented.bin"));

/// The contract at run time: every method with its HTTP bindings, its permission and the rules of its fields.
#[derive(Debug)]
pub struct Descriptors {
    pool: DescriptorPool,
    methods: HashMap<String, Arc<Method>>,
    rules: Rules,
}

/// One RPC.
#[derive(Debug)]
pub struct Method {
    /// What goes in and comes out.
    pub descriptor: MethodDescriptor,
    /// The HTTP/2 path of the gRPC call, for example `/pkg.Service/Method`.
    pub path: String,
    /// The permission a caller needs.
    pub permission: Permission,
    /// Whether the browser that opened a connect link is admitted.
    pub link_session: LinkSession,
    /// The HTTP status of success.
    pub http_status: u16,
    /// The REST calls that reach it.
    pub bindings: Vec<Binding>,
}

/// Whether a method admits the browser that opened a connect link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkSession {
    /// Only API clients.
    Never,
    /// API clients and browsers.
    Also,
    /// Only browsers.
    Only,
}

/// One REST call that reaches a method.
#[derive(Clone, Debug)]
pub struct Binding {
    /// GET, PUT, POST, DELETE or PATCH.
    pub verb: Verb,
    /// Path template, for example `/api/v1/connections/{connection_id}:enable`.
    pub template: String,
    /// Where the body goes: `*` for the whole request, a field name, or empty for no body.
    pub body: String,
}

impl Descriptors {
    /// Reads the contract that was compiled in.
    ///
    /// # Errors
    /// [`keybearer_core::Code::Internal`] when the compiled contract is inconsistent.
    pub fn load() -> Result<Self> {
        Self::from_pool(decode(PLAIN)?)
    }

    /// The same contract with the comments of the .proto files, for documentation.
    ///
    /// # Errors
    /// As [`Descriptors::load`].
    pub fn load_documented() -> Result<Self> {
        Self::from_pool(decode(DOCUMENTED)?)
    }

    fn from_pool(pool: DescriptorPool) -> Result<Self> {
        let http = extension(&pool, "google.api.http")?;
        let access = extension(&pool, "keybearer.v1.access")?;
        let methods = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|descriptor| {
                let method = read_method(descriptor, &http, &access)?;
                Ok((method.path.clone(), Arc::new(method)))
            })
            .collect::<Result<_>>()?;
        let rules = Rules::read(&pool)?;
        Ok(Self { pool, methods, rules })
    }

    /// Every message, service and option.
    pub fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// The method of a gRPC path; `None` when this server does not build it.
    pub fn method(&self, path: &str) -> Option<&Arc<Method>> {
        self.methods.get(path)
    }

    /// Every method, sorted by path.
    pub fn methods(&self) -> Vec<Arc<Method>> {
        let mut methods: Vec<_> = self.methods.values().cloned().collect();
        methods.sort_by(|left, right| left.path.cmp(&right.path));
        methods
    }

    /// What the fields accept.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }
}

fn decode(bytes: &'static [u8]) -> Result<DescriptorPool> {
    DescriptorPool::decode(bytes)
        .map_err(|error| Error::internal("the compiled API contract cannot be read").with_source(error))
}

pub(super) fn extension(pool: &DescriptorPool, name: &str) -> Result<ExtensionDescriptor> {
    pool.get_extension_by_name(name)
        .ok_or_else(|| Error::internal(format!("the compiled API contract lacks the option {name}")))
}

fn read_method(
    descriptor: MethodDescriptor,
    http: &ExtensionDescriptor,
    access: &ExtensionDescriptor,
) -> Result<Method> {
    let options = descriptor.options();
    let mut bindings = Vec::new();
    if options.has_extension(http)
        && let Some(rule) = options.get_extension(http).as_message()
    {
        read_bindings(rule, &mut bindings);
    }
    let access_value = options.get_extension(access);
    // a method that names no permission, or one that does not exist, must not be open to everybody
    let permission = access_value
        .as_message()
        .and_then(|access| Permission::parse(&text(access, "permission")?))
        .ok_or_else(|| {
            Error::internal(format!(
                "the compiled API contract gives {} no permission",
                descriptor.full_name()
            ))
        })?;
    let http_status = access_value
        .as_message()
        .and_then(|access| access.get_field_by_name("http_status")?.as_u32())
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| *status != 0)
        .unwrap_or(200);
    let number = access_value
        .as_message()
        .and_then(|access| access.get_field_by_name("link_session")?.as_enum_number())
        .unwrap_or_default();
    let link_session = match number {
        1 => LinkSession::Also,
        2 => LinkSession::Only,
        _ => LinkSession::Never,
    };
    let path = format!("/{}/{}", descriptor.parent_service().full_name(), descriptor.name());
    Ok(Method { descriptor, path, permission, link_session, http_status, bindings })
}

fn read_bindings(rule: &DynamicMessage, bindings: &mut Vec<Binding>) {
    let verbs = [
        ("get", Verb::GET),
        ("put", Verb::PUT),
        ("post", Verb::POST),
        ("delete", Verb::DELETE),
        ("patch", Verb::PATCH),
    ];
    for (name, verb) in verbs {
        if let Some(template) = text(rule, name) {
            bindings.push(Binding { verb, template, body: text(rule, "body").unwrap_or_default() });
        }
    }
    let Some(more) = rule.get_field_by_name("additional_bindings") else {
        return;
    };
    for entry in more.as_list().unwrap_or_default() {
        if let Value::Message(inner) = entry {
            read_bindings(inner, bindings);
        }
    }
}

pub(super) fn text(message: &DynamicMessage, field: &str) -> Option<String> {
    message.get_field_by_name(field)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}
