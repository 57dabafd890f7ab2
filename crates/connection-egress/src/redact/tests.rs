//! Answers that repeat a secret, cut at random into pieces.

use std::sync::Arc;

use connection_contract::{HttpRequest, Seat, Secret, encode, host};
use proptest::prelude::*;

use super::{LastSearch, MIN_SECRET, Redactor, STAR, attached_secrets, cover, forms};

fn redactor(secrets: impl IntoIterator<Item = Secret>) -> Redactor {
    LastSearch::default().redactor(secrets.into_iter().collect()).unwrap()
}

/// Returns the answer as the pieces that came out, and checks what is held back after each piece.
fn passed(redactor: &mut Redactor, answer: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().copied().chain([answer.len()]) {
        out.extend(redactor.push(answer[from..cut].to_vec()));
        from = cut;
        let held = redactor.held.expose();
        assert_eq!(out.len() + held.len(), from, "nothing is lost");
        assert_eq!(held, &answer[out.len()..from]);
        // The last character may begin an escape of JSON.
        let held = held.strip_suffix(b"\\").unwrap_or(held);
        let is_beginning = |text: &Secret| text.expose().len() > held.len() && text.expose().starts_with(held);
        assert!(held.is_empty() || redactor.search.texts().iter().any(is_beginning), "only beginnings are held back");
    }
    out.extend(redactor.finish());
    assert!(redactor.held.is_empty());
    out
}

/// Returns the answer with every occurrence replaced, found in the simplest way.
fn replaced(answer: &[u8], texts: &[Secret]) -> Vec<u8> {
    let mut out = answer.to_vec();
    for text in texts.iter().map(Secret::expose) {
        for start in 0..answer.len() {
            if answer[start..].starts_with(text) {
                out[start..start + text.len()].fill(STAR);
            }
        }
    }
    out
}

fn whole(secrets: &[&str], answer: &str) -> String {
    let mut redactor = redactor(secrets.iter().map(|secret| Secret::from(*secret)));
    let out = passed(&mut redactor, answer.as_bytes(), &[]);
    assert_eq!(redactor.has_replaced(), out != answer.as_bytes());
    String::from_utf8(out).unwrap()
}

/// An answer that holds forms of these secrets, and beginnings of them, between other bytes.
fn answer(secrets: Vec<Vec<u8>>) -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<u8>)> {
    let secret: Vec<_> = secrets.iter().map(|secret| Secret::new(&secret[..])).collect();
    let forms: Vec<_> = forms::all(&secret, MIN_SECRET).iter().map(|form| form.expose().to_vec()).collect();
    let part = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        (prop::sample::select(forms.clone()), any::<prop::sample::Index>())
            .prop_map(|(form, length)| form[..=length.index(form.len())].to_vec()),
        prop::sample::select(forms),
    ];
    (Just(secrets), prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat()))
}

fn secrets() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let text = "[a-b/\"\\\\+é]{8,12}".prop_map(String::into_bytes);
    prop::collection::vec(prop_oneof![text, prop::collection::vec(any::<u8>(), 8..40)], 1..4)
}

proptest! {
    #[test]
    fn an_answer_in_pieces_is_redacted_as_the_whole(
        (secrets, answer) in secrets().prop_flat_map(answer),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let secrets: Vec<_> = secrets.into_iter().map(Secret::new).collect();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(answer.len() + 1)).collect();
        cuts.sort_unstable();
        let expected = replaced(&answer, &forms::all(&secrets, MIN_SECRET));
        let mut redactor = redactor(secrets);
        let out = passed(&mut redactor, &answer, &cuts);
        prop_assert_eq!(redactor.has_replaced(), out != answer);
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn base64_of_a_secret_between_other_bytes_is_replaced(
        secret in prop::collection::vec(any::<u8>(), 8..40),
        before in prop::collection::vec(any::<u8>(), 0..9),
        after in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let bytes = [&before[..], &secret, &after].concat();
        for text in [encode::base64(&bytes), encode::base64url(&bytes)] {
            let out = passed(&mut redactor([Secret::new(&secret[..])]), text.as_bytes(), &[]);
            let left = out.iter().filter(|byte| **byte != STAR).count();
            prop_assert!(left * 6 <= (before.len() + after.len()) * 8 + 4 * 6, "{text}");
        }
    }
}

