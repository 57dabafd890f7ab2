//! A process that is killed at any moment of a renewal: nothing is spent twice but by the rule, what was answered is stored,
//! and a connection that does not work any more says so.

use std::{
    process::Child,
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::Liveness;
use connection_core::Error;

use crate::{
    raw,
    refresh_processes::start,
    renewing::{Renewals, Renewing, send, token},
};

/// When it is killed: as soon as somebody who looks sees that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// It has the lease.
    Leased,
    /// What it is about to send is noted.
    Noted,
    /// The provider has taken the token, and has not answered.
    Taken,
    /// The answer is recorded.
    Answered,
    /// What was made of it is stored.
    Stored,
}

const MOMENTS: [Moment; 5] = [Moment::Leased, Moment::Noted, Moment::Taken, Moment::Answered, Moment::Stored];
/// Of each moment, with so many looks more before the end: what it does meanwhile is another thing each time.
const LOOKS: [usize; 2] = [0, 3];

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_loses_nothing_that_came_and_spends_nothing_twice() {
    for moment in MOMENTS {
        for looks in LOOKS {
            let case = format!("{moment:?}, {looks} looks later");
            let it = killed(moment, looks).await;
            // As when its time is over.
            it.edit("UPDATE connection_liveness SET lease_until = 1000").await;
            let used = send(&it.connection).await;
            let spent = it.provider.lock().clone();
            assert!(spent.asked <= 1 && !spent.is_revoked, "{case}: {spent:?}");
            match used {
                Ok(status) => {
                    assert_eq!((status, token(&it.connection).await.unwrap()), (200, "access-2".to_owned()), "{case}");
                    assert_eq!(spent.asked, 1, "{case}");
                    let left = raw::number(&it.world.database(), "SELECT COUNT(*) FROM connection_exchange").await;
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

/// It may have been spent, or not. When the quarantine is over it is sent again, and then it works or says so.
async fn told_in_the_end(it: &Renewals, case: &str) {
    // What the killed process sent may be counted only now. It may even come after what was sent again, because this test
    // does not wait for a real quarantine: then the provider ends the family, which one more request finds out.
    const MOST: usize = 3;
    for _ in 0..4 {
        it.note_passes(61).await;
        it.boot_passes(61).await;
        it.edit("UPDATE connection_credential SET refresh_at = 1000 WHERE refresh_at IS NOT NULL").await;
        drop(send(&it.connection).await);
        assert!(it.provider.asked() <= MOST, "{case}");
    }
    let info = it.connection.verify().await.unwrap();
    match info.liveness {
        Liveness::Live => assert_eq!(send(&it.connection).await.unwrap(), 200, "{case}"),
        _ => assert!(info.reason.is_some(), "{case}: it says why"),
    }
}

/// A world in which another process was killed while it renewed an expired credential.
async fn killed(moment: Moment, looks: usize) -> Renewals {
    let it = Renewals::of_processes(Renewing::new()).await;
    it.expire().await;
    let (issued, holder) = (it.provider.clone(), Arc::new(Mutex::new(None::<Child>)));
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
        // It may be over before anybody looks.
        while raw::number(&it.world.database(), seen).await == Some(0) && it.number("generation").await == 1 {}
        for _ in 0..looks {
            it.number("generation").await;
        }
        while moment == Moment::Taken && it.provider.asked() == 0 {
            it.number("generation").await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), comes).await.expect("it comes to that");
    kill(&holder);
    it
}

fn kill(holder: &Mutex<Option<Child>>) {
    if let Some(mut child) = holder.lock().unwrap().take() {
        // It may have come to its end.
        drop(child.kill());
        child.wait().unwrap();
    }
}
