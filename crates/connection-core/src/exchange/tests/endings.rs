//! Tests of the four ways in which an exchange ends.

use connection_contract::{HttpError, RefreshSemantics::Strict};
use connection_faults::server::Reply;

use super::{World, connection, refresh, remove, row, settle, spend, spends, stopped, text_of};
use crate::store::{
    Sealed,
    rows::{CredentialRow, CredentialState, PlanRow, RestoredUse},
};

#[tokio::test]
async fn an_answer_comes_back_in_every_run_until_what_was_made_of_it_is_stored() {
    for world in World::each(|_| Reply::ok("fresh")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await, (Ok("200 fresh".into()), None));
        drop(registry);
        let registry = world.open().await;
        let systems = &registry.systems;
        let again = spends(systems, id, Strict);
        assert_eq!(text_of(&spend(&again, "old").await.unwrap()), "200 fresh");
        assert_eq!(world.times_asked(), 1, "it is not sent again");
        settle(systems, &again).await.unwrap();
        assert!(row(systems, id, "old").await.is_none());
        assert_eq!(refresh(systems, id, Strict, "old").await.0, Ok("200 fresh".into()));
        assert_eq!(world.times_asked(), 2, "what is settled is forgotten");
    }
}

#[tokio::test]
async fn a_refusal_and_a_redirect_are_answers_and_are_not_asked_for_again() {
    for status in [302, 400, 401, 403, 404] {
        let headers = "location: /elsewhere\r\n";
        for world in World::each(move |_| Reply::whole(status, headers, "no")).await {
            let registry = world.open().await;
            let id = connection(&registry.systems).await;
            for _ in 0..2 {
                let (answer, uncertain) = refresh(&registry.systems, id, Strict, "old").await;
                assert_eq!((answer, uncertain), (Ok(format!("{status} no")), None));
            }
            assert_eq!(world.times_asked(), 1, "{status}");
        }
    }
}

#[tokio::test]
async fn a_request_refused_unprocessed_is_sent_again() {
    for world in World::each(|_| Reply::whole(429, "", "later")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await, (Ok("429 later".into()), None));
        assert!(row(&registry.systems, id, "old").await.is_none());
        drop(refresh(&registry.systems, id, Strict, "old").await);
        assert_eq!(world.times_asked(), 2);
    }
}

#[tokio::test]
async fn a_lost_answer_stays_noted_and_nothing_is_sent_again() {
    let replies: [fn() -> Reply; 7] = [
        || Reply::whole(500, "", "broken"),
        || Reply::whole(503, "", "down"),
        || Reply::whole(408, "", "slow"),
        || Reply::raw(""),
        || Reply::raw("HTTP/1.1 200 Told\r\ncontent-length: 10\r\n\r\nhalf"),
        || Reply::raw("not HTTP\r\n\r\n"),
        || Reply::whole(200, "", &"x".repeat(2 << 20)),
    ];
    for (number, reply) in replies.into_iter().enumerate() {
        for world in World::each(move |_| reply()).await {
            let registry = world.open().await;
            let id = connection(&registry.systems).await;
            for _ in 0..2 {
                let (answer, uncertain) = refresh(&registry.systems, id, Strict, "old").await;
                assert_eq!(answer, Err(HttpError::Uncertain), "{number}");
                let noted = row(&registry.systems, id, "old").await.unwrap().sent.at;
                assert_eq!(uncertain.unwrap().sent_at.seconds(), noted, "{number}");
            }
            assert_eq!(world.times_asked(), 1, "{number}");
            assert!(row(&registry.systems, id, "old").await.unwrap().sealed.is_none(), "{number}");
        }
    }
}

#[tokio::test]
async fn no_answer_in_time_is_uncertain() {
    for world in World::each(|_| Reply::silence()).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        let refreshing = refresh(&registry.systems, id, Strict, "old");
        let moved = async {
            world.server.until_asked(1).await;
            world.clock.advance(std::time::Duration::from_secs(31));
        };
        assert_eq!(tokio::join!(refreshing, moved).0.0, Err(HttpError::Uncertain));
        assert!(row(&registry.systems, id, "old").await.is_some());
    }
}

