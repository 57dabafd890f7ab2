//! The search for a secret in what an agent received.

use connection_contract::encode;

/// Returns the names of the forms in which the secret is in the loot.
pub(super) fn forms_in(loot: &[u8], secret: &str) -> Vec<&'static str> {
    let loot = String::from_utf8_lossy(loot);
    let forms = forms(secret);
    let found = forms.into_iter().filter(|(_, form)| loot.contains(form.as_str()));
    found.map(|(name, _)| name).collect()
}

fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let bytes = secret.as_bytes();
    let hex = encode::hex(bytes);
    let percent = |byte: u8| format!("%{byte:02x}");
    let mut forms = vec![
        ("as it is", secret.to_owned()),
        ("reversed", secret.chars().rev().collect()),
        ("in hexadecimal", hex.to_uppercase()),
        ("in hexadecimal", hex),
        ("percent-encoded", secret.bytes().map(percent).collect()),
        ("percent-encoded", secret.bytes().map(percent).collect::<String>().to_uppercase()),
        ("percent-encoded", encode::percent_encode(secret)),
        ("escaped for JSON", secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect()),
    ];
    for offset in 0..3 {
        // The first and the last letters depend on the bytes beside the secret.
        let shifted = [&b"xx"[..offset], bytes].concat();
        let whole = shifted.len() / 3 * 4;
        for text in [encode::base64(&shifted), encode::base64url(&shifted)] {
            let first = if offset == 0 { 0 } else { 4 };
            forms.push(("in base64", text[first..whole].to_owned()));
        }
    }
    forms
}

#[test]
fn a_secret_is_found_in_each_form_and_an_altered_one_is_not() {
    let secret = "ghp_0123456789abcdefSECRET";
    let reversed: String = secret.chars().rev().collect();
    let escaped: String = secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    for (text, form) in [
        (secret.to_owned(), "as it is"),
        (reversed, "reversed"),
        (encode::hex(secret.as_bytes()), "in hexadecimal"),
        (secret.bytes().map(|byte| format!("%{byte:02X}")).collect(), "percent-encoded"),
        (escaped, "escaped for JSON"),
        (encode::base64(format!("a{secret}b").as_bytes()), "in base64"),
        (encode::base64url(format!("ab{secret}").as_bytes()), "in base64"),
    ] {
        let loot = [b"\xff before ", text.as_bytes(), b" after"].concat();
        assert!(forms_in(&loot, secret).contains(&form), "{form}: {text}");
        assert_eq!(forms_in(&loot, "ghp_0123456789abcdeeSECRET"), Vec::<&str>::new(), "{form}");
    }
}
