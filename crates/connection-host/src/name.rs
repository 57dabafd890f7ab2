//! The name of the program in hints.
//!
//! Texts are written for `connections`, the name of our own binary. In a host with another name, the name is replaced
//! where text leaves the program, so that no hint is missed.

use std::{borrow::Cow, fmt::Display, sync::OnceLock};

/// The name that texts are written with.
pub(crate) const OURS: &str = "connections";

static NAME: OnceLock<&'static str> = OnceLock::new();

/// The options that name a server, for hints of commands that work there.
static HOST: OnceLock<String> = OnceLock::new();

static COMMANDS: OnceLock<Commands> = OnceLock::new();

/// The commands of the program, by which hints are recognized.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commands {
    /// Returns `true` for the name of a command.
    pub(crate) is_known: fn(&str) -> bool,
    /// Returns `true` for a command that works on a server, from a text that begins with its words.
    pub(crate) works_on_server: fn(&str) -> bool,
}

/// Sets the name and the commands of this process's program. Later calls have no effect.
pub(crate) fn set(name: &'static str, commands: Commands) {
    NAME.get_or_init(|| name);
    COMMANDS.get_or_init(|| commands);
}

/// Returns the command that shows how a kind changed, and asks whether to accept it.
pub(crate) fn accept_command(kind: impl Display) -> String {
    format!("connections kinds accept {kind}")
}

/// Sets the options that name the server of this process. Later calls have no effect.
pub(crate) fn set_host(options: String) {
    HOST.get_or_init(|| options);
}

/// Returns the name of the program.
pub(crate) fn name() -> &'static str {
    NAME.get().copied().unwrap_or(OURS)
}

/// Returns a text for people with the host's own command in its hints.
pub(crate) fn hints(text: &str) -> Cow<'_, str> {
    let is_hint = |before: Option<char>| before.is_none_or(|before| before.is_whitespace() || "`\"'(".contains(before));
    renamed(text, name(), HOST.get().map(String::as_str), COMMANDS.get(), is_hint)
}

/// As [`hints`], for JSON, where only text after a backtick is a hint and everything else may be data.
pub(crate) fn quoted_hints(text: &str) -> Cow<'_, str> {
    renamed(text, name(), HOST.get().map(String::as_str), COMMANDS.get(), |before| before == Some('`'))
}

/// Replaces our name with `name` where one of our commands or an option follows, and adds the options that name the
/// server where a command follows that works there.
fn renamed<'a>(
    text: &'a str,
    name: &str,
    host: Option<&str>,
    commands: Option<&Commands>,
    is_hint: impl Fn(Option<char>) -> bool,
) -> Cow<'a, str> {
    let Some(commands) = commands.filter(|_| (name != OURS || host.is_some()) && text.contains(OURS)) else {
        return Cow::Borrowed(text);
    };
    let is_command = |word: &str| word.starts_with("--") || word == "help" || (commands.is_known)(word);
    let mut renamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OURS) {
        renamed.push_str(before);
        let next = after.strip_prefix(' ').unwrap_or_default();
        let word = next.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next().unwrap_or_default();
        let is_named = is_hint(renamed.chars().next_back()) && is_command(word);
        renamed.push_str(if is_named { name } else { OURS });
        renamed.push_str(host.filter(|_| is_named && (commands.works_on_server)(next)).unwrap_or_default());
        rest = after;
    }
    renamed.push_str(rest);
    Cow::Owned(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: Option<&Commands> = Some(&Commands {
        is_known: |word| ["add", "list", "setup", "verify"].contains(&word),
        works_on_server: |words| words.starts_with("list"),
    });

    fn of_acme(text: &str) -> Cow<'_, str> {
        let is_hint = |before: Option<char>| before.is_none_or(|before| before.is_whitespace() || before == '`');
        renamed(text, "acme", None, COMMANDS, is_hint)
    }

    #[test]
    fn hints_name_the_command_of_the_host_and_nothing_else_changes() {
        for (text, expected) in [
            (
                "connect one with `connections add github`, or see `connections list`",
                "connect one with `acme add github`, or see `acme list`",
            ),
            ("Fix with:\n  connections verify github:work", "Fix with:\n  acme verify github:work"),
            ("see `connections --help`", "see `acme --help`"),
            ("the file /var/lib/connections/connections.db", "the file /var/lib/connections/connections.db"),
            ("3 connections were verified; all connections work", "3 connections were verified; all connections work"),
            ("my-connections list", "my-connections list"),
            ("connections", "connections"),
        ] {
            assert_eq!(of_acme(text), expected);
            assert_eq!(renamed(text, OURS, None, COMMANDS, |_| true), text, "ours stays as it is");
        }
    }

    #[test]
    fn a_hint_names_the_server_if_the_command_works_there() {
        let text = "see `connections list`, or run `connections setup list` there";
        let expected = "see `acme --host URL list`, or run `acme setup list` there";
        assert_eq!(renamed(text, "acme", Some(" --host URL"), COMMANDS, |_| true), expected);
        assert_eq!(renamed(text, OURS, Some(" --host URL"), COMMANDS, |_| true), expected.replace("acme", OURS));
    }

    #[test]
    fn in_json_only_a_quoted_command_is_a_hint() {
        let text = r#"{"label":"my connections list","remedy":"see `connections list`"}"#;
        let expected = r#"{"label":"my connections list","remedy":"see `acme list`"}"#;
        assert_eq!(renamed(text, "acme", None, COMMANDS, |before| before == Some('`')), expected);
    }
}
