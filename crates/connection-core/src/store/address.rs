//! The addresses of servers as people write them, and what of them may be shown.
//!
//! A password may contain any character. An address is therefore cut at its last `@`; where that could be in a value of
//! the query, nothing but the scheme is shown.
//!
//! As in a relative reference (RFC 3986, section 4.2), the first part of a path has no colon: what precedes it would be
//! read as a scheme, a user or a host. Such a name is given as `./a:b`.

use std::{fmt, path::Path};

/// The settings of a connection in texts such as `host=db user=app`, in any letter case, also with `PG` before them.
const SETTINGS: &[&str] = &[
    "application_name",
    "connect_timeout",
    "data source",
    "database",
    "dbname",
    "dsn",
    "host",
    "hostaddr",
    "pass",
    "passfile",
    "passwd",
    "password",
    "port",
    "psw",
    "pwd",
    "server",
    "service",
    "sslmode",
    "sslpassword",
    "uid",
    "user",
    "user id",
    "username",
];

/// The settings whose values are passwords, or contain them.
const PASSWORDS: &[&str] = &["dsn", "pass", "passwd", "password", "psw", "pwd", "sslpassword"];

/// The ends of names of files. A name with an `@` and one of them is no login such as `app/secret@db`.
const FILE_ENDS: &[&str] = &[
    ".backup", ".bak", ".conf", ".crt", ".db", ".db3", ".json", ".key", ".pem", ".sqlite", ".sqlite3", ".toml", ".txt",
];

/// The parameters of an address whose values may contain an `@`.
const PARAMETERS: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "options",
    "password",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "user",
];

/// The text in place of what may contain a part of a password.
const HIDDEN: &str = "…";

/// The address of a server, or the path of a file, as a person gave it. It may contain a password.
///
/// # Examples
///
/// ```
/// use connection_core::StoreAddress;
///
/// let address = StoreAddress::new("postgres://app:p#ss@db.example:5432/app?sslmode=require");
/// assert!(address.has_password());
/// assert_eq!(address.without_credentials(), "postgres://db.example:5432/app");
///
/// assert!(StoreAddress::new("app:secret@db/app").not_a_path().is_some());
/// assert!(StoreAddress::new("/srv/app.db").not_a_path().is_none());
/// ```
#[derive(Clone, Copy)]
pub struct StoreAddress<'a>(&'a str);