#[test]
fn each_form_of_a_secret_is_replaced_by_as_many_stars() {
    let secret = "ab/c\"d+e(f)é";
    for form in [
        "ab/c\"d+e(f)é",
        "61622f6322642b65286629c3a9",
        "61622F6322642B65286629C3A9",
        "ab%2Fc%22d%2Be%28f%29%C3%A9",
        "ab%2fc%22d%2be%28f%29%c3%a9",
        "ab%2Fc%22d%2Be(f)%C3%A9",
        "%61%62%2F%63%22%64%2B%65%28%66%29%C3%A9",
        "%61%62%2f%63%22%64%2b%65%28%66%29%c3%a9",
        "ab/c\\\"d+e(f)é",
        "ab\\/c\\\"d+e(f)é",
    ] {
        let expected = format!("<{}>", "*".repeat(form.len()));
        assert_eq!(whole(&[secret], &format!("<{form}>")), expected, "{form}");
    }
    // The last digit of base64 depends on what follows.
    assert_eq!(whole(&["secret-key"], "c2VjcmV0LWtleQ=="), "*************Q==");
    assert_eq!(whole(&["secret-key"], "dXNlcjpzZWNyZXQta2V5"), "dXNlcjp*************");
}

#[test]
fn a_secret_in_escapes_of_json_is_replaced_across_all_pieces() {
    let secret = "k-1secret/K\u{e9}";
    let all: String = secret.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let forms = ["k\\u002d1secret/K\u{e9}", "\\u006B-1secret/\\u004b\\u00E9", "k\\u002d1secret\\/\\u004b\u{e9}", &all];
    for form in forms {
        let answer = format!("{{\"a\\u00e9\":\"{form}\",\"b\":\"\\u12");
        let expected = answer.replace(form, &"*".repeat(form.len()));
        for at in 0..=answer.len() {
            let out = passed_in(&mut redactor([Secret::from(secret)]), answer.as_bytes(), at);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{form} {at}");
        }
        let mut text = answer.clone();
        redactor([Secret::from(secret)]).redact(&mut text);
        assert_eq!(text, expected);
    }
    let beginning = b"k\\u002d1secret/K";
    assert_eq!(passed_in(&mut redactor([Secret::from(secret)]), beginning, 0), beginning);
}

/// Returns an answer that passes in two pieces, without a check of what is held back.
fn passed_in(redactor: &mut Redactor, answer: &[u8], at: usize) -> Vec<u8> {
    let mut out = redactor.push(answer[..at].to_vec());
    out.extend(redactor.push(answer[at..].to_vec()));
    out.extend(redactor.finish());
    out
}

#[test]
fn only_what_may_begin_an_escape_of_a_secret_is_held_back() {
    let mut redactor = redactor([Secret::from("k-1secret")]);
    assert_eq!(redactor.push(b"one \\u00e9 two".to_vec()), b"one \\u00e9 two");
    assert_eq!(redactor.push(b"k\\".to_vec()), b"");
    assert_eq!(redactor.push(b"n, \\u00".to_vec()), b"k\\n, ");
    assert_eq!(redactor.push(b"e9".to_vec()), b"\\u00e9");
    assert_eq!(redactor.finish(), b"");
    assert!(!redactor.has_replaced());
}

#[test]
fn a_secret_in_utf_16_is_replaced_in_both_orders_of_the_bytes() {
    for secret in ["k-1secret", "k-1s\u{e9}cret"] {
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let encoded = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(order).collect() };
            let answer = encoded(&format!("\u{feff}<{secret}>"));
            let out = passed(&mut redactor([Secret::from(secret)]), &answer, &[]);
            assert_eq!(out.len(), answer.len());
            let left = out.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
            assert_eq!(left, 0, "{out:?}");
        }
    }
}

#[test]
fn a_secret_that_is_an_ordinary_word_is_not_covered_in_words() {
    for word in ["apiKey", "access token", "Password", "client_secret"] {
        let mut words = "Invalid API key provided: the access token, password or client secret".to_owned();
        let before = words.clone();
        cover(&[Secret::from(word)], &mut words);
        assert_eq!(words, before, "{word}");
    }
    let mut words = "Invalid password: passwordX".to_owned();
    cover(&[Secret::from("passwordX")], &mut words);
    assert_eq!(words, "Invalid password: *********");
}

