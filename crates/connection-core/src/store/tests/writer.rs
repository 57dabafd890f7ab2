//! Jobs that are queued together are committed together; a job that fails is rolled back alone.

use std::time::Duration;

use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use super::{Database, Limits, add, credential, labels};
use crate::store::{
    Store, StoreError, Tx,
    engine::{Connection, Reader, execute, optional},
    rows::CredentialState,
    sqlite::{Before, Together},
};

const TOGETHER: Limits = Limits { jobs: 256, time: Duration::MAX };
const APART: Limits = Limits { jobs: 256, time: Duration::ZERO };

/// R-INSEAM-043
#[tokio::test]
async fn jobs_queued_together_share_one_transaction() {
    assert_eq!(seen_by_the_second_job(TOGETHER).await, 0);
    // The control: in separate transactions, the second job sees what the first has committed.
    assert_eq!(seen_by_the_second_job(APART).await, 1);
}

async fn seen_by_the_second_job(limits: Limits) -> usize {
    let database = Database::new();
    let store = database.open_with(limits).await;
    let row = database.account("a");
    let first = store.write(move |tx| Box::pin(async move { tx.insert_account(&row).await }));
    let other = store.clone();
    let second = store.write(move |_| Box::pin(async move { Ok(labels(&other).await.len()) }));
    let (first, second) = tokio::join!(first, second);
    first.unwrap();
    assert_eq!(labels(&store).await, ["a"], "the answer comes after the commit");
    second.unwrap()
}

#[tokio::test]
async fn a_batch_ends_at_its_number_of_jobs() {
    let database = Database::new();
    let store = database.open_with(Limits { jobs: 3, time: Duration::MAX }).await;
    let mut jobs = Vec::new();
    for n in 0..7 {
        let row = database.account(&format!("{n}"));
        let other = store.clone();
        jobs.push(store.write(move |tx| {
            Box::pin(async move {
                tx.insert_account(&row).await?;
                Ok(labels(&other).await.len())
            })
        }));
    }
    let mut seen = Vec::new();
    for job in jobs {
        seen.push(job.await.unwrap());
    }
    assert_eq!(seen, [0, 0, 0, 3, 3, 3, 6]);
}

