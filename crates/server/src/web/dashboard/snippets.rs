//! A call through the proxy in a few languages, with the connection's real name.

/// A call in one language.
pub(super) struct Snippet {
    pub word: &'static str,
    pub label: &'static str,
    pub text: String,
    pub here: bool,
}

/// What is shown before anybody chose.
pub(super) const FIRST: &str = "curl";

const LANGUAGES: [(&str, &str); 3] = [("curl", "curl"), ("node", "Node"), ("python", "Python")];

/// The word of a language that there is.
pub(super) fn known(word: &str) -> Option<&'static str> {
    LANGUAGES.iter().map(|(known, _)| *known).find(|known| *known == word)
}

/// The call in every language; one is shown.
pub(super) fn of(issuer: &str, name: &str, shown: &str) -> Vec<Snippet> {
    let text = |word: &str| match word {
        "node" => node(issuer, name),
        "python" => python(issuer, name),
        _ => curl(issuer, name),
    };
    let one = |(word, label): (&'static str, &'static str)| Snippet {
        word,
        label,
        text: text(word),
        here: word == shown,
    };
    LANGUAGES.into_iter().map(one).collect()
}

/// The call for a command line.
pub(super) fn curl(issuer: &str, name: &str) -> String {
    format!(
        "curl {issuer}/proxy/PATH \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  -H {} \\\n  -H \"Keybearer-User: USER\"",
        quoted(&format!("Keybearer-Connection: {name}"))
    )
}

fn node(issuer: &str, name: &str) -> String {
    format!(
        "const answer = await fetch('{issuer}/proxy/PATH', {{\n  headers: {{\n    authorization: `Bearer ${{process.env.TOKEN}}`,\n    'keybearer-connection': {},\n    'keybearer-user': 'USER',\n  }},\n}});\nconsole.log(answer.status, await answer.json());",
        serde_json::Value::from(name)
    )
}

fn python(issuer: &str, name: &str) -> String {
    format!(
        "import os, urllib.request\n\nrequest = urllib.request.Request('{issuer}/proxy/PATH', headers={{\n    'Authorization': f\"Bearer {{os.environ['TOKEN']}}\",\n    'Keybearer-Connection': {},\n    'Keybearer-User': 'USER',\n}})\nprint(urllib.request.urlopen(request).read().decode())",
        serde_json::Value::from(name)
    )
}

/// Names that came over the wire may hold spaces, never quotes.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
