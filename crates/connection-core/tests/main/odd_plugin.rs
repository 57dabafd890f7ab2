//! A plugin that behaves as configured: every possible fault, and the cases that the core must handle.

use std::{
    future::{Future, pending, poll_fn, ready},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
};

use connection_contract::prelude::*;

use crate::acme::API;

pub(crate) const ODD: Kind = Kind::from_static("odd");

#[derive(Clone, Debug)]
pub(crate) struct Odd {
    how: &'static str,
    /// `true` once a run was dropped or ended.
    pub(crate) dropped: Arc<AtomicBool>,
    /// `true` once a run has begun to poll the plugin.
    polled: Arc<AtomicBool>,
    /// Releases a plugin that spins.
    pub(crate) released: Arc<AtomicBool>,
    pub(crate) serialized: Arc<AtomicUsize>,
    pub(crate) verified: Arc<AtomicUsize>,
    /// The observations of the plugin in every run.
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

struct Guard(Arc<AtomicBool>, bool);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
        assert!(!self.1, "panics in drop");
    }
}

fn ask(name: &'static str) -> Prompt {
    Prompt::new("Odd").field(name)
}

fn account(id: &'static str) -> Identity {
    Identity::new(id, format!("odd{id}"))
}

impl Odd {
    pub(crate) fn new(how: &'static str) -> Self {
        Self {
            how,
            dropped: Default::default(),
            polled: Default::default(),
            released: Default::default(),
            serialized: Default::default(),
            verified: Default::default(),
            seen: Default::default(),
        }
    }

