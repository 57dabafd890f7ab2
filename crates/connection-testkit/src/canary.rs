//! The search for secrets in text, in every form in which a secret may leak.
//!
//! Tests of this workspace that search on their own use this module, too, so that all of them know the same forms.

use std::collections::BTreeSet;

use connection_contract::{Secret, encode};

/// The minimum length of a form in bytes. Shorter forms would be found by chance.
const MIN_LENGTH: usize = 4;

/// Returns every form in which a secret could be written as one text, each with its name.
///
/// The secret is taken forwards and backwards. Each of the two is returned as it is, percent-encoded, escaped, in
/// hexadecimal, and in base64 at each of the three positions that it may have in a longer text.
pub fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let backwards: Vec<u8> = secret.iter().rev().copied().collect();
    let mut forms = written(secret);
    forms.extend(written(&backwards).into_iter().map(|(_, form)| ("backwards", form)));
    let mut known = BTreeSet::new();
    forms.retain(|(_, form)| form.len() >= MIN_LENGTH && known.insert(form.clone()));
    forms
}

fn written(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = encode::hex(secret);
    let mut forms = vec![("raw", secret.to_vec())];
    forms.push(("capital hex", hex.to_ascii_uppercase().into_bytes()));
    forms.push(("hex", hex.into_bytes()));
    // The form in which `Debug` writes a list of bytes. `Lists` finds the other forms of lists.
    forms.push(("numbers", format!("{secret:?}").trim_matches(['[', ']']).into()));
    if let Ok(text) = core::str::from_utf8(secret) {
        let percent = encode::percent_encode(text);
        let characters = format!("{:?}", text.chars().collect::<Vec<_>>());
        forms.extend([
            ("form-encoded", percent.replace("%20", "+").into_bytes()),
            ("percent-encoded twice", encode::percent_encode(&percent).into_bytes()),
            ("percent-encoded in small letters", lower_escapes(&percent).into_bytes()),
            ("percent-encoded", percent.into_bytes()),
            ("escaped", format!("{text:?}").trim_matches('"').as_bytes().to_vec()),
            ("characters", characters.trim_matches(['[', ']']).as_bytes().to_vec()),
            ("UTF-16, little end first", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            ("UTF-16, big end first", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ]);
    }
    for (shift, skip) in [(0, 0), (1, 2), (2, 3)] {
        let shifted = [&vec![b'x'; shift], secret].concat();
        for (name, text) in [("base64", encode::base64(&shifted)), ("base64url", encode::base64url(&shifted))] {
            // The first and the last digit also hold bits of the neighboring bytes.
            let digits = text.trim_end_matches('=');
            let inner = digits.get(skip..digits.len().saturating_sub(1)).unwrap_or_default();
            forms.push((name, inner.as_bytes().to_vec()));
        }
    }
    forms
}

/// Returns the text with its escapes in lower case, such as `%2f` for `%2F`.
fn lower_escapes(percent: &str) -> String {
    let mut parts = percent.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (escape, rest) = part.split_at(part.len().min(2));
        text + "%" + &escape.to_ascii_lowercase() + rest
    })
}

/// Returns the name of a form in which the text contains the secret, if it does.
pub fn found(text: &[u8], secret: &[u8]) -> Option<&'static str> {
    Canary::new(secret).found(text)
}

/// A secret with its forms, which are computed once for many texts.
pub(crate) struct Canary {
    secret: Secret,
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Canary {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { secret: Secret::new(secret), forms: forms(secret) }
    }

    /// Returns `true` if these are the forms of this secret.
    pub(crate) fn is_of(&self, secret: &[u8]) -> bool {
        self.secret.expose() == secret
    }

    /// Returns the name of a form in which the text contains the secret, if it does.
    pub(crate) fn found(&self, text: &[u8]) -> Option<&'static str> {
        let holds = |form: &[u8]| text.windows(form.len()).any(|window| window == form);
        let as_text = self.forms.iter().find(|(_, form)| holds(form));
        as_text.map(|(name, _)| *name).or_else(|| Lists::of(text).found(self.secret.expose()))
    }
}

/// Returns the text with every form of these secrets replaced, for messages.
pub(crate) fn redacted(text: &str, secrets: &[Canary]) -> String {
    let mut text = text.to_owned();
    for (_, form) in secrets.iter().flat_map(|secret| &secret.forms) {
        if let Ok(form) = core::str::from_utf8(form)
            && text.contains(form)
        {
            text = text.replace(form, "[secret]");
        }
    }
    text
}

