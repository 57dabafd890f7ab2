//! Tests of `ask_until`: what is asked again, with which problem, and what ends it. Each setup is also replayed.

use connection_contract::prelude::*;
use connection_testkit::{Expected, FakeHost, Input, Reply, SetupRun, offline};

/// The origin of the provider.
const API: &str = "https://api.safe.example";

/// A provider of keys that begin with `k-` and have at least four characters.
#[derive(Debug)]
struct Safe {
    tries: usize,
}

impl ConnectionDefinition for Safe {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(Kind::from_static("safe"), "Safe", AuthType::ApiKey).origin(API);
        descriptor.field(Field::text("key", "Key")).field(Field::text("door", "Door"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let made = ctx.ask_until(self.tries, Prompt::new("Connect a safe").field("key"), |answers| async move {
            let key = answers.text("key")?;
            if key.len() < 4 {
                return Err(SetupFailure::new("safe_short", "the key is too short").ask_again("this key is too short"));
            }
            if !key.starts_with("k-") {
                return Err(SetupFailure::new(reason::UNAUTHORIZED, "this is no key"));
            }
            // An attempt may ask and send more.
            let door = ctx.prompt(Prompt::new("Which door?").field("door")).await.text("door")?.to_owned();
            classify(ctx.send(HttpRequest::get(ctx.base_url(API)?, &format!("/{key}"))).await)?;
            Ok(SetupResult::new(Secret::from(key), Identity::new(key.to_owned(), door)))
        });
        made.await.map_err(|failure| failure.when_refused("no key was accepted", "get another key"))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::not_checked())
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Safe {
    fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(key);
        Ok(())
    }

    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}

fn key(key: &str) -> Input {
    Input::answers(&[("key", key)])
}

fn door(door: &str) -> Input {
    Input::answers(&[("door", door)])
}

fn answer(key: &str, status: u16) -> Expected {
    Expected::get(&format!("{API}/{key}")).answer(Reply::status(status))
}

fn run<const N: usize>(
    tries: usize,
    requests: impl IntoIterator<Item = Expected>,
    inputs: [Input; N],
) -> SetupRun<Secret> {
    let host = requests.into_iter().fold(FakeHost::new(Safe { tries }), FakeHost::expect);
    host.setup(inputs).trace()
}

fn problems(run: &SetupRun<Secret>) -> Vec<Option<String>> {
    let prompts = run.steps.iter().filter_map(|step| step.prompt.as_ref());
    prompts.map(|prompt| prompt.problem.as_ref().map(|problem| problem.as_str().to_owned())).collect()
}

#[test]
fn a_person_is_asked_again_with_what_was_wrong_until_an_attempt_succeeds() {
    let inputs = [key("k-1"), key("other"), key("k-11"), door("left"), key("k-22"), door("right")];
    let run = run(4, [answer("k-11", 401), answer("k-22", 200)], inputs);
    let made = run.result.as_ref().unwrap();
    assert_eq!(made.identity, Identity::new("k-22", "right"));
    let shown = [
        None,
        Some("this key is too short"),
        Some("this is no key"),
        None,
        Some("the provider refuses the credential"),
        None,
    ];
    assert_eq!(problems(&run), shown.map(|problem| problem.map(str::to_owned)));
}

#[test]
fn the_failure_of_the_last_attempt_ends_the_setup() {
    let refused = run(2, [answer("k-11", 401)], [key("k-1"), key("k-11"), door("left")]).result.unwrap_err();
    let said = (&*refused.code, refused.message.as_str(), refused.remedy.as_ref().map(DisplayText::as_str));
    assert_eq!(said, (reason::UNAUTHORIZED, "no key was accepted", Some("get another key")));

    let short = run(2, [], [key("other"), key("k-1")]).result.unwrap_err();
    assert_eq!((&*short.code, short.message.as_str()), ("safe_short", "the key is too short"));

    for tries in [0, 1] {
        let once = run(tries, [], [key("k-1")]).result.unwrap_err();
        assert_eq!(&*once.code, "safe_short", "a person is asked at least once");
    }
}

#[test]
fn another_failure_ends_the_setup_at_once_or_lets_it_wait() {
    let forbidden = run(3, [answer("k-11", 503)], [key("k-11"), door("left")]).result.unwrap_err();
    assert_eq!(offline(&forbidden).unwrap().liveness, Liveness::Offline);

    let requests = [answer("k-11", 503), answer("k-11", 200)];
    let resumed = run(3, requests, [key("k-11"), door("left"), Input::Resume]).result.unwrap();
    assert_eq!(resumed.identity, Identity::new("k-11", "left"), "the answers were kept, and nobody was asked again");
}

#[test]
fn a_failure_that_is_not_about_the_answers_is_not_asked_again_whatever_its_words() {
    let failure = SetupFailure::new("safe_closed", "the safe is closed");
    let same = failure.clone().when_refused("no key was accepted", "get another key");
    assert_eq!((&*same.code, same.message, same.remedy), ("safe_closed", failure.message, None));
}
