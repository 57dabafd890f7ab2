//! Signatures of AWS: the published vectors, the keys that a file needs, and the paths of S3.

use connection_contract::prelude::*;
use connection_manifest::{Catalogue, FileKind, KindFile};
use connection_testkit::{Expected, FakeHost, Input, Reply, header};

const ID: &str = "AKIDEXAMPLE";
const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TIME: &str = "2015-08-30T12:36:00Z";
/// The token of the vector `post-sts-header-before`.
const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

fn kind(base: &str, service: &str) -> FileKind {
    let text = format!(
        "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"api_key\"\naccepts = [\"aws_sigv4\"]\n\
         [[fields]]\nname = \"accessKeyId\"\nlabel = \"ID\"\npublic = true\n\
         [[fields]]\nname = \"secretAccessKey\"\nlabel = \"Key\"\nsecret = true\n\
         [[fields]]\nname = \"sessionToken\"\nlabel = \"Token\"\nsecret = true\nrequired = false\n\
         [request]\nbase = \"{base}\"\n[sigv4]\nservice = \"{service}\"\nregion = \"us-east-1\"\n"
    );
    KindFile::parse("acme.toml", &text).unwrap_or_else(|problems| panic!("{problems}")).definition()
}

/// A request that is signed with the keys of the vectors.
struct Vector {
    base: &'static str,
    service: &'static str,
    keys: [&'static str; 2],
    token: Option<&'static str>,
    time: &'static str,
}

const SUITE: Vector =
    Vector { base: "https://example.amazonaws.com", service: "service", keys: [ID, KEY], token: None, time: TIME };

impl Vector {
    /// Returns the signed request that `make` begins.
    #[track_caller]
    fn signed(&self, make: impl Fn(&BaseUrl) -> HttpRequest) -> HttpRequest {
        let host = FakeHost::new(kind(self.base, self.service)).at(Timestamp::parse(self.time).unwrap());
        let mut answers = vec![("accessKeyId", self.keys[0]), ("secretAccessKey", self.keys[1])];
        answers.extend(self.token.map(|token| ("sessionToken", token)));
        let made = host.setup([Input::answers(&answers)]).run().unwrap();
        host.authorize(&made.credential, make(&host.base_url(self.base))).unwrap()
    }

    #[track_caller]
    fn check(&self, signed_headers: &str, signature: &str, make: impl Fn(&BaseUrl) -> HttpRequest) {
        let signed = self.signed(make);
        let date = self.time[..10].replace('-', "");
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential={}/{date}/us-east-1/{}/aws4_request, SignedHeaders={signed_headers}, \
             Signature={signature}",
            self.keys[0], self.service
        );
        assert_eq!(header(&signed, "authorization").unwrap(), expected);
    }
}

