//! A process that is killed at any moment of a refresh: nothing is spent twice outside of the replay rule, answers
//! are stored, and a connection that no longer works reports it.

use std::{
    process::Child,
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::Liveness;
use connection_core::Error;

use crate::{
    refresh_processes::start,
    renewing::{Renewals, Renewing, send, token},
    sql,
    test_host::database_clock,
};

/// The moment of the kill: as soon as an observer sees this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The process has the lease.
    Leased,
    /// The request that is about to be sent is recorded.
    Noted,
    /// The provider has taken the token, and has not answered.
    Taken,
    /// The answer is recorded.
    Answered,
    /// The new credential is stored.
    Stored,
}

const MOMENTS: [Moment; 5] = [Moment::Leased, Moment::Noted, Moment::Taken, Moment::Answered, Moment::Stored];
/// The number of further polls before the kill, at each moment, so that the process is doing something else each time.
const LOOKS: [usize; 2] = [0, 3];

/// Returns the result of work during which no lease ends by its time, so that only the lock of its process ends it.
pub(crate) async fn while_leases_last<T>(it: &Renewals, work: impl Future<Output = T>) -> T {
    let until = format!("lease_until = 9 + {} WHERE lease_until IS NOT NULL", database_clock());
    let last = async {
        loop {
            it.edit(&format!("UPDATE connection_liveness SET {until}")).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let done = async {
        tokio::select! {
            biased;
            () = last => unreachable!("it does not end"),
            result = work => result,
        }
    };
    tokio::time::timeout(Duration::from_secs(60), done).await.expect("the lease ends with the lock of its process")
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_loses_nothing_that_came_and_spends_nothing_twice() {
    for moment in MOMENTS {
        for looks in LOOKS {
            let case = format!("{moment:?}, {looks} looks later");
            let it = killed(moment, looks).await;
            // Another process starts meanwhile, and tidies the state directory.
            drop(it.process(&Renewing::new()).await);
            let used = while_leases_last(&it, send(&it.connection)).await;
            let spent = it.provider.lock().clone();
            assert!(spent.requests <= 1 && !spent.is_revoked, "{case}: {spent:?}");
            match used {
                Ok(status) => {
                    assert_eq!((status, token(&it.connection).await.unwrap()), (200, "access-2".to_owned()), "{case}");
                    assert_eq!(spent.requests, 1, "{case}");
                    let left = sql::number(&it.world.database(), "SELECT COUNT(*) FROM connection_exchange").await;
                    assert_eq!(left, Some(0), "{case}");
                }
                Err(Error::NotRenewed { why, .. }) => {
                    assert_eq!(why.reason.code, "refresh_outcome_unknown", "{case}");
                    told_in_the_end(&it, &case).await;
                }
                other => panic!("{case}: {other:?}"),
            }
        }
    }
}

/// The token may have been spent, or not. After the quarantine it is sent again, and then it works or the failure
/// is reported.
async fn told_in_the_end(it: &Renewals, case: &str) {
    // The request of the killed process may be counted only now. It may even arrive after the one that was sent
    // again, because this test does not wait for a real quarantine. Then the provider revokes all tokens, which one
    // more request finds out.
    const MAX_COUNT: usize = 3;
    for _ in 0..4 {
        it.note_passes(61).await;
        it.boot_passes(61).await;
        it.edit("UPDATE connection_credential SET refresh_at = 1000 WHERE refresh_at IS NOT NULL").await;
        drop(send(&it.connection).await);
        assert!(it.provider.request_count() <= MAX_COUNT, "{case}");
    }
    let info = it.connection.verify().await.unwrap();
    match info.liveness {
        Liveness::Live => assert_eq!(send(&it.connection).await.unwrap(), 200, "{case}"),
        _ => assert!(info.reason.is_some(), "{case}: it says why"),
    }
}

/// Returns a test host in which another process was killed while it refreshed an expired credential.
async fn killed(moment: Moment, looks: usize) -> Renewals {
    let it = Renewals::of_processes(Renewing::new()).await;
    it.expire().await;
    let issued = it.provider.clone();
    let holder = Arc::new(Mutex::new(None::<Child>));
    let held = holder.clone();
    it.world.provider(move |request| {
        let reply = issued.answer(request);
        if moment == Moment::Taken && request.starts_with("POST /token") {
            kill(&held);
        }
        reply
    });
    holder.lock().unwrap().replace(start(&it, 0, ""));
    let seen = match moment {
        Moment::Leased => "SELECT COUNT(*) FROM connection_liveness WHERE lease_until IS NOT NULL",
        Moment::Noted | Moment::Taken => "SELECT COUNT(*) FROM connection_exchange",
        Moment::Answered => "SELECT COUNT(*) FROM connection_exchange WHERE state = 'answered'",
        Moment::Stored => "SELECT COUNT(*) FROM connection_account WHERE generation = 2",
    };
    let comes = async {
        // The refresh may have ended before the first poll.
        while sql::number(&it.world.database(), seen).await == Some(0) && it.number("generation").await == 1 {}
        for _ in 0..looks {
            it.number("generation").await;
        }
        while moment == Moment::Taken && it.provider.request_count() == 0 {
            it.number("generation").await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), comes).await.expect("it comes to that");
    kill(&holder);
    it
}

fn kill(holder: &Mutex<Option<Child>>) {
    if let Some(mut child) = holder.lock().unwrap().take() {
        // The process may have ended by itself.
        drop(child.kill());
        child.wait().unwrap();
    }
}