/// R-INSEAM-043
#[tokio::test]
async fn jobs_run_in_the_order_in_which_they_were_queued() {
    let database = Database::new();
    let store = database.open().await;
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let jobs: Vec<_> = (0..600)
        .map(|n| {
            let order = order.clone();
            store.write(move |_| {
                Box::pin(async move {
                    order.lock().unwrap().push(n);
                    Ok(())
                })
            })
        })
        .collect();
    for job in jobs {
        job.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..600).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_job_that_fails_or_panics_is_undone_alone() {
    for database in Database::each().await {
        let store = database.open_with(TOGETHER).await;
        let [good, failing, panicking, last] = ["good", "failing", "panicking", "last"].map(|l| database.account(l));
        let one = store.write(move |tx| Box::pin(async move { tx.insert_account(&good).await }));
        let two = store.write(move |tx| {
            Box::pin(async move {
                tx.insert_account(&failing).await?;
                Err::<(), _>(StoreError::Closed)
            })
        });
        let three = store.write(move |tx| {
            Box::pin(async move {
                tx.insert_account(&panicking).await?;
                if panicking.label == "panicking" {
                    panic!("a job of a test");
                }
                Ok(())
            })
        });
        let four = store.write(move |tx| Box::pin(async move { tx.insert_account(&last).await }));
        let (one, two, three, four) = tokio::join!(one, two, three, four);
        assert_eq!((one, two, three, four), (Ok(()), Err(StoreError::Closed), Err(StoreError::Panicked), Ok(())));
        // On PostgreSQL, the jobs run side by side and may commit in any order.
        let mut kept = labels(&store).await;
        kept.sort();
        assert_eq!(kept, ["good", "last"]);
    }
}

/// A write whose result nobody reads waits for the next statement. Its failure is that of its own job.
#[tokio::test]
async fn a_job_whose_last_write_fails_is_undone_alone() {
    for database in Database::each().await {
        for limits in [TOGETHER, APART] {
            let store = database.open_with(limits).await;
            let taken = labels(&store).await.len();
            let [first, beside, other, last] = ["first", "beside", "first", "last"].map(|label| {
                let label = format!("{label}-{taken}");
                database.account(&label)
            });
            let one = store.write(move |tx| Box::pin(async move { tx.insert_account(&first).await }));
            one.await.unwrap();
            let two = store.write(move |tx| {
                Box::pin(async move {
                    tx.insert_account(&beside).await?;
                    tx.insert_account(&other).await
                })
            });
            let three = store.write(move |tx| Box::pin(async move { tx.insert_account(&last).await }));
            let (two, three) = tokio::join!(two, three);
            assert!(matches!(two, Err(StoreError::Conflict { .. })), "{two:?}");
            assert_eq!(three, Ok(()));
            let kept = labels(&store).await;
            assert!(kept.len() == taken + 2 && !kept.contains(&format!("beside-{taken}")), "{kept:?}");
            store.close().await;
        }
    }
}

/// The last writes of a job run together with the first statement of the next one, which is not affected by their
/// failure.
#[tokio::test]
async fn a_job_whose_last_write_fails_is_undone_before_the_next_job_reads() {
    for fails in [true, false] {
        let database = Database::new();
        let store = database.open_with(TOGETHER).await;
        let [taken, first, beside, last] = ["taken", "first", "beside", "last"].map(|label| database.account(label));
        let again = database.account(if fails { "taken" } else { "free" });
        let one = store.write(move |tx| Box::pin(async move { tx.insert_account(&taken).await }));
        let two = store.write(move |tx| Box::pin(async move { tx.insert_account(&first).await }));
        let three = store.write(move |tx| {
            Box::pin(async move {
                tx.insert_account(&beside).await?;
                tx.count_accounts(None, None).await?;
                tx.insert_account(&again).await
            })
        });
        let idle = store.write(|_| Box::pin(async { Ok(()) }));
        let counts = store.write(|tx| Box::pin(async { tx.count_accounts(None, None).await }));
        let undone = store.write(move |tx| {
            Box::pin(async move {
                tx.insert_account(&last).await?;
                Err::<(), _>(StoreError::Closed)
            })
        });
        let (one, two, three, idle, counts, undone) = tokio::join!(one, two, three, idle, counts, undone);
        assert_eq!((one, two, idle, undone), (Ok(()), Ok(()), Ok(()), Err(StoreError::Closed)));
        let mut kept = vec!["taken", "first"];
        if fails {
            assert!(matches!(three, Err(StoreError::Conflict { .. })), "{three:?}");
        } else {
            assert_eq!(three, Ok(()));
            kept.extend(["beside", "free"]);
        }
        assert_eq!(counts, Ok(u64::try_from(kept.len()).unwrap()));
        assert_eq!(labels(&store).await, kept);
    }
}

#[tokio::test]
async fn a_last_write_that_fails_with_the_commit_fails_its_own_job_alone() {
    let database = Database::new();
    let store = database.open_with(TOGETHER).await;
    let [first, taken, beside, again] = ["first", "taken", "beside", "taken"].map(|label| database.account(label));
    let one = store.write(move |tx| Box::pin(async move { tx.insert_account(&first).await }));
    let two = store.write(move |tx| Box::pin(async move { tx.insert_account(&taken).await }));
    let three = store.write(move |tx| {
        Box::pin(async move {
            tx.insert_account(&beside).await?;
            tx.count_accounts(None, None).await?;
            tx.insert_account(&again).await
        })
    });
    let (one, two, three) = tokio::join!(one, two, three);
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert!(matches!(three, Err(StoreError::Conflict { .. })), "{three:?}");
    assert_eq!(labels(&store).await, ["first", "taken"]);
}

#[tokio::test]
async fn a_statement_that_fails_together_with_the_last_writes_of_another_job_fails_its_own_job_alone() {
    let database = Database::new();
    let store = database.open_with(TOGETHER).await;
    let [first, second, again, last] = ["first", "second", "first", "last"].map(|label| database.account(label));
    let one = store.write(move |tx| Box::pin(async move { tx.insert_account(&first).await }));
    let two = store.write(move |tx| {
        Box::pin(async move {
            tx.count_accounts(None, None).await?;
            tx.insert_account(&second).await
        })
    });
    // The first statement of this job does not wait, because the last one of the previous job does.
    let three = store.write(move |tx| Box::pin(async move { tx.insert_account(&again).await }));
    let four = store.write(move |tx| Box::pin(async move { tx.insert_account(&last).await }));
    let (one, two, three, four) = tokio::join!(one, two, three, four);
    assert_eq!((one, two, four), (Ok(()), Ok(()), Ok(())));
    assert!(matches!(three, Err(StoreError::Conflict { .. })), "{three:?}");
    assert_eq!(labels(&store).await, ["first", "second", "last"]);
}

/// The statements between two jobs run together with the first statement of the second one.
#[tokio::test]
async fn a_job_is_told_of_the_rows_that_it_changed_itself_whatever_the_jobs_before_it_did() {
    let database = Database::new();
    let store = database.open_with(TOGETHER).await;
    let row = database.account("a");
    let id = row.id;
    let unknown = database.id();
    let one = store.write(move |tx| Box::pin(async move { tx.insert_account(&row).await }));
    let rename = |label: &'static str| {
        store.write(move |tx| Box::pin(async move { tx.set_account_identity_label(id, label, 300).await }))
    };
    let two = rename("b");
    let idle = store.write(|_| Box::pin(async { Ok(()) }));
    let refused = store.write(|_| Box::pin(async { Err::<(), _>(StoreError::Closed) }));
    let undone = store.write(move |tx| {
        Box::pin(async move {
            tx.delete_account(id).await?;
            Err::<(), _>(StoreError::Closed)
        })
    });
    let none = store.write(move |tx| Box::pin(async move { tx.set_account_identity_label(unknown, "c", 300).await }));
    let last = rename("d");
    assert_eq!(tokio::join!(one, two, idle), (Ok(()), Ok(true), Ok(())));
    assert_eq!(tokio::join!(refused, undone), (Err(StoreError::Closed), Err(StoreError::Closed)));
    assert_eq!(tokio::join!(none, last), (Ok(false), Ok(true)));
    let account = store.reader().await.unwrap().account(id).await.unwrap();
    assert_eq!(account.unwrap().account_label, "d");
}

