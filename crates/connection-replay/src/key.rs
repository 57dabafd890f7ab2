//! A key that a person pasted: what comes along with it is taken off, and what cannot be a key is refused.

use crate::characters::is_invisible;

/// One thing that may stand around a key. Returns what is left, which is shorter, or `None` if it is not there.
type Step = fn(&str) -> Option<&str>;

/// What programs, headers and pages put before a key. It is taken off whatever the pattern of the field.
const BEFORE: [Step; 3] = [after_name, after_label, after_scheme];
/// What stands around a key in a page, a chat or a source. A pattern that fits the text with it decides that it is a part of
/// the key.
const AROUND: [Step; 9] = [
    of_object,
    in_marks,
    before_comma,
    before_escape,
    before_entity,
    after_entity,
    after_name,
    after_label,
    after_scheme,
];
/// The largest number of layers that are taken off.
const MAX_LAYERS: usize = 16;
/// The names of entities of HTML that are no part of a key.
const ENTITIES: [&str; 10] = ["amp", "apos", "emsp", "ensp", "gt", "lt", "nbsp", "quot", "shy", "thinsp"];
/// White space as addresses have it.
const ESCAPES: [&str; 4] = ["%09", "%0a", "%0d", "%20"];
/// The words that end the name of a key.
const NAMES: [&str; 7] = ["apikey", "credential", "id", "key", "pat", "secret", "token"];
/// The words with which a placeholder begins.
const REQUESTS: [&str; 5] = ["enter", "insert", "paste", "replace", "your"];
/// The words that stand in place of a key.
const REDACTIONS: [&str; 5] = ["changeme", "hidden", "placeholder", "redacted", "removed"];
/// The words of a placeholder in brackets, beside [`NAMES`].
const KINDS: [&str; 13] =
    ["a", "access", "account", "api", "app", "auth", "bearer", "client", "my", "personal", "private", "the", "value"];

/// Returns a copied key without what came along with it: no key begins or ends with these characters, and none contains an
/// invisible one. `fits` says whether the pattern of the field, if it has one, fits a key.
///
/// # Errors
///
/// The text is no key, or has a character that none contains.
pub(crate) fn taken(text: &str, fits: impl Fn(&str) -> bool) -> Result<&str, &'static str> {
    // A line of JSON or of a program goes on after the quotation mark.
    let line = text.trim_end_matches(is_blank).strip_suffix([',', ';']).filter(|line| line.ends_with(is_quote));
    let usual = without(line.unwrap_or(text), &BEFORE);
    // An address is cleaned by those who read its parts: a code at its end may be followed by any of these characters.
    let is_whole = fits(usual) || usual.contains("://");
    let key = if is_whole { usual } else { without(usual, &AROUND) };
    match key {
        _ if is_masked(usual) => Err(
            "is shortened or masked, with dots or stars in place of characters; copy the whole key from the provider",
        ),
        _ if is_placeholder(usual) || is_placeholder(key) => {
            Err("is a placeholder, such as an example has in place of a key; copy the key itself from the provider")
        }
        "" => Err("has nothing but characters around a key, such as blanks or quotation marks; copy the key itself"),
        key if key.contains(|c: char| is_invisible(c) || c.is_whitespace() && !c.is_ascii()) => Err(
            "has an invisible character inside, such as a no-break space or a soft hyphen; copy it again from the provider",
        ),
        key if key.contains(|c: char| is_quote(c) && !c.is_ascii()) => {
            Err("has a typographic quotation mark inside; copy it again from the provider")
        }
        key if key.contains(is_dash) => {
            Err("has a typographic dash inside, in place of a hyphen; copy it again from the provider")
        }
        key => Ok(key),
    }
}

/// Takes off what the steps find, one layer after another, and the blanks and quotation marks around the rest each time.
fn without<'t>(text: &'t str, steps: &[Step]) -> &'t str {
    let is_around = |c: char| is_blank(c) || is_quote(c);
    let mut key = text.trim_matches(is_around);
    for _ in 0..MAX_LAYERS {
        let Some(rest) = steps.iter().find_map(|step| step(key)) else { break };
        key = rest.trim_matches(is_around);
    }
    key
}

/// Returns the value of a JSON object with one member, which is a text without escapes.
fn of_object(text: &str) -> Option<&str> {
    let member = text.strip_prefix('{')?.strip_suffix('}')?.trim();
    let (_, value) = member.strip_prefix('"')?.strip_suffix('"')?.split_once('"')?;
    let value = value.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    (!value.contains(['"', '\\'])).then_some(value)
}

/// Returns the text between the asterisks of Markdown, or between angle brackets.
fn in_marks(text: &str) -> Option<&str> {
    let between = |open: char, close: char| text.strip_prefix(open)?.strip_suffix(close);
    between('*', '*').or_else(|| between('<', '>').filter(|inner| !inner.contains(['<', '>'])))
}

fn before_comma(text: &str) -> Option<&str> {
    text.strip_suffix(',')
}

/// Returns the text before white space that is written as in an address.
fn before_escape(text: &str) -> Option<&str> {
    let (key, end) = text.split_at_checked(text.len().checked_sub(3)?)?;
    has(&ESCAPES, end).then_some(key)
}

