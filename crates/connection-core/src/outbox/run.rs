//! The work of a process that sends events: collects what is due, and sends it.

use std::{sync::Arc, time::Duration};

use super::{
    EventReceiver,
    collect::collect,
    send::{Sending, hasten},
};
use crate::{
    Error,
    ground::Ground,
    store::{Changed, Changes},
};

/// The pause between two looks for messages that would wait too long.
const HASTEN_INTERVAL: Duration = Duration::from_hours(1);

/// Sends events until the store is closed, or until the receiver answers 410.
pub(crate) async fn run(ground: &Arc<Ground>, receiver: Arc<EventReceiver>) {
    let mut changes = ground.store.changes(&*ground.clock).await;
    let mut sending = Sending::new(receiver.clone());
    let mut is_in_trouble = false;
    let mut hastened: Option<Duration> = None;
    loop {
        // The pause begins before the look, so that nothing is overlooked that falls due meanwhile.
        let began = ground.clock.passed();
        if hastened.is_none_or(|last| began.saturating_sub(last) >= HASTEN_INTERVAL) && hasten(ground).await.is_ok() {
            hastened = Some(began);
        }
        sending.look_again();
        let uncollected = collect(ground, &receiver).await.err();
        let mut unsent = None;
        let is_gone = loop {
            // After an error, attempts begin again at the next look.
            if unsent.is_none() {
                unsent = sending.begin(ground).await.err();
            }
            let concerns = |changed| matches!(changed, Changed::Connection(_));
            let rest = Changes::FOR_SIGNALS.saturating_sub(ground.clock.passed().saturating_sub(began));
            tokio::select! {
                biased;
                changed = changes.changed(&*ground.clock, rest, concerns) => {
                    if changed.is_err() {
                        return;
                    }
                    break false;
                }
                freed = sending.freed() => match freed {
                    Ok(true) => break true,
                    Ok(false) => {}
                    Err(error) => unsent = Some(error),
                },
            }
        };
        if is_gone {
            tracing::warn!(
                target: connection_egress::OPERATIONS,
                "{} answered 410: no events are sent to it until this program starts again",
                receiver.origin()
            );
            return;
        }
        report(uncollected.or(unsent), &mut is_in_trouble);
    }
}

/// Logs the error of a look, unless the look before failed, too.
fn report(trouble: Option<Error>, is_in_trouble: &mut bool) {
    if let Some(error) = trouble.as_ref().filter(|_| !*is_in_trouble) {
        tracing::warn!(code = error.code(), "events cannot be sent now: {error}");
    }
    *is_in_trouble = trouble.is_some();
}
