//! Uses of a connection, hot and cold, and pages.

use std::hint::black_box;

use connection_core::{Filter, Overview};

use uuid::Uuid;

use crate::{
    Size, floor,
    measure::{Goal, Table, pair, timed},
    setting::Setting,
};

/// The number of connections that are used in turn while all of them are hot.
const HOT: usize = 20;
/// The number of rounds of hot uses for one round of any other. They are short, so that on a busy machine some of
/// them are not interrupted.
const SHORT_ROUNDS: usize = 50;

pub(crate) async fn hot(settings: &[Setting; 2], size: &Size, table: &mut Table) {
    const KEPT: &str = "hot use of a handle / lookup and opening";
    const BY_ID: &str = "hot use from the id / lookup and opening";
    if !table.wants(KEPT) && !table.wants(BY_ID) {
        return;
    }
    let goal = Goal { ratio: Some(1.3), growth: Some(1.1) };
    let rounds = size.rounds * SHORT_ROUNDS;
    let uses = 2_000 / size.fewer;
    let mut kept = Vec::new();
    let mut by_id = Vec::new();
    for setting in settings {
        let ids = &setting.ids[..HOT];
        let opened = floor::Opened::of(ids);
        let mut handles = Vec::new();
        for at in 0..HOT {
            handles.push(setting.connection(at).await);
        }
        let floor = async || timed(async || (0..uses).for_each(|at| drop(black_box(opened.open(ids[at % HOT]))))).await;
        let ours = async || {
            timed(async || {
                for at in 0..uses {
                    drop(black_box(handles[at % HOT].request("GET", "/now").await.unwrap()));
                }
            })
            .await
        };
        kept.push(pair(rounds, uses, floor, ours).await);
        let ours = async || timed(async || use_in_turn(setting, ids, uses).await).await;
        by_id.push(pair(rounds, uses, floor, ours).await);
    }
    table.line(KEPT, &kept, goal);
    table.line(BY_ID, &by_id, goal);
}

/// Uses connections, found by their ids.
async fn use_in_turn(setting: &Setting, ids: &[connection_core::ConnectionId], uses: usize) {
    for at in 0..uses {
        let connection = setting.registry.connection(ids[at % ids.len()]).await.unwrap();
        drop(black_box(connection.request("GET", "/now").await.unwrap()));
    }
}

/// Returns ids from all over the store.
fn spread(setting: &Setting, count: usize) -> Vec<connection_core::ConnectionId> {
    let all = setting.ids.len();
    // A prime, so that ids that are used after each other are not neighbours in the table.
    (0..count.min(all)).map(|number| setting.ids[number * 7_919 % all]).collect()
}

pub(crate) async fn cold(settings: &[Setting; 2], size: &Size, table: &mut Table) {
    const LINE: &str = "cold use from the id / its query";
    if !table.wants(LINE) {
        return;
    }
    let mut pairs = Vec::new();
    for setting in settings {
        let ids = spread(setting, 800);
        let mut reader = setting.pool.acquire().await.unwrap();
        let floor = async || {
            timed(async || {
                for id in &ids {
                    drop(black_box(floor::one(&mut reader, *id).await));
                }
            })
            .await
        };
        let ours = async || {
            setting.forget();
            timed(async || use_in_turn(setting, &ids, ids.len()).await).await
        };
        pairs.push(pair(size.rounds, ids.len(), floor, ours).await);
    }
    table.line(LINE, &pairs, Goal { ratio: Some(1.3), growth: Some(1.5) });
}

/// When more connections are used than are cached, each use costs as much as a cold use, and the cache adds
/// nothing.
pub(crate) async fn in_turn(setting: &Setting, size: &Size, table: &mut Table) {
    let [few, more, most] = size.in_use;
    let lines = [
        (format!("use of {few} in turn / lookup and opening"), vec![few], Goal { ratio: Some(2.0), growth: None }),
        (
            format!("use of {more} to {most} in turn / their queries"),
            vec![more, most],
            Goal { ratio: Some(1.3), growth: Some(1.2) },
        ),
    ];
    for (line, counts, goal) in lines {
        if !table.wants(&line) {
            continue;
        }
        let mut pairs = Vec::new();
        for count in counts {
            let ids = spread(setting, count);
            let opened = floor::Opened::of(&ids);
            let mut reader = setting.pool.acquire().await.unwrap();
            // Each connection at least once.
            let (rounds, uses) = match count == few {
                true => (size.rounds * SHORT_ROUNDS, count),
                false => (size.rounds, 20_000 / size.fewer),
            };
            let floor = async || {
                timed(async || {
                    for at in 0..uses {
                        match count == few {
                            true => drop(black_box(opened.open(ids[at % ids.len()]))),
                            false => drop(black_box(floor::one(&mut reader, ids[at % ids.len()]).await)),
                        }
                    }
                })
                .await
            };
            let ours = async || timed(async || use_in_turn(setting, &ids, uses).await).await;
            pairs.push(pair(rounds, uses, floor, ours).await);
        }
        table.line(&line, &pairs, goal);
    }
}

pub(crate) async fn page(settings: &[Setting; 2], size: &Size, table: &mut Table) {
    const LINE: &str = "page of 50 / its query";
    if !table.wants(LINE) {
        return;
    }
    let mut pairs = Vec::new();
    for setting in settings {
        let middle = setting.connection(setting.ids.len() / 3).await;
        let place = floor::place(&setting.pool, middle.id()).await;
        let mut reader = setting.pool.acquire().await.unwrap();
        let pages = 300 / size.fewer;
        let floor = async || {
            timed(async || {
                for _ in 0..pages {
                    drop(black_box(floor::page(&mut reader, place.0, place.1).await));
                }
            })
            .await
        };
        let ours = async || {
            timed(async || {
                for _ in 0..pages {
                    let filter = Filter::new().after(middle.info().cursor()).limit(50);
                    drop(black_box(setting.registry.list_connections(filter).await.unwrap()));
                }
            })
            .await
        };
        pairs.push(pair(size.rounds, pages, floor, ours).await);
    }
    table.line(LINE, &pairs, Goal { ratio: Some(1.3), growth: Some(1.5) });
}

/// The first page of the list that a person sees, and the numbers above it.
pub(crate) async fn overview(settings: &[Setting; 2], size: &Size, table: &mut Table) {
    const PAGE: &str = "first page of 50 of an overview / one query";
    const COUNTS: &str = "counts of an overview / one query";
    if !table.wants(PAGE) && !table.wants(COUNTS) {
        return;
    }
    let (mut pages, mut counts) = (Vec::new(), Vec::new());
    for setting in settings {
        let mut reader = setting.pool.acquire().await.unwrap();
        let times = 300 / size.fewer;
        let mut floor = async || {
            timed(async || {
                for _ in 0..times {
                    drop(black_box(floor::page(&mut reader, 0, Uuid::nil()).await));
                }
            })
            .await
        };
        let ours = async || {
            timed(async || {
                for _ in 0..times {
                    drop(black_box(setting.registry.overview(Overview::new().limit(50)).await.unwrap()));
                }
            })
            .await
        };
        pages.push(pair(size.rounds, times, &mut floor, ours).await);
        let ours = async || {
            timed(async || {
                for _ in 0..times {
                    black_box(setting.registry.overview_counts().await.unwrap());
                }
            })
            .await
        };
        counts.push(pair(size.rounds, times, &mut floor, ours).await);
    }
    table.line(PAGE, &pages, Goal { ratio: None, growth: Some(1.5) });
    // Up to 10,000 connections of each state are counted.
    table.line(COUNTS, &counts, Goal { ratio: None, growth: None });
}
