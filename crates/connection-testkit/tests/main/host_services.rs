//! Tests of the services that a plugin keeps: local tools, login windows and values, and of the usage facet.

use std::sync::Mutex;

use connection_contract::{HostServices, LoginOutcome, prelude::*};
use connection_testkit::{Expected, FakeFiles, FakeHost, FakeTools, FakeWindow, Input, Reply, conformance::Suite};

use crate::check;

const API: &str = "https://api.meter.example";

/// A plugin that uses a login window, and looks for its tool and a file.
#[derive(Debug, Default)]
struct Meter {
    quirk: Option<Quirk>,
    host: Mutex<Option<HostServices>>,
}

/// The fault of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quirk {
    CountsItsActivations,
    ReportsNoNumber,
    ReportsTooDeep,
    TellsItsKey,
}

fn tool() -> ToolSpec {
    ToolSpec::new("meter")
}

impl ConnectionDefinition for Meter {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("meter"), "Meter", AuthType::Custom)
            .origin(API)
            .tool(tool())
            .field(Field::directory("root", "Directory"))
            .field(Field::secret("key", "Key"))
    }

    async fn activate(&self, host: HostServices) -> Result<(), ConnectionError> {
        if let (Some(kv), true) = (host.kv(), self.quirk == Some(Quirk::CountsItsActivations)) {
            let before = kv.get("count").await?.unwrap_or_default();
            kv.put("count", Some(format!("{before}+"))).await?;
        }
        *self.host.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(host);
        Ok(())
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let lacks = || SetupFailure::new("lacks", "the host lacks something");
        let failed = |error: ServiceError| SetupFailure::new("failed", format!("{error}"));
        let mut answers = ctx.prompt(Prompt::new("Where?").field("root").field("key")).await;
        let root = answers.directory("root")?.clone();
        let key = answers.secret("key")?;
        let tools = ctx.tools().ok_or_else(lacks)?;
        tools.find(&tool()).await.map_err(failed)?;
        let version = tools.version(&tool()).await.map_err(failed)?;
        let cache = ctx.file_cache().ok_or_else(lacks)?;
        let upper = |content: &Secret| Ok(content.expose_str().map(str::to_uppercase));
        let made = cache.cached(&root, "name", 1, 100, Box::new(upper)).await.map_err(failed)?;
        let link = Link::from_provider("https://meter.example/login").ok_or_else(lacks)?;
        let window = LoginWindow::new(link, "session", "meter.example");
        match ctx.login_window().ok_or_else(lacks)?.open(window).await {
            LoginOutcome::Success(_) => {}
            LoginOutcome::Cancelled => return Err(SetupFailure::new("cancelled", "the window was closed")),
            _ => return Err(lacks()),
        }
        let name = format!("{} {version}", made.unwrap_or_default());
        Ok(SetupResult::new(key, Identity::new(name.clone(), name)).reach(Reach::declared().root(root)))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        Some(self)
    }

    fn usage(&self) -> Option<&dyn UsageSource<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Meter {
    fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(key);
        Ok(())
    }
    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}

impl UsageSource<Secret> for Meter {
    fn fetch<'a>(
        &'a self,
        key: &'a Secret,
        ctx: &'a UsageContext<'_>,
    ) -> BoxFuture<'a, Result<UsageSnapshot, ConnectionError>> {
        Box::pin(async move {
            let base = ctx.base_url(API).map_err(|_| ConnectionError::Bug("no base".into()))?;
            let request = HttpRequest::get(base, "/usage");
            let said = classify(ctx.send_as(self, key, request).await)?.json().map_err(NotLive::from)?;
            let raw = match self.quirk {
                Some(Quirk::TellsItsKey) => Value::object([("key", key.expose_str().unwrap_or_default().into())]),
                _ => said,
            };
            let mut tokens = TokenUtilization::new("all", "All", 7);
            let mut spend = MonthlySpend::new("spend", "Spend", 1.0, ctx.now(), ctx.now());
            match self.quirk {
                Some(Quirk::ReportsNoNumber) => spend.spent_usd = f64::NAN,
                Some(Quirk::ReportsTooDeep) => {
                    tokens.others = vec![("x".into(), (0..31).fold(Value::Null, |inner, _| Value::List(vec![inner])))];
                }
                _ => {}
            }
            Ok(UsageSnapshot::new(ctx.now()).metric(tokens).metric(spend).raw(raw))
        })
    }
}