/// The numbers of a text, in each base in which bytes are written.
///
/// The characters between the numbers do not matter: `[99, 97]`, `99,\n 97`, `0x63:0x61`, `63 61`, `\x63\x61`, `%63%61`
/// and `6361 6e61` are all read.
#[derive(Debug)]
pub struct Lists([(&'static str, Vec<Option<u8>>); 4]);

impl Lists {
    /// Reads the numbers of this text.
    pub fn of(text: &[u8]) -> Self {
        let bases = [("numbers", 10), ("hex numbers", 16), ("octal numbers", 8), ("binary numbers", 2)];
        Self(bases.map(|(name, base)| (name, numbers(text, base))))
    }

    /// Returns the name of the base in which the numbers contain the secret, forwards or backwards, if they do.
    pub fn found(&self, secret: &[u8]) -> Option<&'static str> {
        if secret.len() < MIN_LENGTH {
            return None;
        }
        let backwards: Vec<u8> = secret.iter().rev().copied().collect();
        self.0.iter().find_map(|(name, numbers)| {
            let is_there = |secret: &[u8]| {
                let same = |window: &[Option<u8>]| window.iter().zip(secret).all(|(one, other)| *one == Some(*other));
                numbers.windows(secret.len()).any(same)
            };
            (is_there(secret) || is_there(&backwards)).then_some(*name)
        })
    }
}

/// Returns the bytes that the text holds as numbers in this base, with `None` for each word that is not a number.
fn numbers(text: &[u8], base: u32) -> Vec<Option<u8>> {
    let mut numbers = Vec::new();
    for word in text.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = core::str::from_utf8(word).unwrap_or_default();
        // Literals of Rust and other languages have suffixes and prefixes.
        let word = word.strip_suffix("u8").unwrap_or(word);
        let word = ["0x", "0o", "0b", "x", "u"].iter().find_map(|prefix| word.strip_prefix(prefix)).unwrap_or(word);
        let one = |word: &str| u8::from_str_radix(word, base).ok();
        match word.len() {
            0 => {}
            // A word of a hex dump holds several bytes.
            length if base == 16 && length > 2 && length.is_multiple_of(2) && word.len() <= 16 => {
                numbers.extend((0..length).step_by(2).map(|at| word.get(at..at + 2).and_then(one)));
            }
            _ => numbers.push(one(word)),
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use core::fmt::{self, Debug};

    use super::{forms, found};

    const SECRET: &str = "canary?one>Aa~9+/=";

    /// A type of a plugin whose `Debug` shows its bytes by mistake.
    #[derive(Debug)]
    struct Derived(#[expect(dead_code, reason = "only its `Debug` is of interest")] Vec<u8>);

    struct Hex(Vec<u8>);

    impl Debug for Hex {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().try_for_each(|byte| write!(f, "{byte:#04x}:"))
        }
    }

    #[test]
    fn a_debug_that_prints_the_bytes_as_numbers_is_found() {
        let bytes = || SECRET.as_bytes().to_vec();
        let joined =
            |form: fn(&u8) -> String, between: &str| bytes().iter().map(form).collect::<Vec<_>>().join(between);
        let texts = [
            format!("{:?}", Derived(bytes())),
            format!("{:#?}", Derived(bytes())),
            format!("{:?}", Hex(bytes())),
            format!("{:x?} {:X?}", bytes(), 1),
            format!("{:#x?}", bytes()),
            format!("{:?}", bytes().into_iter().rev().collect::<Vec<_>>()),
            format!("{:?}", SECRET.chars().collect::<Vec<_>>()),
            format!("{:?}", std::ffi::CString::new(bytes()).unwrap()),
            joined(|byte| byte.to_string(), ";"),
            joined(|byte| byte.to_string(), " | "),
            joined(|byte| format!("{byte:02x}"), " "),
            joined(|byte| format!("{byte:02X}"), "-"),
            joined(|byte| format!("\\x{byte:02x}"), ""),
            joined(|byte| format!("%{byte:02x}"), ""),
            joined(|byte| format!("{byte}u8"), ", "),
            joined(|byte| format!("{byte:o}"), ","),
            joined(|byte| format!("{byte:08b}"), " "),
            bytes().chunks(2).map(connection_contract::encode::hex).collect::<Vec<_>>().join(" "),
            SECRET.chars().rev().collect(),
        ];
        for text in texts {
            let text = format!("before 12, 7 {text} after 0x7f");
            assert!(found(text.as_bytes(), SECRET.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn every_form_is_found_and_what_is_no_form_is_not() {
        for (name, form) in forms(SECRET.as_bytes()) {
            let text = [b"before ", &form[..], b" after"].concat();
            assert!(found(&text, SECRET.as_bytes()).is_some(), "{name}");
        }
        let others = ["canary?onE>Aa~9+/=", "99, 97, 110, 97", "63616e617279", "", "canary"];
        for other in others {
            assert_eq!(found(other.as_bytes(), SECRET.as_bytes()), None, "{other}");
        }
        let numbers = format!("{:?}", SECRET.bytes().map(|byte| byte + 1).collect::<Vec<_>>());
        assert_eq!(found(numbers.as_bytes(), SECRET.as_bytes()), None);
    }
}
