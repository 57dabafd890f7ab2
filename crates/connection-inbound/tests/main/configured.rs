//! Kinds from a configuration, run by the core with its limits and its egress policy.

use std::{sync::Arc, time::Duration};

use connection_contract::{Clock as _, Kind, Secret, Timestamp};
use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, ManualClock, Outcome, SetupSession, SetupStep};
use connection_oauth2::{Account, Client, Endpoint, OAuth2Builder, OAuth2Config, Renewal, Response, Step, oauth2};

use crate::{login::API, provider::Provider};

const KIND: Kind = Kind::from_static("configured");
const ELSEWHERE: &str = "https://elsewhere.example";

/// A host that receives no callbacks, with two providers.
struct Host {
    registry: ConnectionRegistry,
    clock: ManualClock,
    provider: Provider,
    elsewhere: Provider,
    directory: tempfile::TempDir,
}

impl Host {
    async fn of(builder: OAuth2Builder) -> Self {
        Self::of_kinds([builder]).await
    }

    async fn of_kinds(builders: impl IntoIterator<Item = OAuth2Builder>) -> Self {
        let provider = Provider::start();
        let elsewhere = Provider::start();
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_seconds(1_800_000_000));
        let http = HttpPolicy::new().endpoint(API, &provider.origin).unwrap();
        let http = http.endpoint(ELSEWHERE, &elsewhere.origin).unwrap();
        let registry = ConnectionRegistry::builder()
            .store(directory.path().join("connections.db").display().to_string())
            .key(KeyFile::at(directory.path().join("root.key")))
            .clock(Arc::new(clock.clone()))
            .http(http);
        let kinds = builders.into_iter().map(|builder| oauth2(builder.build().unwrap()));
        let registry = kinds.fold(registry, |registry, kind| registry.kind(kind));
        let registry = registry.open().await.unwrap();
        Self { registry, clock, provider, elsewhere, directory }
    }

    /// Begins a setup; returns its session, its first step, and the parameters of the address that it opens.
    async fn begun(&self) -> (SetupSession, u64, Vec<(String, String)>) {
        let session = self.registry.setups().begin(&KIND).await.unwrap();
        let (no, step) = session.next_step().await.unwrap().unwrap();
        let SetupStep::Prompt { open: Some(redirect), .. } = step else { panic!("an address to open: {step:?}") };
        let query = redirect.link.as_str().split_once('?').unwrap().1;
        let query = connection_contract::encode::from_form(query);
        (session, no, query)
    }
}

fn builder() -> OAuth2Builder {
    OAuth2Config::builder(KIND, "Configured")
        .api(API)
        .client(Client::Configured { id: "id".to_owned(), secret: Some(Secret::from("secret")) })
        .account(Account::probe("/me", "/id", "/name"))
}

fn value<'q>(query: &'q [(String, String)], wanted: &str) -> &'q str {
    query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).unwrap()
}

