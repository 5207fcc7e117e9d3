//! Secrets are kept in `Secret`, whose `Debug` shows nothing: a field with the name of one must not be plain text.

use super::source::Source;

const NAMES: [&str; 11] = [
    "access_token",
    "access_token_secret",
    "api_key",
    "client_secret",
    "code_verifier",
    "control_token",
    "id_token",
    "password",
    "private_key",
    "refresh_token",
    "root_key",
];
const PLAIN: [&str; 5] = ["String", "Vec<u8>", "Cow<", "Box<str>", "Arc<str>"];

/// The lines of `path` on which a secret is declared as plain text.
pub fn findings(path: &str, source: &Source) -> Vec<String> {
    // a connector's definition says where in an answer a token stands; the sandbox is the provider that makes them up
    if path.starts_with("crates/connectors/src/schema/") || path.starts_with("crates/sandbox/") {
        return Vec::new();
    }
    let lines = source.code.lines().zip(1..);
    lines
        .filter(|(line, _)| is_plain_secret(line))
        .map(|(line, number)| format!("{number}: a secret that is not wrapped in Secret: {}", line.trim()))
        .collect()
}

fn is_plain_secret(line: &str) -> bool {
    let declared = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
    let Some((name, kind)) = declared.split_once(": ") else { return false };
    let kind = kind.strip_prefix("Option<").unwrap_or(kind);
    NAMES.contains(&name) && PLAIN.iter().any(|plain| kind.starts_with(plain) && !kind.contains("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        findings(path, &Source::read(text)).len()
    }

    #[test]
    fn a_secret_in_plain_text_is_found() {
        let path = "crates/app/src/a.rs";
        for field in
            ["pub password: String,", "refresh_token: Option<String>,", "pub(crate) root_key: Vec<u8>,"]
        {
            assert_eq!(found(path, &format!("struct A {{\n    {field}\n}}")), 1, "{field}");
        }
        for field in
            ["pub password: SecretString,", "password: &str,", "passwords: String,", "// password: String,"]
        {
            assert_eq!(found(path, &format!("struct A {{\n    {field}\n}}")), 0, "{field}");
        }
    }
}
