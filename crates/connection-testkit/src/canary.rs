//! Where secrets must not be: the forms in which one may leak, and the search for them.

use connection_contract::encode;

/// Every form in which a secret could show: raw, percent-encoded, hexadecimal, and base64 at each of the three
/// positions that it may have in a longer text.
pub(crate) fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec(), encode::hex(secret).into_bytes()];
    forms.push(encode::hex(secret).to_ascii_uppercase().into_bytes());
    if let Ok(text) = core::str::from_utf8(secret) {
        forms.push(encode::percent_encode(text).into_bytes());
        forms.push(format!("{text:?}").trim_matches('"').as_bytes().to_vec());
    }
    // A `Vec<u8>` in a `Debug`.
    forms.push(format!("{secret:?}").trim_matches(['[', ']']).as_bytes().to_vec());
    for (shift, skip) in [(0, 0), (1, 2), (2, 3)] {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(secret);
        for text in [encode::base64(&shifted).trim_end_matches('='), &encode::base64url(&shifted)] {
            // The first and the last digit hold bits of the neighbours, too.
            forms.extend(text.get(skip..text.len() - 1).map(|inner| inner.as_bytes().to_vec()));
        }
    }
    forms.retain(|form| form.len() >= 4);
    forms.sort();
    forms.dedup();
    forms
}

/// Whether `text` holds the secret in any form.
pub(crate) fn shows(text: &[u8], secret: &[u8]) -> bool {
    forms(secret).iter().any(|form| text.windows(form.len()).any(|window| window == form))
}

/// The text with every form of these secrets cut out; for messages.
pub(crate) fn redacted<'a>(text: &str, secrets: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut text = text.to_owned();
    for form in secrets.into_iter().flat_map(forms) {
        if let Ok(form) = core::str::from_utf8(&form) {
            text = text.replace(form, "[secret]");
        }
    }
    text
}