/// If addresses were learned, the refresh step is in reach; otherwise the egress policy would refuse the first refresh.
#[tokio::test]
async fn what_renews_elsewhere_is_reached() {
    let renewal = Renewal::Step(Step::get(format!("{ELSEWHERE}/renew")).parameter("token", "${token.access}"));
    let host = Host::of(builder().discover(API).renewal(renewal)).await;
    let metadata = format!(r#""issuer": "{API}", "authorization_endpoint": "{API}/a", "token_endpoint": "{API}/t""#);
    let answer = r#""access_token": "first", "expires_in": 3600, "id": "1", "name": "ada""#;
    host.provider.answers(200, &format!("{{{metadata}, {answer}}}"));
    host.elsewhere.answers(200, r#"{"access_token": "second", "expires_in": 3600}"#);
    let (session, no, query) = host.begun().await;
    let back = format!("http://127.0.0.1/callback?code=x&state={}", value(&query, "state"));
    session.advance(no, &[("callbackUrl".to_owned(), Secret::from(back))]).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("it connects") };
    let connection = host.registry.connection(done.connection).await.unwrap();
    connection.refresh().await.unwrap();
    assert_eq!(host.elsewhere.request_bodies().len(), 1);
    let borrowed = connection.with_access_token(async |token| token.expose().to_vec()).await.unwrap();
    assert_eq!(borrowed, b"second");
}

/// Q2: a further set whose response is lost is sent again after its quarantine, each time that a person asks. After
/// the fifth failure it is given up, so that the main set is not rotated without end, and its end is reported.
#[tokio::test]
async fn a_further_set_whose_answers_are_lost_is_given_up_and_told() {
    let endpoints = builder()
        .endpoint(Endpoint::Authorize, format!("{API}/a"))
        .endpoint(Endpoint::Token, format!("{API}/t"))
        .response(Response::new().extra_tokens("user", "/user"));
    let host = Host::of(endpoints).await;
    host.provider.answers_as(|body| {
        let main = r#""access_token": "main", "expires_in": 30000, "id": "1", "name": "ada""#;
        let user = r#""access_token": "user", "refresh_token": "r-user", "expires_in": 30000"#;
        match body {
            body if body.contains("r-user") => (503, String::new()),
            body if body.contains("r-main") => (200, format!("{{{main}}}")),
            _ => (200, format!(r#"{{{main}, "refresh_token": "r-main", "user": {{{user}}}}}"#)),
        }
    });
    let (session, no, query) = host.begun().await;
    let back = format!("http://127.0.0.1/callback?code=x&state={}", value(&query, "state"));
    session.advance(no, &[("callbackUrl".to_owned(), Secret::from(back))]).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("it connects") };
    let connection = host.registry.connection(done.connection).await.unwrap();
    let ends = host.clock.now().seconds() + 30_000;
    let sent = |token: &str| host.provider.request_bodies().iter().filter(|body| body.contains(token)).count();
    for round in 1..=6 {
        host.clock.advance(Duration::from_secs(300));
        let info = connection.refresh().await.unwrap().connection;
        assert_eq!((sent("r-main"), sent("r-user")), (round, round.min(5)), "round {round}");
        let ends_at = info.ends_at().map(|at| at.seconds());
        assert_eq!(ends_at, (round >= 5).then_some(ends), "round {round}");
    }
}

/// Returns a kind of a provider that asks for its application and exchanges codes at this origin.
fn asking(kind: Kind, provider: Kind, token_origin: &str) -> OAuth2Builder {
    OAuth2Config::builder(kind, "Asking")
        .provider(provider)
        .api(API)
        .endpoint(Endpoint::Authorize, format!("{API}/a"))
        .endpoint(Endpoint::Token, format!("{token_origin}/t"))
        .client(Client::Prompted)
        .account(Account::probe("/me", "/id", "/name"))
}

/// Returns the next question of a setup, after any notices.
async fn asked(session: &SetupSession) -> (u64, SetupStep) {
    loop {
        let (no, step) = session.next_step().await.unwrap().unwrap();
        if matches!(step, SetupStep::Prompt { .. }) {
            return (no, step);
        }
    }
}

/// Returns `true` if a question asks for the application.
fn asks_for_application(step: &SetupStep) -> bool {
    let SetupStep::Prompt { fields, .. } = step else { panic!("a question: {step:?}") };
    fields.iter().any(|field| *field.name == *"clientSecret")
}

/// An application that a person typed in is kept for the owner, the provider and the origin to which its secret is
/// sent.
#[tokio::test]
async fn kinds_of_a_provider_share_an_asked_application_unless_they_send_it_elsewhere() {
    const CANARY: &str = "canary-of-the-application";
    let [mail, drive, names_elsewhere, other] =
        ["acme-mail", "acme-drive", "names-elsewhere", "other-provider"].map(Kind::from_static);
    let acme = Kind::from_static("acme");
    let host = Host::of_kinds([
        asking(mail.clone(), acme.clone(), API),
        asking(drive.clone(), acme.clone(), API),
        asking(names_elsewhere.clone(), acme, ELSEWHERE),
        asking(other.clone(), Kind::from_static("other"), API),
    ])
    .await;
    host.provider.answers(200, r#"{"access_token": "token", "expires_in": 3600, "id": "1", "name": "ada"}"#);
    let connects = async |kind: &Kind, asks: bool| {
        let session = host.registry.setups().begin(kind).await.unwrap();
        let (mut no, mut step) = asked(&session).await;
        assert_eq!(asks_for_application(&step), asks, "{kind}: {step:?}");
        if asks {
            let answers = [("clientId", "app-1"), ("clientSecret", CANARY)];
            let answers = answers.map(|(name, answer)| (name.to_owned(), Secret::from(answer)));
            session.advance(no, &answers).await.unwrap();
            (no, step) = asked(&session).await;
        }
        let SetupStep::Prompt { open: Some(redirect), .. } = step else { panic!("an address to open: {step:?}") };
        let query = redirect.link.as_str().split_once('?').unwrap().1;
        let query = connection_contract::encode::from_form(query);
        assert_eq!(value(&query, "client_id"), "app-1");
        let back = format!("http://127.0.0.1/callback?code=x&state={}", value(&query, "state"));
        session.advance(no, &[("callbackUrl".to_owned(), Secret::from(back))]).await.unwrap();
        let outcome = session.terminal().await.unwrap();
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    };
    connects(&mail, true).await;
    connects(&drive, false).await;
    let another = host.registry.owner("another").unwrap();
    for (registry, kind) in [(&host.registry, &names_elsewhere), (&host.registry, &other), (&another, &drive)] {
        let session = registry.setups().begin(kind).await.unwrap();
        assert!(asks_for_application(&asked(&session).await.1), "{kind}");
    }
    assert!(host.elsewhere.request_bodies().is_empty());
    // The application is sealed.
    host.registry.close().await;
    let stored = std::fs::read(host.directory.path().join("connections.db")).unwrap();
    assert!(!stored.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}