/// Returns the text before an entity of HTML, such as `&nbsp;`.
fn before_entity(text: &str) -> Option<&str> {
    let (key, name) = text.strip_suffix(';')?.rsplit_once('&')?;
    is_entity(name).then_some(key)
}

fn after_entity(text: &str) -> Option<&str> {
    let (name, key) = text.strip_prefix('&')?.split_once(';')?;
    is_entity(name).then_some(key)
}

fn is_entity(name: &str) -> bool {
    let number = name.strip_prefix('#').map(|number| number.strip_prefix(['x', 'X']).unwrap_or(number));
    let is_number = |number: &str| (1..=6).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_hexdigit());
    has(&ENTITIES, name) || number.is_some_and(is_number)
}

/// Returns `true` for what an example or a page has in place of a key, such as `YOUR_API_KEY`, `<your token>`, `[REDACTED]`,
/// `{token}` or `sk-xxxx`.
fn is_placeholder(key: &str) -> bool {
    let is_x = |c: char| c.eq_ignore_ascii_case(&'x');
    let last = key.rsplit(['-', '_']).next().unwrap_or_default();
    let is_crossed = last.len() >= 4 && last.chars().all(is_x);
    let words = || key.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_worded = words().all(|word| word.chars().all(char::is_alphabetic));
    let begins = words().next().is_some_and(|word| has(&REQUESTS, word));
    let ends = words().next_back().is_some_and(|word| has(&NAMES, word) || word.eq_ignore_ascii_case("here"));
    let is_bracketed = key.starts_with(['<', '[', '{', '$']) && words().next().is_some();
    is_crossed
        || is_worded && begins && ends
        || is_worded && words().any(|word| has(&["redacted"], word))
        || words().count() == 1 && words().any(|word| has(&REDACTIONS, word))
        || is_bracketed && words().all(|word| has(&NAMES, word) || has(&KINDS, word))
}

/// Returns `true` if the list has the word, in any case.
fn has(list: &[&str], word: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Returns the value in a line of a shell or of a file of variables, such as `export TOKEN=…` or `ACME_API_KEY=…`. Without
/// `export`, `=` may be a part of a key, so the name must say that its value is one, and nothing may follow the value: lists
/// of cookies, connection strings and queries begin alike.
fn after_name(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_capital = |name: &str| is_name(name) && !name.contains(|c: char| c.is_ascii_lowercase());
    let is_of_key = || name.contains('_') && ["KEY", "PAT", "SECRET", "TOKEN"].iter().any(|end| name.ends_with(end));
    let is_assigned = match name.strip_prefix("export ") {
        Some(name) => is_name(name),
        None => is_capital(name) && is_of_key() && !value.contains([';', '&']),
    };
    is_assigned.then_some(value)
}

/// Returns the value of a header, of a member of JSON or after a label, such as `X-Api-Key: …`, `"api_key":"…"`,
/// `API key: …` or `Authorization:…`. Without white space or quotation marks, only a few names are no part of a key, and
/// several words are a label only if the last one says so.
fn after_label(line: &str) -> Option<&str> {
    let (label, value) = line.split_once(':')?;
    let name = label.trim_end_matches(is_quote);
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let is_label = name.split(' ').all(is_word) && name.rsplit(' ').next().is_some_and(|word| has(&NAMES, word));
    let is_name = !name.is_empty() && (is_word(name) || is_label);
    let is_known = has(&["authorization", "bearer"], name);
    let is_quoted = name != label && value.starts_with(is_quote);
    (is_name && (is_known || is_quoted || value.starts_with(is_between))).then_some(value)
}

/// Returns what follows a scheme, as in `Bearer …`, `token …` or `Token token=…`, and one that is repeated. The word alone,
/// as the beginning of a longer word, or as the first of several words is a part of the key.
fn after_scheme(line: &str) -> Option<&str> {
    let (scheme, rest) = line.split_at(line.find(is_between)?);
    let rest = rest.trim_start_matches(is_between);
    let is_token = |word: &str| word.eq_ignore_ascii_case("token");
    let is_scheme = |word: &str| is_token(word) || word.eq_ignore_ascii_case("bearer");
    let mut words = rest.split(is_between);
    let is_repeated = words.next().is_some_and(is_scheme) && words.next().is_some();
    // Servers made with Rails, such as PagerDuty, name the token after the scheme.
    let named = rest.split_once('=').filter(|(name, _)| is_token(scheme) && is_token(name));
    let is_one = is_repeated || !rest.contains(char::is_whitespace);
    (is_scheme(scheme) && is_one).then_some(named.map_or(rest, |(_, value)| value))
}

/// Returns `true` for a key of which a page has hidden a part, with an ellipsis, bullets or stars. An address may contain any
/// of these.
fn is_masked(key: &str) -> bool {
    let is_dot = |c: char| matches!(c, '\u{2022}' | '\u{2026}' | '\u{2219}' | '\u{22ef}' | '\u{25cf}' | '\u{26ab}');
    !key.contains("://") && (key.contains(is_dot) || key.contains("...") || key.contains("****"))
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// Returns `true` for a dash that programs put in place of the hyphens of a text.
fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '`' | '\u{ab}' | '\u{b4}' | '\u{bb}' | '\u{2018}'
            ..='\u{201f}' | '\u{2039}' | '\u{203a}' | '\u{ff02}' | '\u{ff07}'
    )
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}