/// R-INSEAM-047
#[tokio::test]
async fn a_commit_that_fails_fails_every_job_of_its_batch_and_no_other() {
    let database = Database::new();
    let store = database.open_with(TOGETHER).await;
    let [row, later] = ["a", "b"].map(|label| database.account(label));
    let orphan = credential(database.id(), 1, CredentialState::Current);
    let good = store.write(move |tx| Box::pin(async move { tx.insert_account(&row).await }));
    let bad = store.write(move |tx| {
        Box::pin(async move {
            // The rule is checked by the commit, so the job itself succeeds.
            execute!(tx, "PRAGMA defer_foreign_keys = ON")?;
            tx.insert_credential(&orphan).await
        })
    });
    let (good, bad) = tokio::join!(good, bad);
    assert!(matches!(good, Err(StoreError::Refused { .. })), "{good:?}");
    assert_eq!(good, bad);
    assert!(labels(&store).await.is_empty());
    add(&store, &later).await.unwrap();
    assert_eq!(labels(&store).await, ["b"]);
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_take_the_job_back() {
    let database = Database::new();
    let store = database.open().await;
    let row = database.account("a");
    // The future is never polled.
    drop(store.write(move |tx| Box::pin(async move { tx.insert_account(&row).await })));
    // The next write is queued after it.
    add(&store, &database.account("b")).await.unwrap();
    assert_eq!(labels(&store).await, ["a", "b"]);
}

#[tokio::test]
async fn relaxed_writes_keep_their_place_in_the_queue() {
    let database = Database::new();
    let store = database.open_with(APART).await;
    let [a, b, c] = ["a", "b", "c"].map(|label| database.account(label));
    let (one, two, three) = tokio::join!(
        store.write_relaxed(move |tx| Box::pin(async move { tx.insert_account(&a).await })),
        store.write(move |tx| Box::pin(async move { tx.insert_account(&b).await })),
        store.write_relaxed(move |tx| Box::pin(async move { tx.insert_account(&c).await })),
    );
    assert_eq!((one, two, three), (Ok(()), Ok(()), Ok(())));
    assert_eq!(labels(&store).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn relaxed_writes_do_not_wait_for_the_disk_and_others_do() {
    for database in Database::each().await {
        let store = database.open().await;
        let sql = database.by_engine(
            SYNCHRONOUS,
            "SELECT CAST(CASE current_setting('synchronous_commit') WHEN 'off' THEN 1 ELSE 2 END AS BIGINT)",
        );
        assert_eq!(store.write(move |tx| Box::pin(level(tx, sql))).await, Ok(2), "FULL, or on");
        assert_eq!(store.write_relaxed(move |tx| Box::pin(level(tx, sql))).await, Ok(1), "NORMAL, or off");
    }
}

#[tokio::test]
async fn a_relaxed_write_beside_one_that_waits_for_the_disk_waits_too() {
    let database = Database::new();
    let store = database.open_with(TOGETHER).await;
    let (relaxed, synced) = tokio::join!(
        store.write_relaxed(|tx| Box::pin(level(tx, SYNCHRONOUS))),
        store.write(|tx| Box::pin(level(tx, SYNCHRONOUS)))
    );
    assert_eq!((relaxed, synced), (Ok(2), Ok(2)));
}

const SYNCHRONOUS: &str = "PRAGMA synchronous";

async fn level(tx: &mut Tx, sql: &'static str) -> Result<i64, StoreError> {
    let level = optional!(tx, (i64,), sql)?;
    Ok(level.unwrap().0)
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_takes_no_more() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let queued = store.write(move |tx| Box::pin(async move { tx.insert_account(&row).await }));
        assert!(store.health().await);
        store.close().await;
        store.close().await;
        queued.await.unwrap();
        assert!(!store.health().await);
        assert_eq!(add(&store, &database.account("b")).await, Err(StoreError::Closed));
        assert_eq!(store.reader().await.err(), Some(StoreError::Closed));
        assert_eq!(labels(&database.open().await).await, ["a"]);
    }
}

#[tokio::test]
async fn a_store_that_is_dropped_writes_what_was_queued() {
    for database in Database::each().await {
        let store: Store = database.open().await;
        let row = database.account("a");
        let queued = store.write(move |tx| Box::pin(async move { tx.insert_account(&row).await }));
        drop(store);
        queued.await.unwrap();
        assert_eq!(labels(&database.open().await).await, ["a"]);
    }
}

#[tokio::test]
async fn a_close_that_was_given_up_is_waited_for_by_the_next() {
    for database in Database::each().await {
        let store = database.open().await;
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let row = database.account("a");
        let written = store.write(move |tx| {
            Box::pin(async move {
                drop(released.await);
                tx.insert_account(&row).await
            })
        });
        let closing = || Box::pin(store.close());
        let mut given_up = closing();
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(given_up.as_mut().poll(cx).is_pending())).await);
        drop(given_up);
        let mut next = closing();
        for _ in 0..100 {
            let pending = std::future::poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx).is_pending())).await;
            assert!(pending, "the write is not done yet");
            tokio::task::yield_now().await;
        }
        release.send(()).unwrap();
        next.await;
        written.await.unwrap();
    }
}

/// Without its transaction, each statement of the job would be committed at once.
#[tokio::test]
async fn after_a_transaction_that_could_not_begin_a_job_runs_no_statement() {
    let database = Database::new();
    let store = database.open().await;
    store.close().await;
    let connection = SqliteConnectOptions::new().filename(database.path()).connect().await.unwrap();
    let mut tx = Tx::new(Reader::new(Connection::Sqlite(connection), "a test".into()));
    execute!(tx, "BEGIN").unwrap();
    // SQLite begins no transaction within another one.
    tx.together.run_before(Some(Before { sql: "BEGIN IMMEDIATE; ", statements: 1, is_begin: true }));
    let row = database.account("a");
    for _ in 0..2 {
        // The insertion waits for the statement that reads.
        tx.insert_account(&row).await.unwrap();
        assert!(tx.count_accounts(None, None).await.is_err());
    }
    tx.together = Together::default();
    assert_eq!(tx.count_accounts(None, None).await.unwrap(), 0);
    // The control: the statement that was refused works.
    tx.insert_account(&row).await.unwrap();
    assert_eq!(tx.count_accounts(None, None).await.unwrap(), 1);
}