fn with_services(host: FakeHost<Meter>) -> FakeHost<Meter> {
    let files = FakeFiles::new().root("/data", &[("name", "ada")]);
    let tools = FakeTools::new().tool("meter", "/usr/bin/meter", "2.1");
    host.files(files).tools(tools).login_window(FakeWindow::cookie("a-cookie-of-some-length")).key_value()
}

fn usage() -> Expected {
    Expected::get("https://api.meter.example/usage").answer(Reply::json(200, r#"{"all": 7}"#))
}

fn answered() -> Input {
    Input::answers(&[("root", "/data"), ("key", "canary-key-of-the-meter")])
}

#[test]
fn the_fake_services_answer_as_the_test_configures() {
    let host = with_services(FakeHost::new(Meter::default())).expect(usage());
    host.activate().unwrap();
    let made = host.setup([answered()]).run().unwrap();
    assert_eq!(made.identity.account_id.as_str(), "ADA 2.1");
    let snapshot = host.fetch_usage(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!((snapshot.metrics.len(), snapshot.raw), (2, Some(Value::object([("all", 7.into())]))));
    host.finish();
    let closed = with_services(FakeHost::new(Meter::default())).login_window(FakeWindow::cancelled());
    let failure = closed.setup([answered()]).run().unwrap_err();
    assert_eq!(failure.code, "cancelled");
}

#[test]
fn the_test_sees_which_results_were_computed_from_files() {
    let host = with_services(FakeHost::new(Meter::default()));
    assert!(host.made_of_files().is_empty());
    let run = host.setup([answered()]).trace();
    let made = host.made_of_files();
    assert!(run.result.is_ok() && made.iter().all(|text| text == "ADA") && !made.is_empty(), "{made:?}");
}

#[test]
fn a_host_may_have_files_and_no_cache() {
    let host = with_services(FakeHost::new(Meter::default())).without_file_cache();
    assert_eq!(host.setup([answered()]).run().unwrap_err().code, "lacks");
    assert!(host.made_of_files().is_empty());
}

/// The search is tested in a setup and outside of one.
#[test]
fn tools_are_where_the_test_says_and_nobody_looks_for_another_one() {
    let host = |tools| with_services(FakeHost::new(Meter::default())).tools(tools);
    let searched = |host: &FakeHost<Meter>, tool: &ToolSpec| {
        host.activate().unwrap();
        let services = host.definition().host.lock().unwrap().clone().unwrap();
        poll(services.tools().unwrap().find(tool))
    };
    let absent = host(FakeTools::new().probed(&["/a", "/b"]));
    let found = searched(&absent, &tool()).unwrap();
    assert_eq!((found.path, found.probed), (None, vec!["/a".into(), "/b".into()]));
    assert_eq!(searched(&absent, &ToolSpec::new("other")).unwrap_err(), ServiceError::Denied);
    assert_eq!(absent.setup([answered()]).run().unwrap_err().message.as_str(), ServiceError::NotFound.to_string());
    let blind = host(FakeTools::new().tool("meter", "/usr/bin/meter", "2.1").unavailable());
    assert_eq!(searched(&blind, &tool()).unwrap_err(), ServiceError::Unavailable);
    assert_eq!(blind.setup([answered()]).run().unwrap_err().message.as_str(), ServiceError::Unavailable.to_string());
    assert_eq!(searched(&host(FakeTools::new()), &tool()).unwrap().probed, ["/usr/bin".into()]);
}

/// Polls the future at most twice, because the fakes of the testkit answer after one more poll.
fn poll<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

fn suite(quirk: Option<Quirk>) -> Suite<Meter> {
    let made = move || Meter { quirk, ..Meter::default() };
    Suite::new(made).host(with_services).setup([answered()], []).usage([usage()])
}

#[test]
fn a_plugin_that_keeps_what_it_is_lent_passes() {
    suite(None).check();
}

#[test]
fn one_whose_second_activation_keeps_more_is_caught() {
    check("a second activation stores something", || suite(Some(Quirk::CountsItsActivations)).check());
}

#[test]
fn one_whose_usage_has_a_secret_raw_is_caught() {
    check("the raw part of a snapshot of usage shows", || suite(Some(Quirk::TellsItsKey)).check());
}

/// The tests of the poller in `connection-agent` find the same words in the result of a fetch.
#[test]
fn one_whose_usage_a_host_refuses_is_caught() {
    for (quirk, words) in [
        (Quirk::ReportsNoNumber, "a metric has a number that is not finite"),
        (Quirk::ReportsTooDeep, "a metric has other fields that are not JSON, or have more than 16 KiB or 32 levels"),
    ] {
        check(words, || suite(Some(quirk)).check());
    }
}