#[test]
fn what_holds_no_secret_is_unchanged() {
    for text in ["", "secret-ke", "SECRET-KEY", "secret-kesecret-ke", "7365637265742d6b65"] {
        assert_eq!(whole(&["secret-key"], text), text);
    }
}

#[test]
fn secrets_that_overlap_are_replaced_whole() {
    assert_eq!(whole(&["abcabcabc"], "xabcabcabcabcx"), "x************x");
    assert_eq!(whole(&["12345678", "456789ab"], "0123456789abc"), "0***********c");
}

#[test]
fn a_short_secret_is_not_searched_for() {
    let short = vec![Secret::from("seven77"), Secret::from("")];
    assert!(LastSearch::default().redactor(short).is_none());
    assert_eq!(whole(&["seven77", "eight888"], "seven77 eight888"), "seven77 ********");
}

#[test]
fn a_long_secret_is_found_over_many_pieces() {
    let secret = "0123456789".repeat(100);
    let mut redactor = redactor([Secret::from(secret.as_str())]);
    let answer = format!("before {secret} after");
    let cuts: Vec<_> = (0..answer.len()).collect();
    let out = passed(&mut redactor, answer.as_bytes(), &cuts);
    assert_eq!(String::from_utf8(out).unwrap(), format!("before {} after", "*".repeat(secret.len())));
}

#[test]
fn a_text_of_its_own_is_redacted_whatever_is_held_back() {
    let mut redactor = redactor([Secret::from("secret-key")]);
    assert_eq!(redactor.push(b"secret".to_vec()), b"");
    let mut text = "Bearer secret-key".to_owned();
    redactor.redact(&mut text);
    assert_eq!(text, "Bearer **********");
    assert_eq!(redactor.push(b"-kex".to_vec()), b"secret-kex");
}

#[test]
fn a_search_is_made_once_for_the_same_secrets() {
    let last = LastSearch::default();
    let of = |text: &str| last.redactor(vec![Secret::from(text)]).unwrap().search;
    let first = of("secret-1");
    assert!(Arc::ptr_eq(&first, &of("secret-1")));
    assert!(!Arc::ptr_eq(&first, &of("secret-2")));
    let mut redactor = last.redactor(vec![Secret::from("secret-3")]).unwrap();
    assert_eq!(redactor.push(b"secret-2 secret-3".to_vec()), b"secret-2 ********");
}

#[test]
fn what_stands_in_a_seat_and_what_is_marked_as_secret_is_searched_for() {
    let request = || HttpRequest::get(&host::base_url("https://api.acme.example").unwrap(), "/things");
    let secret = Secret::from("one/two");
    let found = |request: &HttpRequest, seats: &[Seat]| -> Vec<String> {
        let secrets = attached_secrets(request, seats);
        secrets.iter().map(|secret| secret.expose_str().unwrap().to_owned()).collect()
    };
    let bearer = request().bearer(&secret);
    assert_eq!(found(&bearer, &[]), ["one/two"]);
    assert_eq!(found(&bearer, &[Seat::bearer()]), ["one/two", "one/two"]);
    assert_eq!(found(&request().header("authorization", "Bearer public"), &[Seat::BasicUser]), [""; 0]);
    let basic = request().basic("ada", &secret);
    let pair = encode::base64(b"ada:one/two");
    assert_eq!(found(&basic, &[Seat::BasicPassword]), ["one/two", &pair]);
    assert_eq!(found(&basic, &[Seat::BasicUser]), ["ada", &pair]);
    let cookie = request().header("cookie", Secret::from("a=one; b=2"));
    assert_eq!(found(&cookie, &[Seat::header_between("cookie", "a=", "; b=2")]), ["one", "a=one; b=2"]);
    assert_eq!(found(&request().query("key", "one/two"), &[Seat::query("key")]), ["one/two"]);
    let mut path = request();
    path.set_path_prefix("/bot123:one%");
    assert_eq!(found(&path, &[Seat::path_prefix("/bot", "")]), ["123:one%"]);
    assert_eq!(found(&request(), &[Seat::bearer(), Seat::query("key"), Seat::BasicUser, Seat::SigV4KeyId]), [""; 0]);
}
