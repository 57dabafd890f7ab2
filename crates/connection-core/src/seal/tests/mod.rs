//! Sealing: what opens, what does not, and why.

mod envelopes;
#[cfg(unix)]
mod key_files;
mod keys;
mod keysets;
mod newest;
mod opening;

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use connection_contract::Secret;

use super::{Place, SealError, Sealed, Sealer};

/// For sealers whose keys are in no store: they wait for nothing.
trait Now {
    fn seal_now(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, SealError>;
    fn open_now(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, SealError>;
}

impl Now for Sealer {
    fn seal_now(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        now(self.seal(place, plain))
    }
    fn open_now(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, SealError> {
        now(self.open(place, sealed))
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}
