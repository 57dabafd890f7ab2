//! Converts names of a declaration to environment variables.

use crate::ExtensionError;
use connection_contract::{Secret, Value};

/// Variables that shells, loaders and interpreters read: a secret there could make a program do something else, or send
/// its requests elsewhere. The names are in capital letters, as every variable is that this module makes. Programs that
/// read only `http_proxy` are not affected, because no variable of that name is made.
const RESERVED: &[&str] = &[
    "ALL_PROXY",
    "BASHOPTS",
    "BASH_ENV",
    "CDPATH",
    "CLASSPATH",
    "ENV",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LANG",
    "LOGNAME",
    "LUA_INIT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NO_PROXY",
    "OLDPWD",
    "PATH",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PROMPT_COMMAND",
    "PS4",
    "PWD",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
    "SHELL",
    "SHELLOPTS",
    "SYSTEMROOT",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "USER",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];
const RESERVED_PREFIXES: &[&str] = &["CONNECTIONS_", "DYLD_", "GIT_", "LC_", "LD_", "LUA_INIT_"];

/// Returns variables with their values. Each element of `named` is a name, a prefix and a value.
///
/// # Errors
///
/// [`ExtensionError::Variable`].
pub(super) fn variables<'n>(
    named: impl IntoIterator<Item = (&'n str, &'static str, Secret)>,
) -> Result<Vec<(String, Secret)>, ExtensionError> {
    let mut variables: Vec<(String, Secret)> = Vec::new();
    for (name, before, value) in named {
        let variable = format!("{before}{}", to_upper_words(name));
        let refused = |why| ExtensionError::Variable { name: name.to_owned().into(), why };
        if variables.iter().any(|(known, _)| *known == variable) {
            return Err(refused("another name becomes the same variable"));
        }
        let is_reserved =
            RESERVED.contains(&&*variable) || RESERVED_PREFIXES.iter().any(|beginning| variable.starts_with(beginning));
        if is_reserved {
            return Err(refused("the operating system itself reads that variable"));
        }
        if value.expose().contains(&0) {
            return Err(refused("its value has a byte that no variable can contain"));
        }
        if value.expose_str().is_none() {
            return Err(refused("its value is not text"));
        }
        variables.push((variable, value));
    }
    Ok(variables)
}

/// Converts `apiBaseURL` to `API_BASE_URL`. A word begins after a character that is not a letter or digit, at a capital
/// after a small letter or a digit, and at the last of several capitals if a small letter follows.
fn to_upper_words(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            words.push('_');
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let small_follows = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase() || before.is_ascii_digit() || (before.is_ascii_uppercase() && small_follows)
            });
        if begins {
            words.push('_');
        }
        words.push(letter.to_ascii_uppercase());
    }
    words
}

/// Returns text as it is, and everything else as JSON.
pub(super) fn text(value: &Value) -> Secret {
    match value {
        Value::Text(text) => Secret::from(text.as_str()),
        other => Secret::from(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words_in_capital_letters() {
        for (name, variable) in [
            ("accessToken", "ACCESS_TOKEN"),
            ("apiBaseUrl", "API_BASE_URL"),
            ("apiBaseURL", "API_BASE_URL"),
            ("APIKey", "API_KEY"),
            ("oauth2Token", "OAUTH2_TOKEN"),
            ("api-key", "API_KEY"),
            ("a.b_c", "A_B_C"),
            ("token", "TOKEN"),
            ("s3Key", "S3_KEY"),
        ] {
            assert_eq!(to_upper_words(name), variable);
        }
    }

    #[test]
    fn colliding_and_reserved_variables_are_refused() {
        let made = |names: &[(&'static str, &'static str, &'static str)]| {
            let named = names.iter().map(|(name, before, value)| (*name, *before, Secret::from(*value)));
            match variables(named) {
                Ok(variables) => variables.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" "),
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(made(&[("accessToken", "", "a"), ("url", "PUBLIC_", "b")]), "ACCESS_TOKEN PUBLIC_URL");
        assert_eq!(
            made(&[("apiKey", "", "a"), ("api_key", "", "b")]),
            "'api_key' cannot be an environment variable: another name becomes the same variable"
        );
        let names = [
            "path",
            "ldPreload",
            "dyld.insertLibraries",
            "bashEnv",
            "node-options",
            "gitDir",
            "lcAll",
            "connectionsHome",
            "perl5db",
            "luaInit",
            "LUA_INIT_5_4",
            "jdkJavaOptions",
            "_javaOptions",
            "classpath",
            "nodePath",
            "zdotdir",
            "shellopts",
            "bashopts",
            "ps4",
            "gconvPath",
            "glibc.tunables",
            "http_proxy",
            "httpsProxy",
            "ALL_PROXY",
            "no-proxy",
        ];
        for name in names {
            assert!(made(&[(name, "", "a")]).ends_with("the operating system itself reads that variable"), "{name}");
        }
        assert!(made(&[("token", "", "a\0b")]).ends_with("a byte that no variable can contain"));
        // A name that only looks reserved, or that has a prefix, is accepted.
        assert_eq!(made(&[("path", "PUBLIC_", "a"), ("gitlabToken", "", "b")]), "PUBLIC_PATH GITLAB_TOKEN");
        assert_eq!(made(&[("luaInitial", "", "a"), ("ps4", "PREFERENCE_", "b")]), "LUA_INITIAL PREFERENCE_PS4");
        let bytes = variables([("token", "", Secret::new([0xff, 0xfe]))]).unwrap_err();
        assert_eq!(bytes.to_string(), "'token' cannot be an environment variable: its value is not text");
    }
}