    /// Returns the same plugin, with the same state, that behaves in another way.
    pub(crate) fn then(&self, how: &'static str) -> Self {
        Self { how, ..self.clone() }
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until a run polls the plugin. The clock does not tell, because a registry that was just opened may still have
    /// sleepers.
    pub(crate) async fn until_polled(&self) {
        while !self.polled.load(SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    fn account_id(&self) -> &'static str {
        match self.how {
            "nobody" => "",
            "redirect other" => "2",
            _ => "1",
        }
    }

    fn saw(&self, what: impl Into<String>) {
        self.seen.lock().unwrap().push(what.into());
    }

    async fn waits(&self, ctx: &SetupContext<'_>) -> Result<(), SetupFailure> {
        let base = ctx.base_url(API)?;
        let get = || ctx.http().send(HttpRequest::get(base, "/odd"));
        match self.how {
            "panic after wait" => {
                ctx.prompt(ask("a")).await;
                panic!("with a secret")
            }
            "drop after wait" | "ask a" => drop(ctx.prompt(ask("a")).await),
            "ask b" => drop(ctx.prompt(ask("b")).await),
            "ask twice" => drop((ctx.prompt(ask("a")).await, ctx.prompt(ask("b")).await)),
            "ask and send" => drop((ctx.prompt(ask("a")).await, get().await)),
            "sleep an hour" => ctx.sleep(Duration::from_secs(3600)).await,
            "sleep for ever" => ctx.sleep(Duration::MAX).await,
            "sleep and ask" => {
                ctx.sleep(Duration::from_secs(3600)).await;
                classify(get().await)?;
            }
            "confirm" => drop(ctx.prompt(Prompt::new("Sure?")).await),
            "send" => drop(get().await),
            "notices" => {
                ctx.show(Notice::new("first"));
                ctx.wait(Wait::new().answer(ask("a")).notice(Notice::new("beside"))).await;
                ctx.show(Notice::new("second"));
                ctx.prompt(ask("b")).await;
            }
            "log" => {
                ctx.log(LogEvent::new("odd_began"));
                ctx.prompt(ask("a")).await;
                ctx.log(LogEvent::new("odd_answered"));
                ctx.prompt(ask("b")).await;
            }
            "redirect" | "redirect measured" | "redirect other" => {
                let handle = ctx.callback().await?;
                let link = Link::to(base, "/authorize").query("state", handle.state());
                let back = ctx.redirect(Redirect::new(link), &handle).await;
                let names: Vec<_> = back.parameters.iter().map(|(name, _)| name.as_str()).collect();
                self.saw(names.join(" "));
            }
            "callback later" => {
                let handle = ctx.callback().await?;
                ctx.show(Notice::new(handle.state().to_owned()));
                ctx.prompt(ask("a")).await;
                ctx.wait(Wait::new().callback(&handle)).await;
                ctx.wait(Wait::new().callback(&handle)).await;
            }
            "two callbacks" => {
                let one = ctx.callback().await?;
                let two = ctx.callback().await?;
                ctx.show(Notice::new(one.state().to_owned()));
                ctx.show(Notice::new(two.state().to_owned()));
                ctx.wait(Wait::new().callback(&one)).await;
                ctx.wait(Wait::new().callback(&two)).await;
            }
            "whole" => {
                let here = |at: &str| self.saw(format!("{at} {} {}", ctx.now(), encode::hex(&ctx.random::<40>())));
                here("began");
                let handle = ctx.callback().await?;
                self.saw(handle.state());
                ctx.prompt(ask("a")).await;
                here("answered");
                drop(get().await);
                here("asked");
                ctx.prompt(ask("b")).await;
                drop(get().await);
                ctx.sleep(Duration::from_secs(60)).await;
                here("slept");
                ctx.wait(Wait::new().callback(&handle)).await;
            }
            _ => self.faults(ctx, base).await?,
        }
        Ok(())
    }

    async fn faults(&self, ctx: &SetupContext<'_>, base: &BaseUrl) -> Result<(), SetupFailure> {
        let get = || ctx.http().send(HttpRequest::get(base, "/odd"));
        match self.how {
            "panic" => panic!("with a secret"),
            "join" => drop(tokio::join!(get(), get())),
            "join waits" => drop(tokio::join!(ctx.prompt(ask("a")), get())),
            "join wait last" => drop(tokio::join!(get(), ctx.prompt(ask("a")))),
            // The wait has already reported that it suspends when the second effect begins.
            "join late" => {
                let late = async {
                    tokio::task::yield_now().await;
                    get().await
                };
                let _never = tokio::join!(biased; ctx.prompt(ask("a")), late);
            }
            "select" => {
                tokio::select! { biased; _ = ctx.prompt(ask("a")) => {} () = ready(()) => {} }
            }
            "abandon" => {
                let mut request = pin!(get());
                poll_fn(|cx| {
                    drop(request.as_mut().poll(cx));
                    Poll::Ready(())
                })
                .await;
            }
            "swallow" => loop {
                let mut prompt = Box::pin(ctx.prompt(ask("a")));
                poll_fn(|cx| {
                    drop(prompt.as_mut().poll(cx));
                    Poll::Ready(())
                })
                .await;
                tokio::task::yield_now().await;
            },
            "endless" => loop {
                ctx.prompt(ask("a")).await;
            },
            "endless requests" => loop {
                drop(get().await);
            },
            "shows" => (0..100).for_each(|_| ctx.show(Notice::new("again"))),
            "undeclared" => drop(ctx.prompt(ask("c")).await),
            "undeclared address" => _ = ctx.base_url("https://else.example")?,
            "many" => drop(ctx.prompt((0..40).fold(Prompt::new("x"), |p, _| p.field("a"))).await),
            "notices at once" => {
                let notices = (0..100).fold(Wait::new(), |wait, _| wait.notice(Notice::new("again")));
                drop(ctx.wait(notices.answer(ask("a"))).await)
            }
            "long link" => {
                drop(ctx.wait(Wait::new().open(Link::to(base, &"x".repeat(1 << 20))).answer(ask("a"))).await)
            }
            "nothing" => drop(ctx.wait(Wait::new().notice(Notice::new("x"))).await),
            "typo" => _ = ctx.prompt(ask("a")).await.text("b")?,
            "hang" => pending().await,
            "spin" => {
                while !self.released.load(SeqCst) {
                    std::hint::spin_loop();
                }
            }
            "spin and show" => {
                while !self.released.load(SeqCst) {
                    std::hint::spin_loop();
                }
                ctx.show(Notice::new("late"));
                self.saw("late");
            }
            "large" => {
                let error = get().await.expect_err("the answer is too large");
                return Err(SetupFailure::new("odd_large", format!("{error:?}")));
            }
            _ => {}
        }
        Ok(())
    }
}

impl ConnectionDefinition for Odd {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        let odd = Descriptor::new(ODD, "Odd", AuthType::Custom).origin(API);
        let odd = odd.field(Field::text("a", "A")).field(Field::text("b", "B"));
        match self.how {
            "bad pattern" => odd.field(Field::text("p", "P").pattern("(")),
            "bad origin" => odd.origin("https://user@odd.example"),
            "field twice" => odd.field(Field::text("a", "A")),
            "panic in descriptor" => panic!("with a secret"),
            "another name" => Descriptor::new(ODD, "Another", AuthType::Custom),
            _ => odd,
        }
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        self.polled.store(true, SeqCst);
        let _guard = Guard(self.dropped.clone(), self.how.starts_with("drop"));
        self.waits(ctx).await?;
        let made = SetupResult::new("odd-credential".into(), account(self.account_id()));
        Ok(match self.how {
            "more reach" => {
                let named = connection_contract::host::base_url("https://else.example").unwrap();
                made.reach(Reach::base(named))
            }
            "measured" | "redirect measured" => made.measured(VerifyResult::live()),
            _ => made,
        })
    }

    fn serialize_credential(&self, credential: &Secret) -> Result<Secret, CredentialError> {
        self.serialized.fetch_add(1, SeqCst);
        if self.how == "serialize" { Err(CredentialError::Malformed) } else { Ok(credential.duplicate()) }
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        if self.how == "parse" { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
    }

    async fn verify(
        &self,
        credential: &Secret,
        _: &VerifyContext<'_>,
    ) -> Result<VerifyResult<Secret>, ConnectionError> {
        let verified = self.verified.fetch_add(1, SeqCst);
        match self.how {
            // After the rotation, the first credential no longer works.
            "verify rotates offline" => Ok(match (credential.expose(), verified) {
                (b"odd-rotated", _) => VerifyResult::live(),
                (_, 1) => {
                    let offline = NotLive::offline(Reason::new("timeout", "no answer"));
                    VerifyResult::from(offline).rotated("odd-rotated".into())
                }
                _ => NotLive::failing(Reason::new("unauthorized", "rotated")).into(),
            }),
            "verify panics" => panic!("with a secret"),
            "verify hangs" => pending().await,
            "verify refused" => Err(NotLive::failing(Reason::new("unauthorized", "no").remedy("do better")).into()),
            "verify offline" => Err(NotLive::offline(Reason::new("timeout", "no answer")).into()),
            "verify bug" => Err(ConnectionError::Bug("odd".into())),
            "verify rotates" => Ok(VerifyResult::live().rotated("odd-rotated".into())),
            "verify another" => Ok(VerifyResult::live().identity(account("2"))),
            _ => Ok(VerifyResult::live()),
        }
    }

    async fn teardown(&self, _: &Secret, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        if self.how.starts_with("redirect") {
            self.saw("teardown");
        }
        Ok(Teardown::Revoked)
    }
}
