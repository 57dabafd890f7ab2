//! Webhooks that the providers' own packages sign, with random keys, bodies and forms. Each is received, and none with
//! another key.

use connection_contract::{ConnectionDefinition, Delivery, Record, Secret, Timestamp, encode};
use connection_faults::{random::Random, script::Script};
use connection_plugin_github::GitHub;
use connection_plugin_notion::Notion;
use connection_plugin_twilio::Twilio;
use connection_testkit::FakeHost;
use serde_json::{Map, Value, json};

const ROUNDS: usize = 200;
const URL: &str = "https://host.example/webhooks/t0ken";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

/// Returns the signature that the packages compute for a delivery.
fn signature(script: &mut Script, request: &Value) -> String {
    script.write(&request.to_string()).expect("the script reads");
    script.line().expect("the script answers")
}

fn delivery(url: &str, header: &str, signature: &str, content_type: &str, body: &str) -> Delivery {
    let headers = vec![(header.to_owned(), signature.to_owned()), ("content-type".to_owned(), content_type.to_owned())];
    Delivery::new("POST", url.to_owned(), headers, body, Timestamp::from_seconds(0))
}

/// Returns random text of letters, characters that forms and JSON escape, and characters of several bytes.
fn text(random: &mut Random, longest: u64) -> String {
    const CHARACTERS: [&str; 16] =
        ["a", "B", "7", " ", "+", "%", "&", "=", "\"", "\\", "'", "\n", "é", "日", "🙂", "/"];
    (0..random.below(longest + 1)).map(|_| CHARACTERS[random.below(16) as usize]).collect()
}

fn key(random: &mut Random) -> String {
    format!("k{}", text(random, 20))
}

#[test]
fn what_the_package_of_octokit_signs_is_received() {
    let Some((mut script, _)) = Script::start("signers.mjs", "") else { return };
    let mut random = Random::new(1);
    let host = FakeHost::new(GitHub);
    let notion = FakeHost::new(Notion);
    let token = GitHub.parse_credential(b"t").unwrap();
    let notions = Notion.parse_credential(b"t").unwrap();
    for round in 0..ROUNDS {
        let key = key(&mut random);
        let body = format!("{round}{}", text(&mut random, 300));
        let signed = signature(&mut script, &json!({ "by": "github", "key": key, "body": body }));
        let came = delivery(URL, "X-Hub-Signature-256", &signed, "application/json", &body);
        let other = Secret::from(format!("{key}x"));
        let keys = [other.duplicate(), Secret::from(key.as_str())];
        assert!(host.receive(&token, &keys, &came).is_ok(), "{key:?} {body:?}");
        assert!(host.receive(&token, &[other], &came).is_err());
        let signed = signature(&mut script, &json!({ "by": "notion", "key": key, "body": body }));
        let came = delivery(URL, "X-Notion-Signature", &signed, "application/json", &body);
        assert!(notion.receive(&notions, &keys, &came).is_ok(), "{key:?} {body:?}");
    }
}

#[test]
fn what_the_package_of_twilio_signs_is_received() {
    let Some((mut script, _)) = Script::start("signers.mjs", "") else { return };
    let mut random = Random::new(2);
    let host = FakeHost::new(Twilio);
    for round in 0..ROUNDS {
        let key = key(&mut random);
        let login = |token: &str| {
            let record = Record::new().with("accountSid", ACCOUNT).with("authToken", token);
            Twilio.parse_credential(record.encode().expose()).unwrap()
        };
        let url = [URL.to_owned(), format!("{URL}?a=b"), URL.replace(".example", ".example:8443")][round % 3].clone();
        let pairs: Vec<_> =
            (0..random.below(6)).map(|at| (format!("N{at}{}", text(&mut random, 3)), text(&mut random, 20))).collect();
        let params: Map<_, _> = pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let request = json!({ "by": "form", "key": key, "url": url, "params": params });
        let signed = signature(&mut script, &request);
        let form = encode::form(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let came = delivery(&url, "X-Twilio-Signature", &signed, "application/x-www-form-urlencoded", &form);
        assert!(host.receive(&login(&key), &[], &came).is_ok(), "{key:?} {pairs:?}");
        assert!(host.receive(&login(&format!("{key}x")), &[], &came).is_err());
        let body = text(&mut random, 300);
        let signed = signature(&mut script, &json!({ "by": "json", "key": key, "url": url, "body": body }));
        let (signed, address) = signed.split_once(' ').unwrap();
        let came = delivery(address, "X-Twilio-Signature", signed, "application/json", &body);
        assert!(host.receive(&login(&key), &[], &came).is_ok(), "{key:?} {body:?}");
        let changed = delivery(address, "X-Twilio-Signature", signed, "application/json", &format!("{body} "));
        assert!(host.receive(&login(&key), &[], &changed).is_err());
    }
}
