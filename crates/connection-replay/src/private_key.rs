//! Private keys in PEM (RFC 7468), whose lines are lost where only one line is read, as in a field of a page, at a
//! terminal, in a variable and in JSON.

use alloc::{vec, vec::Vec};

use connection_contract::Secret;

use crate::characters::is_invisible;

const FIRST_LINE: &[u8] = b"-----BEGIN PRIVATE KEY-----";
const LAST_LINE: &[u8] = b"-----END PRIVATE KEY-----";
/// The first and the last line as [`compact`] leaves them.
const BEGIN: &str = "-----BEGINPRIVATEKEY-----";
const END: &str = "-----ENDPRIVATEKEY-----";
/// The length of each line between them but the last one (RFC 7468, section 2).
const LINE: usize = 64;

/// What stands in a text that has another key, or the certificate of a key, and the problem of such a text.
const OTHERS: [(&str, &str); 5] = [
    ("ENCRYPTED", "is encrypted with a passphrase; give the key without one, which `openssl pkey -in FILE` prints"),
    (
        "OPENSSHPRIVATEKEY-----",
        "is in the form of OpenSSH; convert a copy of the file with `ssh-keygen -p -N '' -m PKCS8 -f COPY`, and give \
         its text",
    ),
    ("RSAPRIVATEKEY-----", "is in an older form (PKCS#1); give the key as `openssl pkey -in FILE` prints it"),
    ("ECPRIVATEKEY-----", "is in an older form (SEC 1); give the key as `openssl pkey -in FILE` prints it"),
    (
        "-----BEGIN",
        "is no private key, but a certificate or another key; give the text of the file with the private key",
    ),
];

/// Returns the private key in a text, as PKCS#8 in PEM with its lines. White space, escaped line breaks and what stands
/// before and after the key, such as quotation marks, the name of a variable or a certificate, are left out.
///
/// # Errors
///
/// The text has no such key. The problem is the rest of a sentence that begins with the name of a field.
pub(crate) fn with_lines(text: &str) -> Result<Secret, &'static str> {
    let compact = compact(text);
    let compact = compact.expose_str().unwrap_or_default();
    let Some((_, rest)) = compact.split_once(BEGIN) else {
        let other = OTHERS.into_iter().find(|(part, _)| compact.contains(part));
        return Err(other.map_or(
            "is no private key in PEM form; give the whole text of its file, from -----BEGIN PRIVATE KEY----- to \
             -----END PRIVATE KEY-----",
            |(_, problem)| problem,
        ));
    };
    let (body, rest) = rest
        .split_once(END)
        .ok_or("is a private key without its end; give the whole text of its file, up to -----END PRIVATE KEY-----")?;
    if rest.contains(BEGIN) {
        return Err("has more than one private key; give one of them alone");
    }
    let digits = body.trim_end_matches('=');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte)) {
        return Err(
            "has no private key, or other characters than those of one, between its first and its last line; copy the \
             whole text of the file again",
        );
    }
    let mut parts = vec![FIRST_LINE];
    for line in body.as_bytes().chunks(LINE) {
        parts.extend([b"\n".as_slice(), line]);
    }
    parts.extend([b"\n".as_slice(), LAST_LINE]);
    Ok(Secret::concat(&parts))
}

/// Returns the text without white space, control characters, invisible characters, and `\n` and `\r` as programs and JSON
/// write a line break.
fn compact(text: &str) -> Secret {
    // The text that is left is no longer, so the buffer never grows and leaves no copy in memory.
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\\' {
            rest.next_if(|next| matches!(next, 'n' | 'r'));
        } else if !c.is_whitespace() && !c.is_control() && !is_invisible(c) {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Secret::new(bytes)
}
