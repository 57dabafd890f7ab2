//! Concurrent requests with a limit.

use std::{future::Future, panic::resume_unwind};

use tokio::task::JoinSet;

/// Runs the futures, at most `most` of them at once, and returns their results in the original order.
pub(super) async fn all<T, F>(most: usize, futures: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut waiting = futures.into_iter().enumerate();
    let mut under_way = JoinSet::new();
    let mut answers = Vec::new();
    loop {
        while under_way.len() < most
            && let Some((index, ask)) = waiting.next()
        {
            under_way.spawn(async move { (index, ask.await) });
        }
        match under_way.join_next().await {
            None => break,
            Some(Ok(answer)) => answers.push(answer),
            // No other code aborts these tasks, so the error is a panic.
            Some(Err(error)) => resume_unwind(error.into_panic()),
        }
    }
    answers.sort_unstable_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use tokio::sync::Barrier;

    use super::all;

    #[tokio::test]
    async fn so_many_are_asked_at_once_and_no_more_and_the_order_stays() {
        // Sequential requests would wait forever at this barrier.
        let together = Arc::new(Barrier::new(3));
        let now = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let futures = (0..9).map(|number| {
            let together = together.clone();
            let now = now.clone();
            let most = most.clone();
            async move {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                together.wait().await;
                for _ in 0..9 - number {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, SeqCst);
                number
            }
        });
        assert_eq!(all(3, futures).await, (0..9).collect::<Vec<_>>());
        assert_eq!(most.load(SeqCst), 3);
    }
}
