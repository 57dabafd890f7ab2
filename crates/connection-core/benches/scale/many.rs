//! Requests beside a bare client: one at a time, many callers that wait for one refresh, and many at once.

use std::{
    hint,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use connection_contract::Liveness;
use connection_core::Connection;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    Size,
    measure::{Goal, Table, pair, timed},
    provider::Provider,
    setting::Setting,
};

/// The default number of probes that run at once.
const MAX_CONCURRENT: usize = 64;

/// The number of attempts with a herd of callers. On a busy machine some callers arrive after the end of the
/// refresh and begin another one.
const MAX_TRIES: usize = 10;

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn get(client: &reqwest::Client, url: &str) {
    let answer = client.get(url).header("authorization", "Bearer key-1").send().await.unwrap();
    assert!(!answer.text().await.unwrap().is_empty());
}

pub(crate) async fn send(settings: &[Setting; 2], provider: &Provider, size: &Size, table: &mut Table) {
    const LINE: &str = "send from the id, hot / bare client";
    if !table.wants(LINE) {
        return;
    }
    let client = client();
    let url = format!("{}/now", provider.origin);
    let sends = 1_000 / size.fewer;
    let mut pairs = Vec::new();
    for setting in settings {
        let floor = async || {
            timed(async || {
                for _ in 0..sends {
                    get(&client, &url).await;
                }
            })
            .await
        };
        let ours = async || {
            timed(async || {
                for _ in 0..sends {
                    let connection = setting.connection(0).await;
                    let request = connection.request("GET", "/now").await.unwrap();
                    drop(connection.send(request).await.unwrap().bytes(1 << 20).await.unwrap());
                }
            })
            .await
        };
        pairs.push(pair(size.rounds, sends, floor, ours).await);
    }
    table.line(LINE, &pairs, Goal { ratio: None, growth: Some(1.1) });
}

/// Returns the time until all callers have the result of one refresh.
async fn refreshes(connection: &Connection, callers: usize) -> Duration {
    timed(async || {
        let mut all = JoinSet::new();
        for _ in 0..callers {
            let connection = connection.clone();
            all.spawn(async move { connection.refresh().await.unwrap() });
        }
        while let Some(refreshed) = all.join_next().await {
            drop(refreshed.unwrap());
        }
    })
    .await
}

/// Returns the time until as many bare tasks have heard of the end of one refresh.
async fn bare(connection: &Connection, tasks: usize) -> Duration {
    timed(async || {
        let (sender, ended) = watch::channel(false);
        let mut all = JoinSet::new();
        for _ in 0..tasks {
            let mut ended = ended.clone();
            all.spawn(async move { ended.changed().await.unwrap() });
        }
        drop(connection.refresh().await.unwrap());
        sender.send_replace(true);
        while let Some(heard) = all.join_next().await {
            heard.unwrap();
        }
    })
    .await
}

pub(crate) async fn herd(setting: &Setting, provider: &Provider, size: &Size, table: &mut Table) {
    let connection = setting.connection(1).await;
    for (waiters, goal) in size.waiters.into_iter().zip([1.1, 1.7]) {
        let of_one = format!("refresh that {waiters} wait for / that one waits for");
        let of_bare_tasks = format!("refresh that {waiters} wait for / as many bare tasks");
        let ours = async || {
            let mut time = Duration::MAX;
            for _ in 0..MAX_TRIES {
                let requests = provider.tokens();
                time = refreshes(&connection, waiters).await;
                if provider.tokens() == requests + 1 {
                    break;
                }
            }
            time
        };
        if table.wants(&of_one) {
            let figures = pair(size.rounds, 1, async || refreshes(&connection, 1).await, &ours).await;
            table.line(&of_one, &[figures], Goal { ratio: Some(goal), growth: None });
        }
        if table.wants(&of_bare_tasks) {
            let figures = pair(size.rounds, 1, async || bare(&connection, waiters).await, &ours).await;
            table.line(&of_bare_tasks, &[figures], Goal { ratio: Some(1.3), growth: None });
        }
    }
}

pub(crate) async fn preflight(settings: &[Setting; 2], provider: &Provider, size: &Size, table: &mut Table) {
    let at_rest = format!("preflight of {} that answer in 10 ms / bare client", size.verified[1]);
    let beside = "preflight beside a busy core / bare client".to_owned();
    for (line, ratio, growth, is_busy) in [(at_rest, 1.1, Some(1.1), false), (beside, 1.25, None, true)] {
        if !table.wants(&line) {
            continue;
        }
        let mut pairs = Vec::new();
        for (setting, count) in settings.iter().zip(size.verified) {
            let ids = &setting.ids[..count];
            let verify = async || {
                let mut results = setting.registry.preflight(ids.iter().copied());
                while let Some((_, result)) = results.next().await {
                    assert_eq!(result.unwrap().liveness, Liveness::Live);
                }
            };
            // The first verification finds that each connection is live, which is a change.
            verify().await;
            let client = client();
            let url = format!("{}/slow", provider.origin);
            let floor = async || timed(async || at_once(&client, &url, count).await).await;
            let ours = async || timed(async || verify().await).await;
            let busy = is_busy.then(BusyCore::new);
            pairs.push(pair(size.rounds.min(3), count, floor, ours).await);
            drop(busy);
        }
        table.line(&line, &pairs, Goal { ratio: Some(ratio), growth });
    }
}

/// A thread that keeps a core busy until this is dropped.
struct BusyCore {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl BusyCore {
    fn new() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = is_over.clone();
        let spin = move || {
            while !seen.load(Relaxed) {
                hint::spin_loop();
            }
        };
        Self { is_over, thread: Some(thread::spawn(spin)) }
    }
}

impl Drop for BusyCore {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Sends that many requests, with as many at once as there are probes.
async fn at_once(client: &reqwest::Client, url: &str, count: usize) {
    let done = Arc::new(AtomicUsize::new(0));
    let mut all = JoinSet::new();
    for _ in 0..MAX_CONCURRENT {
        let client = client.clone();
        let url = url.to_owned();
        let done = done.clone();
        all.spawn(async move {
            while done.fetch_add(1, SeqCst) < count {
                get(&client, &url).await;
            }
        });
    }
    while let Some(ended) = all.join_next().await {
        ended.unwrap();
    }
}