/// The test suite that AWS published for Signature Version 4.
#[test]
fn the_vectors_of_the_published_suite_are_met() {
    let host = "host;x-amz-date";
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    SUITE.check(host, vanilla, |base| HttpRequest::get(base, "/"));
    let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f";
    SUITE.check(host, signature, |base| HttpRequest::get(base, unreserved));
    let signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
    SUITE
        .check(host, signature, |base| HttpRequest::get(base, "/").query("Param2", "value2").query("Param1", "value1"));
    let signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197";
    SUITE.check(host, signature, |base| HttpRequest::get(base, "/").query(unreserved, unreserved));
    let signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04";
    SUITE.check(host, signature, |base| HttpRequest::get(base, "/").query("ሴ", "bar"));
    let signature = "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e";
    SUITE.check(host, signature, |base| {
        HttpRequest::post(base, "/").query("@#$%^", "").query("+", r#"/,?><`";:\|][{}"#)
    });
    let signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
    SUITE.check(host, signature, |base| HttpRequest::post(base, "/"));
    let signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
    SUITE
        .check("content-type;host;x-amz-date", signature, |base| HttpRequest::post(base, "/").form("Param1", "value1"));
    let signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
    let temporary = Vector { token: Some(TOKEN), ..SUITE };
    temporary.check("host;x-amz-date;x-amz-security-token", signature, |base| HttpRequest::post(base, "/"));
}

/// The example of the IAM User Guide.
#[test]
fn the_documented_example_is_met() {
    let iam = Vector { base: "https://iam.amazonaws.com", service: "iam", ..SUITE };
    let signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    iam.check("content-type;host;x-amz-date", signature, |base| {
        let request = HttpRequest::get(base, "/").query("Action", "ListUsers").query("Version", "2010-05-08");
        request.header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
    });
}

/// The examples of the API reference of S3, whose requests carry the hash of their body.
#[test]
fn requests_to_s3_are_signed_as_it_documents() {
    let s3 = Vector {
        base: "https://examplebucket.s3.amazonaws.com",
        service: "s3",
        keys: ["AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
        token: None,
        time: "2013-05-24T00:00:00Z",
    };
    let headers = "host;x-amz-content-sha256;x-amz-date";
    let signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
    s3.check(headers, signature, |base| HttpRequest::get(base, "/").query("lifecycle", ""));
    let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    s3.check(headers, signature, |base| HttpRequest::get(base, "/").query("max-keys", "2").query("prefix", "J"));
}

/// S3 signs the path as it is sent, and the other services sign a path that is encoded twice.
#[test]
fn an_encoded_path_is_encoded_again_except_for_s3() {
    let authorization = |service| {
        let vector = Vector { service, ..SUITE };
        let signed = |path: &'static str| vector.signed(move |base| HttpRequest::get(base, path));
        // Encoding a text that is encoded already differs from encoding it once.
        let (plain, spaced) = (signed("/a"), signed("/a b"));
        assert!(spaced.url().ends_with("/a%20b"));
        assert_ne!(header(&plain, "authorization"), header(&spaced, "authorization"));
        header(&spaced, "authorization").unwrap().rsplit('=').next().unwrap().to_owned()
    };
    // Computed from the canonical requests with the paths `/a%2520b` and `/a%20b`.
    assert_eq!(authorization("service"), expected("service", "/a%2520b"));
    assert_eq!(authorization("s3"), expected("s3", "/a%20b"));
}

/// Returns the signature of a `GET` request of the suite whose canonical request has this path.
fn expected(service: &str, path: &str) -> String {
    use connection_testkit::{hmac_sha256, sha256};

    let hex = encode::hex;
    let empty = hex(&sha256(b""));
    let (line, name) = match service {
        "s3" => (format!("x-amz-content-sha256:{empty}\n"), "x-amz-content-sha256;"),
        _ => (String::new(), ""),
    };
    let canonical = format!(
        "GET\n{path}\n\nhost:example.amazonaws.com\n{line}x-amz-date:20150830T123600Z\n\nhost;{name}x-amz-date\n{empty}"
    );
    let scope = format!("20150830/us-east-1/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
    let start = format!("AWS4{KEY}").into_bytes();
    let key = scope.split('/').fold(start, |key, step| hmac_sha256(&key, step.as_bytes()).to_vec());
    hex(&hmac_sha256(&key, text.as_bytes()))
}

#[test]
fn a_connection_to_aws_is_named_after_the_account_and_signs_for_its_service() {
    let kind = Catalogue::kind("aws").unwrap().unwrap().definition();
    let answer = r#"{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": "123456789012",
        "Arn": "arn:aws:iam::123456789012:user/Ada", "UserId": "AIDAEXAMPLE"}}}"#;
    let whoami = Expected::post("https://sts.eu-west-1.amazonaws.com/")
        .form(&[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")])
        .header("accept", "application/json")
        .answer(Reply::json(200, answer));
    let host = FakeHost::new(kind).expect(whoami);
    let answers = [("accessKeyId", ID), ("secretAccessKey", KEY), ("service", "lambda"), ("region", "eu-west-1")];
    let made = host.setup([Input::answers(&answers)]).run().unwrap();
    assert_eq!(made.identity, Identity::new("123456789012", "arn:aws:iam::123456789012:user/Ada"));
    let base = made.reach.base_url.clone().unwrap();
    assert_eq!(base.to_string(), "https://lambda.eu-west-1.amazonaws.com");
    let signed = host.authorize(&made.credential, HttpRequest::get(&base, "/2015-03-31/functions")).unwrap();
    assert!(header(&signed, "authorization").unwrap().contains("/eu-west-1/lambda/aws4_request"));
}

/// AWS refuses a signature that was made more than five minutes earlier or later.
#[test]
fn a_refusal_of_a_signature_says_that_the_clocks_differ() {
    let kind = || Catalogue::kind("aws").unwrap().unwrap().definition();
    let whoami = |reply: Reply| Expected::post("https://sts.us-east-1.amazonaws.com/").answer(reply);
    let refused = |date: &str| {
        let body = r#"{"Error": {"Code": "SignatureDoesNotMatch", "Message": "Signature expired"}}"#;
        whoami(Reply::json(403, body).header("date", date))
    };
    let account =
        r#"{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": "1", "Arn": "arn:aws:iam"}}}"#;
    let place = [("service", "sts"), ("region", "us-east-1")];
    let answers = || Input::answers(&[("accessKeyId", ID), ("secretAccessKey", KEY), place[0], place[1]]);
    let host = FakeHost::new(kind()).expect(whoami(Reply::json(200, account)));
    let made = host.setup([answers()]).run().unwrap();
    let connection = host.connection(&made);
    // The clock of the fake host shows 2026-01-31T10:20:30Z.
    for (date, says) in [
        ("Sat, 31 Jan 2026 10:40:30 GMT", Some("and the clock of this machine is 20 minutes behind the provider's")),
        ("Sat, 31 Jan 2026 10:24:00 GMT", None),
    ] {
        let host = FakeHost::new(kind()).expect(refused(date));
        let reason = host.verify(&made.credential, &connection).unwrap().reason.unwrap();
        assert_eq!(reason.code, reason::UNAUTHORIZED);
        let message = reason.message.as_str();
        assert_eq!(message.contains("the clock of this machine"), says.is_some(), "{message}");
        assert!(message.contains(says.unwrap_or_default()), "{message}");
        let remedy = reason.remedy.unwrap();
        assert_eq!(remedy.as_str().starts_with("correct the clock"), says.is_some(), "{remedy}");
        assert!(remedy.as_str().contains(reason::AUTHORIZE_AGAIN), "the key may be wrong, too: {remedy}");
    }
    let late = || refused("Sat, 31 Jan 2026 10:40:30 GMT");
    let host = FakeHost::new(kind()).expect(late()).expect(late()).expect(late());
    let failure = host.setup([answers(), answers(), answers()]).run().unwrap_err();
    assert!(failure.message.as_str().contains("20 minutes behind the provider's"), "{failure}");
}

#[test]
fn a_kind_that_signs_bodies_or_adds_members_to_them_says_that_it_reads_them() {
    let reads = |kind: FileKind| kind.authorizer().unwrap().reads_body();
    assert!(reads(kind("https://example.amazonaws.com", "service")));
    let plain = |request: &str| {
        let text = format!(
            "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"api_key\"\n\
             [[fields]]\nname = \"apiKey\"\nlabel = \"Key\"\nsecret = true\n\
             [request]\nbase = \"https://api.acme.example\"\n{request}"
        );
        KindFile::parse("acme.toml", &text).unwrap_or_else(|problems| panic!("{problems}")).definition()
    };
    assert!(reads(plain("json = { key = \"${secret.apiKey}\" }")));
    assert!(!reads(plain("headers = { Authorization = \"Bearer ${secret.apiKey}\" }")));
}

#[test]
fn a_kind_that_signs_with_a_private_key_is_not_immediate() {
    let of = |name: &str, text: &str| {
        KindFile::parse(name, text).unwrap_or_else(|problems| panic!("{problems}")).definition()
    };
    let signed = of("app-store-connect.toml", include_str!("../../catalogue/app-store-connect.toml"));
    assert!(!signed.authorizer().unwrap().is_immediate());
    let keyed = of("linear.toml", include_str!("../../catalogue/linear.toml"));
    assert!(keyed.authorizer().unwrap().is_immediate(), "the control");
}