/// Takes a port at which nobody listens any longer, so that no other program listens there either.
async fn held(port: u16) -> tokio::net::TcpSocket {
    loop {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind(([127, 0, 0, 1], port).into()).is_ok() {
            return socket;
        }
        // The former listener is closed by its task.
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_unsent_request_leaves_no_record() {
    for mut world in World::each(|_| Reply::ok("fresh")).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let late = spends(systems, id, Strict);
        world.clock.advance(std::time::Duration::from_secs(40));
        assert_eq!(spend(&late, "old").await.map(drop), Err(HttpError::Timeout), "the deadline is over");
        assert!(late.uncertain().is_none());
        assert!(row(systems, id, "old").await.is_none());
        assert_eq!(world.times_asked(), 0);
        let port = world.server.port();
        world.server = connection_faults::server::TestServer::start(|_| Reply::silence()).await;
        let _held = held(port).await;
        assert_eq!(refresh(systems, id, Strict, "old").await, (Err(HttpError::Connect), None), "nobody is there");
        assert!(row(systems, id, "old").await.is_none());
    }
}

#[tokio::test]
async fn the_answer_is_recorded_although_its_caller_left() {
    for world in World::each(|_| Reply::ok("fresh")).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let dropped = spends(systems, id, Strict);
        let mut spending = Box::pin(spend(&dropped, "old"));
        std::future::poll_fn(|cx| {
            assert!(spending.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        drop(spending);
        systems.exchange.exchanges.settled().await;
        assert!(row(systems, id, "old").await.unwrap().sealed.is_some());
        // This registry is closing, because it waited for its exchanges.
        let error = stopped(systems, id, "other").await;
        assert!(matches!(&error, crate::Error::Closed), "{error:?}");
        assert!(row(systems, id, "other").await.is_none());
        assert_eq!(world.times_asked(), 1);
        let registry = world.open().await;
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Ok("200 fresh".into()));
        assert_eq!(world.times_asked(), 1);
    }
}

#[tokio::test]
async fn two_concurrent_spends_of_one_token_send_one_request() {
    for world in World::each(|_| Reply::ok("fresh")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        let one = || refresh(&registry.systems, id, Strict, "old");
        let (one, two) = tokio::join!(one(), one());
        assert_eq!((one.0, two.0), (Ok("200 fresh".into()), Ok("200 fresh".into())));
        assert_eq!(world.times_asked(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_is_gone_spends_nothing_and_leaves_nothing() {
    for world in World::each(|_| Reply::silence()).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let during = spends(systems, id, Strict);
        let removed = async {
            world.server.until_asked(1).await;
            remove(systems, id).await;
            world.clock.advance(std::time::Duration::from_secs(31));
        };
        assert_eq!(tokio::join!(spend(&during, "old"), removed).0.map(drop), Err(HttpError::Uncertain));
        assert!(row(systems, id, "old").await.is_none(), "it went with its connection");
        assert_eq!(stopped(systems, id, "old").await.code(), "not_found");
        assert_eq!(world.times_asked(), 1);
    }
}

#[tokio::test]
async fn a_request_without_a_recorded_intent_is_not_sent() {
    for world in World::each(|_| Reply::ok("fresh")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        world.refuse("INSERT", "").await;
        assert_eq!(stopped(&registry.systems, id, "old").await.code(), "store_failed");
        assert_eq!(world.times_asked(), 0);
        world.mend().await;
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Ok("200 fresh".into()));
    }
}

#[tokio::test]
async fn nothing_is_spent_of_a_credential_that_another_one_replaced() {
    for world in World::each(|_| Reply::ok("fresh")).await {
        let registry = world.open().await;
        let id = connection(&registry.systems).await;
        world.sql("UPDATE connection_account SET generation = 2, next_generation = 3").await;
        assert_eq!(stopped(&registry.systems, id, "old").await.code(), "store_failed");
        assert_eq!(world.times_asked(), 0);
    }
}

#[tokio::test]
async fn nothing_is_spent_of_a_credential_that_was_marked_after_the_attempt_had_read_it() {
    for world in World::each(|_| Reply::ok("fresh")).await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        let credential = CredentialRow {
            connection_id: id,
            generation: 1,
            state: CredentialState::Current,
            sealed: Sealed::from_row(vec![1; 97]),
            key_id: vec![7; 8],
            secret_names: "[]".into(),
            granted_scopes: None,
            valid_until: None,
            created_at: 100,
            plan: PlanRow::default(),
        };
        let marked = systems.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.insert_credential(&credential).await?;
                tx.mark_restored(id, RestoredUse::Unknown, "{}").await
            })
        });
        marked.await.unwrap();
        assert_eq!(stopped(systems, id, "old").await.code(), "store_failed");
        assert_eq!(world.times_asked(), 0);
    }
}