impl<'a> StoreAddress<'a> {
    /// Returns the address with this text.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the reason why the text is not used as a path, as in "the path is in quotation marks"; `None` if it may
    /// be a path. A file that [exists](Self::exists) can be used in spite of a reason.
    pub fn not_a_path(self) -> Option<&'static str> {
        if self.has_control_characters() {
            Some("has a control character in it, such as the end of a line")
        } else if self.is_quoted() {
            Some("is in quotation marks")
        } else if self.is_of_server() {
            Some("is an address, such as that of a server")
        } else if self.is_unfinished() {
            Some("has a placeholder in it that was not replaced, or a quotation mark or white space at an end")
        } else {
            None
        }
    }

    /// Returns `true` if there is a file or a directory of this name, which is no address then, whatever it looks like.
    pub fn exists(self) -> bool {
        Path::new(self.0).exists()
    }

    /// Returns `true` if the text contains a password, or something in the place of one. A path has none.
    pub fn has_password(self) -> bool {
        let text = self.0;
        if names_file(text) || is_path(text) {
            return false;
        }
        let (scheme, rest) = split_scheme(text).unwrap_or(("", text));
        let has_settings = scheme.is_empty() && names_one_of(text, SETTINGS);
        let has_word = !has_settings && has_word_as_port(rest);
        let has_login = scheme.is_empty() && has_login(text) && user_part(scheme, rest).contains('/');
        has_word
            || has_login
            || is_unsplit(text)
            || names_one_of(text, PASSWORDS)
            || user_part(scheme, rest).contains(':')
    }

    /// Returns the text for people, without a user, a password and parameters.
    pub fn without_credentials(self) -> String {
        let text = self.0;
        if after(text, "sqlite:").is_some() {
            return text.split(['?', '#']).next().unwrap_or_default().to_owned();
        }
        match split_scheme(text) {
            _ if is_path(text) => text.to_owned(),
            Some((scheme, rest)) => format!("{scheme}://{}", place(rest).unwrap_or(HIDDEN)),
            None if !self.is_of_server() => text.to_owned(),
            None if names_one_of(text, SETTINGS) || is_unsplit(text) => HIDDEN.to_owned(),
            None => place(text).filter(|place| !place.contains("://")).unwrap_or(HIDDEN).to_owned(),
        }
    }

    /// Returns `true` if the text looks like an address of a server, in any form. A text that begins as a path does not.
    pub(super) fn is_of_server(self) -> bool {
        let text = self.0;
        let has_colon = || text.split('/').next().is_some_and(|first| first.contains(':'));
        let has_user = || text.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'));
        let is_address = || has_colon() || has_user() || has_login(text) || has_port(text) || is_unsplit(text);
        !is_path(text) && (is_address() || names_one_of(text, SETTINGS))
    }

    /// Returns the scheme of an address such as `mysql://db`, unless it is one for PostgreSQL, such as
    /// `postgresql+asyncpg://db` or `jdbc:postgresql://db`.
    pub(super) fn other_engine(self) -> Option<&'a str> {
        let is_postgres = |scheme: &&str| after(scheme, "postgres").or_else(|| after(scheme, "pg")).is_some();
        split_scheme(self.0).map(|(scheme, _)| scheme).filter(|scheme| !is_postgres(scheme))
    }

    /// Returns `true` if the text has a scheme that this program takes for PostgreSQL, in any letter case.
    pub(super) fn is_of_postgres(self) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| after(self.0, scheme).is_some())
    }

    /// Returns the path in an address such as `sqlite:///srv/app.db`.
    pub(super) fn path_of_url(self) -> Option<&'a str> {
        after(self.0, "sqlite://").or_else(|| after(self.0, "sqlite:"))
    }

    /// Returns `true` for a `file:` URI.
    pub(super) fn is_file_uri(self) -> bool {
        after(self.0, "file:").is_some()
    }

    /// Returns `true` if the text is in quotation marks, which some programs leave around the values of variables.
    pub(super) fn is_quoted(self) -> bool {
        ['"', '\''].into_iter().any(|mark| self.0.len() > 1 && self.0.starts_with(mark) && self.0.ends_with(mark))
    }

    /// Returns `true` if the text is not what somebody meant to give: it has a placeholder that another program would have
    /// replaced, such as `${NAME}`, or a quotation mark, white space or a byte order mark at an end. A text that begins as
    /// a path is taken as it is.
    pub(super) fn is_unfinished(self) -> bool {
        let text = self.0;
        let is_mark = |character: char| matches!(character, '"' | '\'' | '\u{feff}') || character.is_whitespace();
        let is_name = |rest: &str| rest.starts_with(|first: char| first.is_ascii_alphabetic() || "_{(".contains(first));
        let has_variable = || text.split('$').skip(1).any(is_name) || text.starts_with('%') && text[1..].contains('%');
        let has_placeholder = || text.starts_with('<') || text.contains("{{");
        !is_path(text) && (text.starts_with(is_mark) || text.ends_with(is_mark) || has_variable() || has_placeholder())
    }

    /// Returns `true` if the address asks for TLS in a way that the driver ignores: by a parameter with another name, such
    /// as `SSLMODE` or `ssl`, or in the value of another parameter.
    pub(super) fn has_unknown_tls_parameter(self) -> bool {
        let (_, query) = self.0.split_once('?').unwrap_or_default();
        query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).any(|(name, value)| {
            let [words, value] = [name, value].map(str::to_ascii_lowercase);
            let is_of_tls = words.contains("ssl") || words.contains("tls") || value.starts_with("verify-");
            let is_known = PARAMETERS.contains(&name) || ["sslmode", "ssl-mode"].contains(&name);
            is_of_tls && !is_known || value.contains("sslmode")
        })
    }

    pub(super) fn has_control_characters(self) -> bool {
        self.0.contains(char::is_control)
    }

    /// Returns `true` if the host would be read from a part of the password, because a character of the password, such
    /// as `#`, ends the host.
    pub(super) fn has_unencoded_password(self) -> bool {
        let rest = split_scheme(self.0).map_or(self.0, |(_, rest)| rest);
        let tail = &rest[authority(rest).len()..];
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let is_parameter = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| PARAMETERS.contains(&name));
        let in_parameters = query.split('&').all(|pair| !pair.contains('@') || is_parameter(pair));
        tail.contains('@') && (tail.contains('#') || path.contains('@') || !in_parameters)
    }

    /// Returns `true` if an address has a list of servers between its `@` and its path, as other drivers read it.
    pub(super) fn names_several_servers(self) -> bool {
        let authority = authority(split_scheme(self.0).map_or(self.0, |(_, rest)| rest));
        authority.rsplit_once('@').map_or(authority, |(_, servers)| servers).contains(',')
    }

    /// Returns the address of a server in the form that this program takes, without a password. What is not certain to
    /// be no part of a password is replaced by a word such as `HOST`.
    pub(super) fn corrected(self) -> String {
        let text = self.0;
        if names_one_of(text, SETTINGS) {
            return of_settings(text);
        }
        let is_of_place = |place: &&str| place.split([':', '/']).all(|word| word.is_empty() || is_plain(word));
        let (scheme, rest) = split_scheme(text).unwrap_or(("", text));
        let given = rest.rsplit_once('@').map(|(before, _)| before).filter(|_| !is_unsplit(text));
        // Without a scheme and a colon, a single word may be the password.
        let user = given.filter(|before| !scheme.is_empty() || before.contains(':'));
        let user = user.and_then(|before| before.split(':').next()).filter(|user| is_plain(user)).unwrap_or("USER");
        let is_known = given.is_some() || !scheme.is_empty();
        let place = is_known.then(|| place(rest)).flatten().filter(is_of_place).unwrap_or("HOST:PORT/DATABASE");
        format!("postgres://{user}@{}", place.strip_prefix("//").unwrap_or(place))
    }
}

