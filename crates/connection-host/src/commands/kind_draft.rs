//! The file that `kinds new` writes, from the answers of a person.

use std::{collections::BTreeMap, fmt::Write as _};

/// Examples that stand for answers which are still missing.
const EXAMPLES: [(&str, &str); 9] = [
    ("authorize", "https://example.com/authorize"),
    ("base", "https://api.example.com"),
    ("header", "X-Api-Key"),
    ("id", "draft"),
    ("mechanism", "none"),
    ("name", "Draft"),
    ("parameter", "key"),
    ("place", "bearer"),
    ("token", "https://example.com/token"),
];

/// The answers of a person, by the names of the questions.
#[derive(Debug, Default)]
pub(super) struct Draft(BTreeMap<String, String>);

impl Draft {
    pub(super) fn set(&mut self, name: &str, answer: String) {
        self.0.insert(name.to_owned(), answer);
    }

    /// Returns an answer; an example, or nothing, if it is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        let example = || EXAMPLES.iter().find(|(known, _)| *known == name).map(|(_, example)| *example);
        self.0.get(name).map(String::as_str).or_else(example).unwrap_or_default()
    }

    /// Returns `true` if the question was answered so.
    pub(super) fn is(&self, name: &str, answer: &str) -> bool {
        self.0.get(name).is_some_and(|given| given == answer)
    }

    /// Returns an id that follows from the name of the provider.
    pub(super) fn suggested_id(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let plain: String = self.get("name").chars().map(plain).collect();
        plain.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    }

    /// Returns the file in TOML.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("format = 1\n");
        for key in ["id", "name", "mechanism"] {
            line(&mut text, key, &quoted(self.get(key)));
        }
        for (name, label, is_secret) in self.fields() {
            _ = write!(text, "\n[[fields]]\nname = \"{name}\"\nlabel = \"{label}\"\n");
            if *is_secret {
                text.push_str("secret = true\n");
            }
        }
        text.push_str("\n[request]\n");
        line(&mut text, "base", &list([self.get("base")]));
        if let Some(attached) = self.attached() {
            _ = writeln!(text, "{attached}");
        }
        self.oauth2(&mut text);
        if !self.get("verify").is_empty() {
            text.push_str("\n[verify]\n");
            line(&mut text, "path", &quoted(self.get("verify")));
            text.push_str("\n[account]\n");
            line(
                &mut text,
                "id",
                &list([if self.get("accountId").is_empty() { "/id" } else { self.get("accountId") }]),
            );
            if !self.get("accountName").is_empty() {
                line(&mut text, "label", &list([self.get("accountName")]));
            }
        }
        text
    }

    fn fields(&self) -> &'static [(&'static str, &'static str, bool)] {
        match self.get("mechanism") {
            "api_key" => &[("apiKey", "API key", true)],
            "basic" => &[("username", "User name", false), ("password", "Password", true)],
            _ => &[],
        }
    }

    /// Returns how the credential is attached to calls.
    fn attached(&self) -> Option<String> {
        let key = quoted("${secret.apiKey}");
        match (self.get("mechanism"), self.get("place")) {
            ("api_key", "header") => Some(format!("headers = {{ {} = {key} }}", quoted(self.get("header")))),
            ("api_key", "query") => Some(format!("query = {{ {} = {key} }}", quoted(self.get("parameter")))),
            ("api_key", _) => Some(String::from("headers = { Authorization = \"Bearer ${secret.apiKey}\" }")),
            ("basic", _) => {
                Some(String::from("basic = { user = \"${config.username}\", password = \"${secret.password}\" }"))
            }
            _ => None,
        }
    }

    /// Returns the scopes. People type them with spaces or with commas between them.
    fn scopes(&self) -> impl Iterator<Item = &str> {
        let is_separator = |c: char| c == ',' || c.is_whitespace();
        self.get("scopes").split(is_separator).filter(|scope| !scope.is_empty())
    }

    fn oauth2(&self, text: &mut String) {
        if self.get("mechanism") != "oauth2" {
            return;
        }
        text.push_str("\n[oauth2]\n");
        line(text, "authorize", &quoted(self.get("authorize")));
        line(text, "token", &quoted(self.get("token")));
        line(text, "scopes", &list(self.scopes()));
    }
}

// Writing to a `String` cannot fail.
fn line(text: &mut String, key: &str, value: &str) {
    _ = writeln!(text, "{key} = {value}");
}

fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", quoted.join(", "))
}

/// Returns a text as TOML writes it. Its escapes are those of JSON, and it escapes one character more.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
