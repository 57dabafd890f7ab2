//! Setups that send a signature that differs each time: in a replay, the request still counts as the same.

use std::sync::{Arc, Mutex};

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RsaKeyPair},
};
use connection_contract::prelude::*;
use connection_faults::scripted::{Scripted, live};

use crate::{
    acme::API,
    test_host::{World, code},
    test_server::Reply,
    user::{requests_to, set_up},
};

const SIGNS: Kind = Kind::from_static("signs");

#[derive(Clone)]
struct Signs {
    algorithm: SignatureAlgorithm,
    key: Arc<str>,
    written: fn(&[u8]) -> String,
    /// The bytes that are signed in the n-th run; the same in all of them, unless the plugin has a bug.
    signed: fn(usize) -> String,
    made: Arc<Mutex<Vec<Vec<u8>>>>,
    runs: Arc<std::sync::atomic::AtomicUsize>,
}

impl Signs {
    fn new(algorithm: SignatureAlgorithm, der: &[u8]) -> Self {
        let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", encode::base64(der)).into();
        Self {
            algorithm,
            key,
            written: encode::base64url,
            signed: |_| "claims".to_owned(),
            made: Default::default(),
            runs: Default::default(),
        }
    }

    async fn send(&self, claims: &str, ctx: &SetupContext<'_>) -> Result<HttpResponse, SetupFailure> {
        let signature = ctx.crypto().sign(self.algorithm, &Secret::from(&*self.key), claims.as_bytes()).unwrap();
        let written = (self.written)(&signature);
        self.made.lock().unwrap().push(signature);
        let request = HttpRequest::post(ctx.base_url(API)?, "/signed").query("proof", &written);
        Ok(classify(ctx.send(request.form("assertion", &format!("{claims}.{written}"))).await)?)
    }
}

/// The kind `signs`: sends a signature and a second signature, before it asks and after.
fn signing(signs: Signs) -> Scripted<Signs> {
    let descriptor = Descriptor::new(SIGNS, "Signs", AuthType::Custom).origin(API).field(Field::text("a", "A"));
    Scripted::with(signs, descriptor).setup(|it, ctx| {
        Box::pin(async move {
            let run = it.runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            it.send(&(it.signed)(run), ctx).await?;
            ctx.prompt(Prompt::new("Sign").field("a")).await;
            let token = it.send("after", ctx).await?.body().duplicate();
            Ok(live(token, Identity::new("1", "ada")))
        })
    })
}

async fn outcome(kind: &Signs) -> (String, usize) {
    let world = World::new().await;
    world.provider(|_| Reply::ok("token"));
    let registry = world.open(signing(kind.clone())).await;
    (code(&set_up(&registry, &SIGNS).await), requests_to(&world, "POST /signed"))
}

fn curve() -> Signs {
    let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    Signs::new(SignatureAlgorithm::Es256, curve.to_pkcs8v1().unwrap().as_ref())
}

#[tokio::test]
async fn a_request_that_is_signed_anew_in_a_replay_is_the_same_request() {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = rsa.as_der().unwrap();
    for kind in [curve(), Signs::new(SignatureAlgorithm::Ps256, der.as_ref())] {
        for written in [encode::base64url, encode::base64, encode::hex] {
            let kind = Signs { written, made: Arc::default(), ..kind.clone() };
            assert_eq!(outcome(&kind).await, ("done Live".to_owned(), 2), "{:?}", kind.algorithm);
            let made = kind.made.lock().unwrap();
            assert!(made.len() > 2 && made[0] != made[1], "the control: two runs signed the same in two ways");
        }
    }
}

#[tokio::test]
async fn one_that_signs_something_else_in_a_replay_is_another_request() {
    let kind = Signs { signed: |run| format!("claims {run}"), ..curve() };
    assert_eq!(outcome(&kind).await, ("setup_changed".to_owned(), 1));
}