impl fmt::Debug for StoreAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreAddress").field(&self.without_credentials()).finish()
    }
}

/// Returns `true` if the text begins as a path does that is no name in the working directory.
fn is_path(text: &str) -> bool {
    match text.as_bytes() {
        [b'/' | b'.' | b'~' | b'\\', ..] => true,
        [drive, b':', ..] if cfg!(windows) => drive.is_ascii_alphabetic(),
        // This may also be a user with a password that begins with a slash.
        [drive, b':', b'/' | b'\\', ..] => drive.is_ascii_alphabetic() && !text.contains('@'),
        _ => false,
    }
}

/// Returns what follows a name at the beginning of the text, in any letter case.
fn after<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(rest)
}

/// Returns `true` for the forms that name a file, or a database in memory, also those that are refused.
fn names_file(text: &str) -> bool {
    ["sqlite:", "file:", ":memory:"].iter().any(|name| after(text, name).is_some())
}

/// Returns the scheme, and what follows it. In addresses of Java, `jdbc:` precedes the scheme.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let text = after(text, "jdbc:").unwrap_or(text);
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.split_once("://").filter(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_of_scheme)
    })
}

/// Returns what a reader of addresses takes for the user and the host.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Returns what may be a user with a password.
fn user_part<'a>(scheme: &str, rest: &'a str) -> &'a str {
    let authority = authority(rest);
    // The path of an address for events may contain an `@`.
    let is_web = scheme.starts_with("http") && (authority.contains('@') || has_number(authority));
    match rest.rsplit_once('@') {
        Some((before, _)) if !is_web && !may_be_query(before) => before,
        _ => authority.rsplit_once('@').map_or("", |(user, _)| user),
    }
}

/// Returns the host with its port and the database, which is left out if it could hold a setting; `None` if the host could
/// be a part of a password.
fn place(rest: &str) -> Option<&str> {
    let place = match rest.rsplit_once('@') {
        Some((before, _)) if may_be_query(before) => return None,
        Some((_, place)) => place,
        None => rest,
    };
    let ends = |character: char| character.is_whitespace() || matches!(character, '?' | '#' | '&' | ';');
    let place = place.split(ends).next().unwrap_or_default();
    let server = authority(place);
    let has_setting = place[server.len()..].contains([':', '=', '%']);
    let is_host = has_number(server) && !server.contains(['=', '%']);
    is_host.then_some(if has_setting { server } else { place })
}

/// Returns `true` if the text may contain a parameter, so that an `@` after it may be in the value of that parameter.
fn may_be_query(text: &str) -> bool {
    text.find(['?', '#']).is_some_and(|start| text[start..].contains('='))
}

/// Returns `true` if the port of a server is a number, or if there is none.
fn has_number(server: &str) -> bool {
    let after_address = server.strip_prefix('[').map(|rest| rest.split_once(']').map_or("", |(_, after)| after));
    let port = after_address.unwrap_or(server).split_once(':');
    port.is_none_or(|(_, port)| port.is_empty() || is_port(port))
}

