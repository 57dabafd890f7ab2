//! Durable writes: a new connection, an import, and concurrent writers.

use std::cell::Cell;

use tokio::task::JoinSet;

use crate::{
    Size, floor,
    measure::{Goal, Table, pair, timed},
    setting::Setting,
};

const WRITERS: usize = 64;

/// The goal for a create, relative to its floor: the number of its synced commits, each of which may take 1.3 times
/// the floor's.
const CREATE: f64 = 3.9;

pub(crate) async fn creates(settings: &[Setting; 2], size: &Size, table: &mut Table) {
    const LINE: &str = "create / one durable insert of its rows";
    if !table.wants(LINE) {
        return;
    }
    let mut pairs = Vec::new();
    for setting in settings {
        let mut copy = setting.copy().await;
        let mut number = 0;
        let creates = (20 / size.fewer).max(1);
        let floor = async || {
            timed(async || {
                for _ in 0..creates {
                    floor::insert(&mut copy, 1, &mut number).await;
                }
            })
            .await
        };
        let ours = async || {
            timed(async || {
                for _ in 0..creates {
                    setting.create().await;
                }
            })
            .await
        };
        pairs.push(pair(size.rounds, creates, floor, ours).await);
    }
    table.line(LINE, &pairs, Goal { ratio: Some(CREATE), growth: Some(1.5) });
}

pub(crate) async fn imports(settings: &[Setting; 2], size: &Size, table: &mut Table) {
    const LINE: &str = "import, a row / bare insert, 64 in a transaction";
    if !table.wants(LINE) {
        return;
    }
    let mut pairs = Vec::new();
    for setting in settings {
        let mut copy = setting.copy().await;
        let mut number = 0;
        let transactions = (20 / size.fewer).max(1);
        let floor = async || {
            timed(async || {
                for _ in 0..transactions {
                    floor::insert(&mut copy, 64, &mut number).await;
                }
            })
            .await
        };
        let ours = async || timed(async || setting.import(64 * transactions).await).await;
        pairs.push(pair(size.rounds, 64 * transactions, floor, ours).await);
    }
    table.line(LINE, &pairs, Goal { ratio: Some(1.43), growth: Some(1.5) });
}

/// Renames one connection repeatedly by one writer, and as many connections as there are writers by all of them.
pub(crate) async fn renames(setting: &Setting, size: &Size, table: &mut Table) {
    const LINE: &str = "durable write by 64 at once / by one";
    if !table.wants(LINE) {
        return;
    }
    let writes = (16 / size.fewer).max(1);
    let number = Cell::new(0);
    // A label that is the same already would change nothing.
    let labels = || number.replace(number.get() + writes)..number.get();
    let floor = async || {
        let one = setting.connection(0).await;
        let labels = labels();
        timed(async || {
            for label in labels {
                one.rename(format!("one {label}")).await.unwrap();
            }
        })
        .await
        .mul_f64(WRITERS as f64)
    };
    let ours = async || {
        let labels = labels();
        let mut all = JoinSet::new();
        let mut writers = Vec::new();
        for writer in 1..=WRITERS {
            writers.push((writer, setting.connection(writer).await));
        }
        timed(async || {
            for (writer, connection) in writers {
                let labels = labels.clone();
                all.spawn(async move {
                    for label in labels {
                        connection.rename(format!("writer {writer} {label}")).await.unwrap();
                    }
                });
            }
            while let Some(ended) = all.join_next().await {
                ended.unwrap();
            }
        })
        .await
    };
    let figures = pair(size.rounds, WRITERS * writes, floor, ours).await;
    table.line(LINE, &[figures], Goal { ratio: Some(0.125), growth: None });
}
