//! Answers to fields for keys: what comes along when one is copied, what cannot be in one, and the lines of a private key.

use connection_contract::{Answer, Field, Secret};
use connection_replay::answer::{self, Pattern};

const KEY: &str = "ak-81d0c4f7a2";

/// Returns the answer to a field, as the plugin gets it.
fn parsed(field: &Field, text: &str) -> Result<String, &'static str> {
    match answer::parse(field, None, &Secret::from(text))? {
        Answer::Secret(secret) => Ok(secret.expose_str().unwrap_or_default().to_owned()),
        Answer::Text(text) => Ok(text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_taken_without_what_was_copied_with_it() {
    let field = Field::secret("apiKey", "API key").key();
    for text in [
        "ak-81d0c4f7a2",
        "  ak-81d0c4f7a2\u{a0}",
        "ak-81d0c4f7a2\n",
        "\r\nak-81d0c4f7a2\r\n",
        "\tak-81d0c4f7a2",
        "\u{feff}ak-81d0c4f7a2",
        "\u{200b}ak-81d0c4f7a2\u{200b}",
        "\u{200e}ak-81d0c4f7a2\u{200f}",
        "ak-81d0c4f7a2\u{2060}",
        "\u{ad}ak-81d0c4f7a2\u{ad}",
        "\"ak-81d0c4f7a2\"",
        "'ak-81d0c4f7a2'",
        "`ak-81d0c4f7a2`",
        "\u{201c}ak-81d0c4f7a2\u{201d}",
        "\u{201e}ak-81d0c4f7a2\u{201c}",
        "\u{2018}ak-81d0c4f7a2\u{2019}",
        "\u{ab} ak-81d0c4f7a2 \u{bb}",
        "Bearer ak-81d0c4f7a2",
        "bearer\tak-81d0c4f7a2",
        "\"BEARER ak-81d0c4f7a2\"",
        "Authorization: Bearer ak-81d0c4f7a2",
        "Bearer \u{200b}\u{201c}ak-81d0c4f7a2\u{201d}\n",
        "Bearer: ak-81d0c4f7a2",
        "bearer:ak-81d0c4f7a2",
        "token ak-81d0c4f7a2",
        "Token\u{a0}ak-81d0c4f7a2",
        "Authorization:token ak-81d0c4f7a2",
        "Token token=ak-81d0c4f7a2",
        "Authorization: Token token=ak-81d0c4f7a2",
        "token token=\"ak-81d0c4f7a2\"",
        "X-Api-Key: ak-81d0c4f7a2",
        "api_key: 'ak-81d0c4f7a2'",
        "\"ak-81d0c4f7a2\",",
        "'ak-81d0c4f7a2';\n",
        "  \"api_key\": \"ak-81d0c4f7a2\",\n",
        "export ACME_KEY='ak-81d0c4f7a2'",
        "export token=ak-81d0c4f7a2",
        "ACME_API_KEY=\"ak-81d0c4f7a2\"\r\n",
        "ACME_2_TOKEN=Bearer ak-81d0c4f7a2",
        "ak-81d0c4f7a2\u{fe0f}",
        "\u{2800}ak-81d0c4f7a2\u{3164}",
        "\u{2028}ak-81d0c4f7a2\u{e0001}",
        "*ak-81d0c4f7a2*",
        "**ak-81d0c4f7a2**",
        "**`ak-81d0c4f7a2`**",
        "<ak-81d0c4f7a2>",
        "ak-81d0c4f7a2,",
        "<ak-81d0c4f7a2>,\r\n",
        "ak-81d0c4f7a2&nbsp;",
        "ak-81d0c4f7a2&#160;&#xA0;",
        "&quot;ak-81d0c4f7a2&quot;",
        "&lt;ak-81d0c4f7a2&gt;",
        "ak-81d0c4f7a2%0A",
        "ak-81d0c4f7a2%0d%0a",
        "ak-81d0c4f7a2%20",
        "{\"apiKey\":\"ak-81d0c4f7a2\"}",
        "{\n  \"Authorization\" : \"Bearer ak-81d0c4f7a2\"\n}\n",
        "\"apiKey\":\"ak-81d0c4f7a2\",",
        "API key: ak-81d0c4f7a2",
        "Client ID: ak-81d0c4f7a2",
        "Your access token: `ak-81d0c4f7a2`",
        "Bearer Bearer ak-81d0c4f7a2",
        "Authorization: Bearer bearer token ak-81d0c4f7a2",
        "API key: Bearer <ak-81d0c4f7a2>",
    ] {
        assert_eq!(parsed(&field, text).as_deref(), Ok(KEY), "{text:?}");
    }
}

#[test]
fn a_key_with_a_foreign_character_inside_is_refused_with_its_name() {
    let field = Field::secret("apiKey", "API key").key();
    for (text, says) in [
        ("ak-81d0\u{200b}c4f7a2", "invisible"),
        ("ak-81d0\u{ad}c4f7a2", "soft hyphen"),
        ("ak-81d0\u{feff}c4f7a2", "invisible"),
        ("ak-81d0\u{a0}c4f7a2", "invisible"),
        ("ak-81d0\u{202f}c4f7a2", "invisible"),
        ("ak-81d0\u{fe0f}c4f7a2", "invisible"),
        ("ak-81d0\u{e0041}c4f7a2", "invisible"),
        ("ak-81d0\r\nc4f7a2", "line break"),
        ("ak-81d0\u{2019}c4f7a2", "quotation mark"),
        ("ak\u{2013}81d0c4f7a2", "dash"),
        ("ak-81d0\u{2014}c4f7a2", "dash"),
        ("ak-81d0\nc4f7a2", "line break"),
        (" \u{200b}\"\" ", "nothing but"),
        ("ak-\u{2026}81d0", "masked"),
        ("ak-...81d0", "masked"),
        ("ak-81d0...", "masked"),
        ("\u{2022}\u{2022}\u{2022}\u{2022}81d0", "masked"),
        ("ak-\u{25cf}\u{25cf}81d0", "masked"),
        ("****************81d0", "masked"),
        ("Bearer ak-81d0****", "masked"),
    ] {
        let problem = parsed(&field, text).unwrap_err();
        assert!(problem.contains(says) && !problem.contains("81d0"), "{text:?}: {problem}");
    }
}

#[test]
fn a_placeholder_is_refused_in_place_of_a_key() {
    let field = Field::secret("apiKey", "API key").key();
    for text in [
        "YOUR_API_KEY",
        "YOUR_CLIENT_ID",
        "your-token-here",
        "<your token>",
        "<YOUR_ACME_TOKEN>",
        "\"Your API key\"",
        "Bearer YOUR_ACCESS_TOKEN",
        "insert your key here",
        "[REDACTED]",
        "REDACTED",
        "sk-REDACTED",
        "***REDACTED***",
        "<hidden>",
        "<token>",
        "{api_key}",
        "{{ token }}",
        "${API_TOKEN}",
        "$TOKEN",
        "xxxx",
        "XXXXXXXXXXXX",
        "xxxx-xxxx-xxxx",
        "sk_live_xxxxxxxx",
    ] {
        let problem = parsed(&field, text).unwrap_err();
        assert!(problem.contains("placeholder") && problem.contains("copy the key itself"), "{text:?}: {problem}");
    }
}

/// A pattern that fits says what belongs to a key.
#[test]
fn a_key_that_its_pattern_fits_stays_as_it_is() {
    let field = Field::secret("apiKey", "API key").key().pattern("[!-~]+");
    let graphic = Pattern::new(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
    for text in ["<ak1>", "*ak1*", "ak1,", "ak1%0A", "ak1&nbsp;", "{\"a\":\"b\"}"] {
        let Ok(Answer::Secret(key)) = answer::parse(&field, Some(&graphic), &Secret::from(text)) else {
            panic!("{text} is refused")
        };
        assert_eq!(key.expose_str(), Some(text));
    }
    let letters = Pattern::new(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let Ok(Answer::Secret(key)) = answer::parse(&field, Some(&letters), &Secret::from("**ak1**,")) else {
        panic!("it is refused")
    };
    assert_eq!(key.expose_str(), Some("ak1"), "the control");
}

/// These begin or end as something that is removed does.
#[test]
fn a_key_keeps_its_own_characters() {
    let field = Field::secret("apiKey", "API key").key();
    for text in [
        "bearer",
        "bearerak-1",
        "Bearer-ak-1",
        "token",
        "token_1",
        "token-1 2",
        "ak-1==",
        "ak-1;",
        "ak'1",
        "\u{e9}ak-1",
        "a b",
        "abcd efgh ijkl",
        "authorizationak",
        "ak:1",
        "id:ak 1",
        "session_token=ak1",
        "JSESSIONID=ak1",
        "AKEY==",
        "AccountName=a;AccountKey=b==",
        "SESSION_TOKEN=ak1; theme=dark",
        "SHARED_ACCESS_KEY=ak1;Endpoint=b",
        "API_KEY=ak1&API_SECRET=b",
        "token apple river stone",
        "exported=1",
        "token=ak1",
        "Bearer token=ak1 b",
        "ak*1**2",
        "a..b",
        "*ak1",
        "<ak1",
        "ak1&amp",
        "ak1%3D",
        "ak1&x;",
        "{\"a\":\"b\",\"c\":\"d\"}",
        "{\"a\":\"b\\n\"}",
        "axxxx",
        "your",
        "yourkey1",
        "$ak1",
        "key",
        "hidden-1",
        "https://acme.example/...",
    ] {
        assert_eq!(parsed(&field, text).as_deref(), Ok(text));
    }
}

#[test]
fn a_password_stays_as_it_was_typed() {
    let field = Field::secret("password", "Password");
    for text in [
        " secret ",
        "\"secret\"",
        "Bearer secret",
        "token secret",
        "Pass: secret",
        "export MY_SECRET=secret",
        "\u{201c}secret\u{201d}",
        "se\u{200b}cret",
        "\u{a0}secret\u{feff}",
        "'",
    ] {
        assert_eq!(parsed(&field, text).as_deref(), Ok(text));
    }
    assert!(parsed(&field, "secret\n").unwrap_err().contains("line break"));
}

#[test]
fn the_pattern_of_a_key_is_that_of_the_key_alone() {
    let field = Field::secret("apiKey", "API key").key().pattern("ak-[a-z0-9]+");
    let pattern =
        Pattern::new(|text| text.strip_prefix("ak-").is_some_and(|rest| rest.chars().all(char::is_alphanumeric)));
    let given = Secret::from("\u{feff}Bearer ak-81d0c4f7a2\n");
    let Ok(Answer::Secret(key)) = answer::parse(&field, Some(&pattern), &given) else { panic!("it is refused") };
    assert_eq!(key.expose_str(), Some(KEY));
}

/// A private key of two lines; the first one has the length of RFC 7468, section 2.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n\
    canary81d0+/c4f7a2==\n\
    -----END PRIVATE KEY-----";

#[test]
fn a_private_key_is_taken_with_its_lines() {
    let field = Field::secret("privateKey", "Private key").private_key();
    let escaped = PRIVATE_KEY.replace('\n', "\\n");
    let spaced = PRIVATE_KEY.replace('\n', " ");
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    for text in [
        PRIVATE_KEY.to_owned(),
        format!("{PRIVATE_KEY}\n"),
        PRIVATE_KEY.replace('\n', "\r\n"),
        PRIVATE_KEY.replace('\n', "\r"),
        PRIVATE_KEY.replace('\n', "\n    "),
        PRIVATE_KEY.replace('\n', "\n\n"),
        PRIVATE_KEY.replace("HAgEAM", "HAg\nEAM"),
        spaced.clone(),
        PRIVATE_KEY.replace('\n', "\u{a0}"),
        PRIVATE_KEY.replace('\n', "\u{200b}"),
        PRIVATE_KEY.replace('\n', ""),
        PRIVATE_KEY.replace(['\n', ' '], ""),
        escaped.clone(),
        format!("{escaped}\\n"),
        PRIVATE_KEY.replace('\n', "\\r\\n"),
        PRIVATE_KEY.replace('\n', "\\\\n"),
        PRIVATE_KEY.replace('\n', "\\\n"),
        format!("\"{PRIVATE_KEY}\""),
        format!("'{spaced}'"),
        format!("\u{201c}{PRIVATE_KEY}\u{201d}"),
        format!("  \"private_key\": \"{escaped}\\n\",\n"),
        format!("{{\"type\": \"service_account\", \"private_key\": \"{escaped}\\n\", \"client_id\": \"1\"}}"),
        format!("export PRIVATE_KEY=\"{spaced}\""),
        format!("\u{feff}Bag Attributes\n    friendlyName: a\n{PRIVATE_KEY}\n"),
        format!("{certificate}\n{PRIVATE_KEY}\n{certificate}\n"),
    ] {
        assert_eq!(parsed(&field, &text).as_deref(), Ok(PRIVATE_KEY), "{text:?}");
    }
}

#[test]
fn a_text_that_is_no_private_key_is_refused_with_what_to_do() {
    let field = Field::secret("privateKey", "Private key").private_key();
    let other = |label: &str| PRIVATE_KEY.replace("PRIVATE KEY", label);
    for (text, says) in [
        (
            other("ENCRYPTED PRIVATE KEY"),
            "is encrypted with a passphrase; give the key without one, which `openssl pkey",
        ),
        (
            other("RSA PRIVATE KEY").replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1),
            "is encrypted with a passphrase; give the key without one",
        ),
        (other("RSA PRIVATE KEY"), "(PKCS#1); give the key as `openssl pkey -in FILE` prints it"),
        (other("EC PRIVATE KEY"), "(SEC 1); give the key as `openssl pkey -in FILE` prints it"),
        (other("EC PRIVATE KEY").replace('\n', ""), "(SEC 1); give the key as `openssl pkey -in FILE` prints it"),
        (other("OPENSSH PRIVATE KEY"), "with `ssh-keygen -p -N '' -m PKCS8 -f COPY`, and give its text"),
        (other("PUBLIC KEY"), "is no private key, but a certificate or another key; give the text of the file"),
        (other("CERTIFICATE"), "is no private key, but a certificate or another key; give the text of the file"),
        ("canary81d0".to_owned(), "give the whole text of its file, from -----BEGIN PRIVATE KEY-----"),
        ("/home/ada/canary81d0.p8".to_owned(), "give the whole text of its file, from -----BEGIN PRIVATE KEY-----"),
        (PRIVATE_KEY.replace("-----BEGIN", "\u{2014}BEGIN"), "give the whole text of its file, from -----BEGIN"),
        (PRIVATE_KEY[..120].to_owned(), "without its end; give the whole text of its file, up to -----END PRIVATE KEY"),
        ("-----BEGIN PRIVATE KEY-----".to_owned(), "without its end; give the whole text of its file"),
        (format!("{PRIVATE_KEY}\n{PRIVATE_KEY}"), "more than one private key; give one of them alone"),
        (PRIVATE_KEY.replace("MIGH", "MI...GH"), "copy the whole text of the file again"),
        (PRIVATE_KEY.replace("MIGH", "\u{2022}\u{2022}\u{2022}\u{2022}"), "copy the whole text of the file again"),
        (PRIVATE_KEY.replace("MIGH", "MI=GH"), "copy the whole text of the file again"),
        (
            "-----BEGIN PRIVATE KEY----- -----END PRIVATE KEY-----".to_owned(),
            "has no private key, or other characters than those of one",
        ),
    ] {
        let problem = parsed(&field, &text).unwrap_err();
        assert!(problem.contains(says) && !problem.contains("81d0"), "{text:?}: {problem}");
    }
}

#[test]
fn the_pattern_of_a_private_key_is_that_of_the_key_with_its_lines() {
    let field = Field::secret("privateKey", "Private key").private_key().pattern("(?s).+");
    let pattern = Pattern::new(|text| text == PRIVATE_KEY);
    let given = Secret::from(PRIVATE_KEY.replace('\n', ""));
    let Ok(Answer::Secret(key)) = answer::parse(&field, Some(&pattern), &given) else { panic!("it is refused") };
    assert_eq!(key.expose_str(), Some(PRIVATE_KEY));
}