/// Returns `true` for the number of a port. A number with more digits may be a password.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Returns `true` if something else stands where the number of a port would, such as the password in `app:secret/db`.
/// Other drivers take a list of servers.
fn has_word_as_port(rest: &str) -> bool {
    let authority = authority(rest);
    let servers = authority.rsplit_once('@').map_or(authority, |(_, servers)| servers);
    !servers.split(',').all(has_number)
}

/// Returns `true` if nobody can tell the password in the text: in a line of a password file of PostgreSQL
/// (`HOST:PORT:DATABASE:USER:PASSWORD`), and in an address whose colons are encoded.
fn is_unsplit(text: &str) -> bool {
    let mut fields = text.splitn(5, ':');
    let has_port = fields.nth(1).is_some_and(|port| port == "*" || is_port(port));
    let is_line = has_port && fields.count() == 3;
    split_scheme(text).is_none() && (is_line || text.to_ascii_lowercase().contains("%3a"))
}

/// Returns `true` for a host with a port, also with a user or a database.
fn has_port(text: &str) -> bool {
    let place = text.rsplit_once('@').map_or(text, |(_, place)| place);
    let server = place.split('/').next().unwrap_or_default();
    server.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && is_port(port))
}

/// Returns `true` for a login without a scheme, such as `app/secret@db`, and not for a name such as `me@work.db`.
fn has_login(text: &str) -> bool {
    text.contains('@') && !FILE_ENDS.iter().any(|end| text.to_ascii_lowercase().ends_with(end))
}

/// Returns `true` if the text gives a value to one of these settings.
fn names_one_of(text: &str, settings: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    let is_between = |character: char| character.is_whitespace() || matches!(character, '?' | '&' | ';' | ',' | ':');
    text.match_indices('=').any(|(end, _)| {
        let mut words = text[..end].trim_end().rsplit(is_between);
        let (last, before) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        // What is before the name may be encoded, as in `%3Fpassword=`.
        let name = last.rsplit_once('%').map_or(last, |(_, encoded)| encoded.get(2..).unwrap_or_default());
        let is_one = |name: &str| settings.contains(&name);
        is_one(name.strip_prefix("pg").unwrap_or(name)) || is_one(&format!("{before} {last}"))
    })
}

/// Returns the address for settings such as `host=db user=app`. Nothing is read after a password or after another word,
/// because it may be a part of a password.
fn of_settings(text: &str) -> String {
    let is_one_of = |name: &str, settings: &[&str]| settings.iter().any(|setting| name.eq_ignore_ascii_case(setting));
    let is_shown = |name: &str| is_one_of(name, SETTINGS) && !is_one_of(name, PASSWORDS);
    let words = text.split_whitespace().map_while(|word| word.split_once('='));
    let given: Vec<(&str, &str)> = words.take_while(|(name, _)| is_shown(name)).collect();
    let value = |wanted: &str| {
        let found = given.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| *value).filter(|value| is_plain(value))
    };
    let user = value("user").unwrap_or("USER");
    let host = value("host").unwrap_or("HOST");
    let port = value("port").map(|port| format!(":{port}")).unwrap_or_default();
    let database = value("dbname").unwrap_or("DATABASE");
    format!("postgres://{user}@{host}{port}/{database}")
}

/// Returns `true` for a name without characters that have a meaning in addresses.
fn is_plain(name: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !name.is_empty() && name.bytes().all(is_of_name)
}

/// Returns the beginning of the sentence for a database that is not available.
pub(super) fn unavailable(place: &str) -> String {
    match server(place) {
        Some(server) => format!("cannot reach {server}"),
        None => format!("the database {place} is not available"),
    }
}

/// Returns the name of a database for people: `PostgreSQL at db.example:5432`, or the path of a file.
pub(crate) fn called(place: &str) -> String {
    server(place).unwrap_or_else(|| format!("the database {place}"))
}

/// Returns the server of a database, without the name of the database on it; `None` for a file.
fn server(place: &str) -> Option<String> {
    let there = place.strip_prefix("postgres://")?;
    Some(format!("PostgreSQL at {}", there.rsplit_once('/').map_or(there, |(server, _)| server)))
}

/// Returns `true` for the address of a server, and `false` for the path of a file.
pub(super) fn is_server(place: &str) -> bool {
    place.starts_with("postgres://")
}
