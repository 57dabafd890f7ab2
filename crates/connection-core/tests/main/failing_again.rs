//! A connection that its provider refuses is asked again: by the scheduler with pauses that grow, after a use that
//! succeeds, and whenever a person asks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::prelude::*;
use connection_core::{Connection as Handle, ConnectionInfo, ConnectionRegistry, Error};
use connection_faults::eventually::eventually;

use crate::{
    acme::{API, Acme},
    fake::Fake,
    renewing::{LIFE, RENEWING, Renewals, Renewing, refreshed, send},
    running::run,
    sql,
    test_host::{START, World, connected, connected_as, me},
    test_server::Reply,
};

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Waits for the work that the last step of the clock began.
async fn settle(world: &World) {
    sql::settle(&world.database(), &world.clock).await;
}

fn code(info: &ConnectionInfo) -> &str {
    info.reason.as_ref().map_or("", |reason| &reason.code)
}

/// A connection whose provider refuses probes as long as a test says, and answers every other request with 200.
struct Refused {
    world: World,
    registry: ConnectionRegistry,
    connection: Handle,
    is_refused: Arc<AtomicBool>,
    probes: Arc<AtomicUsize>,
}

impl Refused {
    async fn new() -> Self {
        Self::with(|| Reply::whole(401, "", r#"{"message":"Bad credentials"}"#)).await
    }

    /// Returns one whose probes get this answer.
    async fn with(refusal: impl Fn() -> Reply + Send + 'static) -> Self {
        let world = World::new().await;
        let is_refused = Arc::new(AtomicBool::new(false));
        let probes = Arc::new(AtomicUsize::new(0));
        let (refuses, counted) = (is_refused.clone(), probes.clone());
        world.provider(move |request| {
            if request.starts_with("GET /me ") {
                counted.fetch_add(1, SeqCst);
                if refuses.load(SeqCst) {
                    return refusal();
                }
            }
            me("1", "ada")
        });
        let registry = world.open(Acme::default()).await;
        let connection = connected(&registry, "one").await;
        is_refused.store(true, SeqCst);
        assert_ne!(connection.verify().await.unwrap().liveness, Liveness::Live);
        probes.store(0, SeqCst);
        Self { world, registry, connection, is_refused, probes }
    }

    fn probes(&self) -> usize {
        self.probes.load(SeqCst)
    }

    async fn number(&self, column: &str) -> Option<i64> {
        sql::number(&self.world.database(), format!("SELECT {column} FROM connection_liveness")).await
    }

    /// Moves the last verification after a use into the past, because it uses the database's clock.
    async fn pass(&self, seconds: i64) {
        let earlier = format!("UPDATE connection_liveness SET refusal_checked_at = refusal_checked_at - {seconds}");
        sql::run(&self.world.database(), earlier).await;
    }

    async fn info(&self) -> ConnectionInfo {
        self.registry.connection(self.connection.id()).await.unwrap().info().clone()
    }

    /// Lets the scheduler verify at the planned time, and returns the pause between this time and the last verification.
    async fn next_probe(&self) -> i64 {
        let at = self.number("next_check_at").await.expect("it is asked again");
        let (probes, checked_at) = (self.probes(), self.number("checked_at").await);
        let pause = at - checked_at.expect("it was verified");
        for _ in 0..2 * pause {
            if self.number("checked_at").await != checked_at {
                break;
            }
            // The scheduler sleeps for 15 seconds at most.
            let left = u64::try_from((at - self.world.now()).max(1)).unwrap();
            self.world.clock.advance(Duration::from_secs(left));
            settle(&self.world).await;
        }
        assert_eq!(self.probes(), probes + 1);
        pause
    }
}

#[tokio::test]
async fn a_success_makes_a_failing_connection_due_and_the_probe_alone_heals_it() {
    let it = Refused::new().await;
    // The path is open to everybody, so the probe still finds the refusal.
    assert_eq!(send(&it.connection).await.unwrap(), 200);
    assert_eq!((it.info().await.liveness, it.probes()), (Liveness::Failing, 0), "a success proves nothing");
    let info = it.connection.verify_refused_use().await.unwrap().expect("a verification follows the success");
    assert_eq!((info.liveness, code(&info), it.probes()), (Liveness::Failing, "unauthorized", 1));
    it.is_refused.store(false, SeqCst);
    for _ in 0..3 {
        send(&it.connection).await.unwrap();
        assert!(it.connection.verify_refused_use().await.unwrap().is_none(), "one in five minutes");
    }
    it.pass(5 * MINUTE).await;
    let info = it.connection.verify_refused_use().await.unwrap().expect("the success was noted");
    assert_eq!((info.liveness, it.probes()), (Liveness::Live, 2));
    it.pass(5 * MINUTE).await;
    send(&it.connection).await.unwrap();
    assert!(it.connection.verify_refused_use().await.unwrap().is_none(), "the success of a live connection is no news");
}

#[tokio::test]
async fn a_scheduler_verifies_a_failing_connection_after_a_success() {
    let it = Refused::new().await;
    let _running = run(&it.registry);
    it.is_refused.store(false, SeqCst);
    send(&it.connection).await.unwrap();
    for _ in 0..200 {
        if it.info().await.liveness == Liveness::Live {
            return;
        }
        it.world.clock.advance(Duration::from_secs(1));
        settle(&it.world).await;
    }
    panic!("it stays {:?}", it.info().await.liveness);
}

#[tokio::test]
async fn a_failing_connection_is_asked_again_with_pauses_from_five_minutes_to_a_day_until_it_works() {
    let it = Refused::new().await;
    let _running = run(&it.registry);
    let mut least = 5 * MINUTE;
    for _ in 0..10 {
        let pause = it.next_probe().await;
        assert!((least..=(least + least / 4).min(DAY)).contains(&pause), "{pause} is not about {least}");
        least = (2 * least).min(DAY);
        assert_eq!(it.info().await.liveness, Liveness::Failing);
    }
    assert_eq!(least, DAY);
    it.is_refused.store(false, SeqCst);
    it.next_probe().await;
    assert_eq!((it.info().await.liveness, it.number("next_check_at").await), (Liveness::Live, None));
}

#[tokio::test]
async fn the_verifications_of_a_person_neither_wait_for_a_pause_nor_lengthen_it() {
    for (it, liveness) in [(Refused::new().await, Liveness::Failing), (Refused::with(page).await, Liveness::Offline)] {
        for probes in 1..=12 {
            assert_eq!(it.connection.verify().await.unwrap().liveness, liveness);
            assert_eq!(it.probes(), probes);
        }
        let pause = it.number("next_check_at").await.unwrap() - it.world.now();
        assert!((5 * MINUTE..=5 * MINUTE + 75).contains(&pause), "{pause}");
    }
}

/// An answer that says nothing about the credential.
fn page() -> Reply {
    Reply::whole(403, "content-type: text/html\r\n", "<html>Request blocked</html>")
}

#[tokio::test]
async fn an_offline_connection_is_asked_again_with_pauses_that_grow_although_its_origin_answers() {
    let it = Refused::with(page).await;
    assert_eq!(it.info().await.liveness, Liveness::Offline);
    let _running = run(&it.registry);
    let mut least = 5 * MINUTE;
    for _ in 0..4 {
        let pause = it.next_probe().await;
        assert!((least..=least + least / 4).contains(&pause), "{pause} is not about {least}");
        least *= 2;
        assert_eq!(it.info().await.liveness, Liveness::Offline);
    }
    it.is_refused.store(false, SeqCst);
    it.next_probe().await;
    assert_eq!((it.info().await.liveness, it.number("next_check_at").await), (Liveness::Live, None));
}

#[tokio::test]
async fn a_success_makes_an_offline_connection_due() {
    let it = Refused::with(page).await;
    assert_eq!(send(&it.connection).await.unwrap(), 200);
    assert_eq!(it.info().await.liveness, Liveness::Offline, "a success proves nothing");
    it.is_refused.store(false, SeqCst);
    let info = it.connection.verify_refused_use().await.unwrap().expect("a verification follows the success");
    assert_eq!((info.liveness, it.probes()), (Liveness::Live, 1));
}

#[tokio::test]
async fn a_refresh_that_succeeds_shortens_no_pause_of_a_token_that_stays_refused() {
    let it = Renewals::new().await;
    let answering = it.provider.clone();
    it.world.provider(move |request| match request.starts_with("POST /token") {
        true => answering.answer(request),
        false => Reply::whole(401, "", "{}"),
    });
    it.edit(&format!("UPDATE connection_liveness SET next_check_at = {START}")).await;
    let _running = run(&it.registry);
    let mut pauses = Vec::new();
    for _ in 0..600 {
        let next = it.lease("next_check_at").await.unwrap_or_default() - it.world.now();
        // A shorter time is that of a claim, or of the second look at a fresh token.
        let is_planned = next >= 200 && info(&it).await.liveness == Liveness::Failing;
        if is_planned {
            pauses.push(next);
        }
        if pauses.len() == 4 {
            break;
        }
        it.world.clock.advance(Duration::from_secs(if is_planned { next.unsigned_abs() } else { 1 }));
        settle(&it.world).await;
    }
    assert!(pauses.len() == 4 && pauses.is_sorted_by(|one, next| 3 * one <= 2 * next), "{pauses:?}");
    assert!(it.provider.request_count() > 2, "it was refreshed between them");
}

#[tokio::test]
async fn a_check_by_the_schedule_and_one_after_a_success_are_five_minutes_apart() {
    let it = Refused::new().await;
    let running = run(&it.registry);
    it.next_probe().await;
    drop(running);
    send(&it.connection).await.unwrap();
    assert!(it.connection.verify_refused_use().await.unwrap().is_none());
    it.pass(5 * MINUTE).await;
    assert!(it.connection.verify_refused_use().await.unwrap().is_some());
}

#[tokio::test]
async fn a_connection_of_another_account_is_asked_again() {
    let it = Refused::with(|| me("2", "eve")).await;
    assert_eq!(code(&it.info().await), "account_changed");
    let _running = run(&it.registry);
    it.is_refused.store(false, SeqCst);
    it.next_probe().await;
    assert_eq!(it.info().await.liveness, Liveness::Live);
}

/// A kind whose credential is a password.
struct Vault;

const VAULT: Kind = Kind::from_static("vault");

impl ConnectionDefinition for Vault {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(VAULT, "Vault", AuthType::Basic).origin(API).field(Field::secret("password", "Password"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let password = ctx.prompt(Prompt::new("Connect").field("password")).await.secret("password")?;
        Ok(SetupResult::new(password, Identity::new("1", "ada")).measured(VerifyResult::live()))
    }

    fn serialize_credential(&self, password: &Secret) -> Result<Secret, CredentialError> {
        Ok(password.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        classify(ctx.send(HttpRequest::get(ctx.base_url(API)?, "/me")).await)?;
        Ok(VerifyResult::live())
    }

    async fn teardown(&self, _: &Secret, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        Ok(Teardown::NothingToRevoke)
    }
}

#[tokio::test]
async fn a_password_is_tried_at_most_hourly_because_tries_lock_accounts() {
    let world = World::new().await;
    let registry = world.open(Vault).await;
    let connection = connected_as(&registry, &VAULT, &[("password", "hunter22")]).await;
    world.provider(|_| Reply::whole(401, "", ""));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
    let next = sql::number(&world.database(), "SELECT next_check_at FROM connection_liveness").await.unwrap();
    assert!((HOUR..=HOUR + HOUR / 4).contains(&(next - START)), "{}", next - START);
    // The same holds after uses, by the clock of the database.
    for (seconds, is_tried) in [(0, true), (5 * MINUTE, false), (54 * MINUTE, false), (MINUTE, true)] {
        let noted = "UPDATE connection_liveness SET refused_at = 1, refusal_checked_at = refusal_checked_at -";
        sql::run(&world.database(), format!("{noted} {seconds}")).await;
        assert_eq!(connection.verify_refused_use().await.unwrap().is_some(), is_tried, "{seconds}");
    }
}

async fn info(it: &Renewals) -> ConnectionInfo {
    it.registry.connection(it.connection.id()).await.unwrap().info().clone()
}

#[tokio::test]
async fn a_refused_login_is_asked_again_with_pauses_from_a_quarter_of_an_hour_to_a_day() {
    for (status, body) in [(401, r#"{"error":"unauthorized"}"#), (403, r#"{"reason":"x"}"#), (400, "{}")] {
        let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
        it.provider.says(Some((status, "", body)));
        it.at(LIFE);
        let mut least = 15 * MINUTE;
        for requests in 1..=8 {
            assert!(matches!(it.send().await, Err(Error::NotRenewed { .. })), "{status}");
            assert_eq!(it.provider.request_count(), requests, "{status}: the login is tried again at a use");
            let failing = it.connection.verify().await.unwrap();
            assert_eq!(
                (failing.liveness, it.provider.request_count()),
                (Liveness::Failing, requests),
                "not in the pause"
            );
            let pause = it.credential("refresh_at").await.unwrap() - it.world.now();
            assert!((least..=(least + least / 4).min(DAY)).contains(&pause), "{status}: {pause} is not about {least}");
            least = (2 * least).min(DAY);
            it.world.clock.advance(Duration::from_secs(u64::try_from(pause).unwrap()));
        }
        it.provider.says(None);
        assert_eq!(it.send().await.unwrap(), 200);
        assert_eq!(info(&it).await.liveness, Liveness::Live);
    }
}

#[tokio::test]
async fn the_attempts_of_a_person_lengthen_no_pause_of_a_refused_login() {
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.provider.says(Some((401, "", r#"{"error":"unauthorized"}"#)));
    it.at(LIFE);
    assert!(it.send().await.is_err());
    for requests in 2..=10 {
        assert!(it.connection.refresh().await.is_err());
        assert_eq!(it.provider.request_count(), requests);
        let pause = it.credential("refresh_at").await.unwrap() - it.world.now();
        assert!((15 * MINUTE..19 * MINUTE).contains(&pause), "{pause}");
    }
}

#[tokio::test]
async fn a_person_asks_for_a_login_again_at_once() {
    for asks in ["verify", "refresh"] {
        let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
        it.provider.says(Some((401, "", r#"{"error":"unauthorized"}"#)));
        it.at(LIFE);
        assert!(it.send().await.is_err());
        it.provider.says(None);
        assert!(it.send().await.is_err(), "a use waits for the pause");
        let live = match asks {
            "verify" => it.connection.verify_now().await.unwrap().liveness,
            _ => it.connection.refresh().await.unwrap().connection.liveness,
        };
        assert_eq!((live, it.send().await.unwrap()), (Liveness::Live, 200), "{asks}");
    }
}

#[tokio::test]
async fn an_outage_a_limit_or_a_page_of_days_is_not_told_as_an_end() {
    for (status, headers, body) in [
        (503, "", "<html>soon</html>"),
        (404, "content-type: text/html\r\n", "<html>no such page</html>"),
        (408, "", ""),
        (503, "", "{}"),
        (429, "retry-after: 60\r\n", "{}"),
        (429, "", ""),
    ] {
        let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
        it.provider.says(Some((status, headers, body)));
        for days in 0..4 {
            it.at(LIFE + days * (DAY + HOUR));
            let info = it.connection.verify().await.unwrap();
            assert_eq!(info.liveness, Liveness::Offline, "{status} {days}: {:?}", info.reason);
        }
        assert!(refreshed(&it.plugin) >= 4);
    }
}

#[tokio::test]
async fn a_limit_of_all_connections_of_an_application_ends_none_and_costs_no_refresh() {
    let it = Renewals::new().await;
    let answering = it.provider.clone();
    let is_limited = Arc::new(AtomicBool::new(true));
    let limits = is_limited.clone();
    it.world.provider(move |request| match limits.load(SeqCst) {
        true => Reply::whole(429, "retry-after: 600\r\n", r#"{"message":"API rate limit exceeded"}"#),
        false => answering.answer(request),
    });
    let before = it.credential("refresh_at").await;
    let mut results = it.registry.preflight([it.connection.id()]);
    let info = results.next().await.unwrap().1.unwrap();
    assert_eq!((info.liveness, code(&info)), (Liveness::Offline, "rate_limited"));
    assert_eq!(info.paused_until, Some(Timestamp::from_seconds(START + 600)));
    assert_eq!((refreshed(&it.plugin), it.credential("refresh_failures").await), (0, Some(0)));
    assert_eq!(it.credential("refresh_at").await, before);
    is_limited.store(false, SeqCst);
    it.at(600);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn an_application_that_is_accepted_again_makes_the_connections_due_that_failed_for_it() {
    let it = Renewals::new().await;
    *it.plugin.gives.lock().unwrap() = ["access-1", "refresh-1", "2"];
    let other = it.plugin.connected(&it.registry).await;
    let refused = r#"{"code":"renewing_client_refused","message":"the provider does not accept the application"}"#;
    let later = START + HOUR;
    it.edit(&format!(
        "UPDATE connection_credential SET refresh_failures = 3, refresh_reason = '{refused}', refresh_at = {later}"
    ))
    .await;
    let planned = format!("SELECT refresh_at FROM connection_credential WHERE connection_id = {}", sql::id(other.id()));
    let planned = async || sql::number(&it.world.database(), planned.clone()).await.unwrap();
    assert_eq!(planned().await, later);
    it.connection.refresh().await.unwrap();
    eventually("it is planned again", async || planned().await < later).await;
    assert!((START..=START + 120).contains(&planned().await), "{}", planned().await - START);
    // One that is due within two minutes is left as it is.
    let soon = START + 119;
    it.edit(&format!(
        "UPDATE connection_credential SET refresh_failures = 3, refresh_reason = '{refused}', refresh_at = {soon}"
    ))
    .await;
    it.connection.refresh().await.unwrap();
    sql::look_on(&it.world.database(), 1, 100, || ()).await;
    assert_eq!(planned().await, soon);
}

/// An API that is not enabled in the application's project is found by verifications alone.
#[tokio::test]
async fn an_application_that_a_verification_finds_accepted_makes_the_refused_verifications_due() {
    let it = Renewals::new().await;
    *it.plugin.gives.lock().unwrap() = ["access-1", "refresh-1", "2"];
    let other = sql::id(it.plugin.connected(&it.registry).await.id());
    let refused = r#"{"code":"renewing_client_refused","message":"the API is not enabled"}"#;
    let later = START + HOUR;
    let fail = async |reason_of_other: &str| {
        it.edit(&format!(
            "UPDATE connection_liveness SET liveness = 'failing', next_check_at = {later}, \
             reason = CASE WHEN connection_id = {other} THEN '{reason_of_other}' ELSE '{refused}' END"
        ))
        .await;
    };
    let planned = format!("SELECT next_check_at FROM connection_liveness WHERE connection_id = {other}");
    let planned = async || sql::number(&it.world.database(), planned.clone()).await.unwrap();
    fail(refused).await;
    assert_eq!(planned().await, later);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
    eventually("it is planned again", async || planned().await < later).await;
    assert!((START..=START + 120).contains(&planned().await), "{}", planned().await - START);
    fail(r#"{"code":"unauthorized","message":"the provider refuses the credential"}"#).await;
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
    sql::look_on(&it.world.database(), 1, 100, || ()).await;
    assert_eq!(planned().await, later, "the control: a refused credential");
}

/// Kinds of one provider may have the same application, which a person mends once.
#[tokio::test]
async fn an_application_that_is_accepted_again_makes_the_other_kinds_of_its_provider_due() {
    let it = Renewals::new().await;
    it.registry.kinds().register(Fake::of_provider(Kind::from_static("sibling"), RENEWING)).unwrap();
    it.registry.kinds().register(Fake::of(Kind::from_static("stranger"))).unwrap();
    let mut planned = Vec::new();
    for (account, kind) in [("2", "sibling"), ("3", "stranger")] {
        *it.plugin.gives.lock().unwrap() = ["access-1", "refresh-1", account];
        let id = sql::id(it.plugin.connected(&it.registry).await.id());
        it.edit(&format!("UPDATE connection_account SET kind = '{kind}' WHERE id = {id}")).await;
        planned.push(format!("SELECT refresh_at FROM connection_credential WHERE connection_id = {id}"));
    }
    let later = START + HOUR;
    let refused = r#"{"code":"renewing_client_expired","message":"the secret of the application has expired"}"#;
    it.edit(&format!(
        "UPDATE connection_credential SET refresh_failures = 3, refresh_reason = '{refused}', refresh_at = {later}"
    ))
    .await;
    it.connection.refresh().await.unwrap();
    let at = async |number: usize| sql::number(&it.world.database(), planned[number].clone()).await.unwrap();
    eventually("it is planned again", async || at(0).await < later).await;
    assert!((START..=START + 120).contains(&at(0).await), "{}", at(0).await - START);
    assert_eq!(at(1).await, later, "the control: another provider");
}
