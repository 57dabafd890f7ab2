//! The courier: another process of this host, which sends the one request of an exchange, so that a kill of this process
//! loses no answer.
//!
//! ```text
//! courier                          caller
//! the version of the program    ->
//!                               <- the request, the one-time key, the head of the slot
//! its process: it is ready      ->
//!                               <- the word, after the intent is committed: the end, by the time since the boot
//! (the answer is on the disk)
//! 1 byte: it may have been sent;
//! then the result               ->
//!                               <- the end of the stream: the result is recorded
//! ```
//!
//! Each message has its length before it. The intent names the courier, whose lock proves that the attempt is over. See
//! `rescue` for the content of its slot.

use std::{fs::File, io, sync::Arc, time::Duration};

use connection_contract::{BoxFuture, Crypto as _, HttpError, HttpRequest, HttpResponse, Record, Secret, Timestamp};
use connection_egress::{SendOnceOutcome, SendUntil, deliver};
use connection_replay::{Effect, Entry};
use connection_seal::seal_once;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Deadline, Exchange, ExchangeKey, MAX_REFRESH, SEND_WITHIN, answer, answer_slots, rescue, state::COURIER};
use crate::{Clock, SystemClock, exchange::System, store::rows::Sent};

/// The first message of a courier. A courier of another version is not used.
pub(super) const IDENTITY: &str = concat!("connections courier 1 ", env!("CARGO_PKG_VERSION"));
/// The time in which a courier gets ready. After it, the request is sent without one.
const PATIENCE: Duration = Duration::from_secs(2);
/// The number of times that a courier repeats a write that failed, and the time between two of them.
const MAX_WRITES: usize = 10;
const WRITE_AGAIN: Duration = Duration::from_secs(1);
/// The time between two looks at the lock of a courier.
const LOOK: Duration = Duration::from_millis(50);

/// The stream between a courier and its caller.
pub trait CourierStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> CourierStream for T {}

/// Starts couriers: processes of the host's own program, each of which sends one request.
///
/// The process makes its memory private, leaves the session of its caller, and then calls [`run_courier`]. It inherits
/// nothing but these files, and gets no secret in its arguments or its environment.
pub trait Couriers: Send + Sync {
    /// Starts a process, and returns the stream to it. The process holds `lock` for as long as it lives, and the caller
    /// closes both files. It is called on a thread of a tokio runtime that may block.
    ///
    /// # Errors
    ///
    /// No process can be started. The request is then sent without a courier.
    fn start(&self, lock: File, slot: File) -> io::Result<Box<dyn CourierStream>>;
}

/// A courier that is ready.
pub(super) struct Courier {
    pub(super) name: String,
    stream: Box<dyn CourierStream>,
}

impl Courier {
    /// Starts a courier for an attempt that is sent at `sent_at`. Returns `None` if there is none, or if the request may not
    /// be sent, which is reported as without a courier.
    pub(super) async fn start(
        system: &Arc<System>,
        exchange: &Exchange,
        request: &HttpRequest,
        sent_at: i64,
    ) -> Option<Box<Self>> {
        let (Some(_), Some(_)) = (&system.couriers, &system.state) else { return None };
        let generation = exchange.generation.unwrap_or_default();
        let parcel = system.ground.http.packed(&exchange.egress, request, MAX_REFRESH).ok()?;
        let mut once = vec![0; 32];
        system.ground.crypto.random(&mut once);
        let once = Secret::new(once);
        let cell = answer::cell_of_file(exchange.key, &exchange.owner, &exchange.kind, generation);
        let copy = system.ground.seal(&cell, once.expose()).await.ok()?;
        let errand = parcel
            .with("key", Secret::new(*exchange.key.as_bytes()))
            .with("once", once)
            .with("head", Secret::new(rescue::head_of_courier(exchange.scope, generation, &copy)))
            .with("sent_at", Secret::new(sent_at.to_be_bytes()));
        let started = Self::ready(system, Some(errand)).await;
        started.inspect_err(|problem| tracing::warn!(%problem, "no courier starts; a kill may lose an answer")).ok()
    }

    /// Starts a courier, and waits until it is ready.
    async fn ready(system: &Arc<System>, errand: Option<Record>) -> io::Result<Box<Self>> {
        let couriers = system.couriers.clone().filter(|_| since_boot().is_some());
        let couriers = couriers.ok_or_else(|| io::Error::other("this program starts none"))?;
        let name = format!("{COURIER}{}", system.ground.ids.next());
        let of = name.clone();
        let started = rescue::blocking(system, move |state| {
            let started = state.make_courier(&of).and_then(|(lock, slot)| couriers.start(lock, slot));
            started.inspect_err(|_| state.remove_courier(&of).unwrap_or_default())
        });
        let stream = started.await.unwrap_or_else(|| Err(io::Error::other("there is no state directory")))?;
        let mut courier = Box::new(Self { name, stream });
        let greeting = async {
            if read(&mut courier.stream).await?.expose() != IDENTITY.as_bytes() {
                return Err(io::Error::other("the file of this program was replaced by another version"));
            }
            if let Some(errand) = errand {
                write(&mut courier.stream, errand.with("name", &*courier.name).encode().expose()).await?;
                let process = read(&mut courier.stream).await?;
                return Ok(process.expose().try_into().ok().map(u32::from_be_bytes));
            }
            Ok(None)
        };
        let greeted = tokio::select! {
            biased;
            greeted = greeting => greeted,
            () = system.ground.clock.sleep(PATIENCE) => Err(io::ErrorKind::TimedOut.into()),
        };
        match greeted {
            Ok(Some(process)) => {
                let of = courier.name.clone();
                // The number is for messages, so a full disk does not matter.
                drop(rescue::blocking(system, move |state| state.note_process(&of, process)).await);
            }
            Ok(None) => {}
            Err(error) => {
                remove(system, Some(courier.name)).await;
                return Err(error);
            }
        }
        Ok(courier)
    }

    /// Gives the word. Returns `false` if the courier has ended, so that nothing was sent.
    pub(super) async fn give_word(&mut self, system: &System, deadline: &Deadline) -> bool {
        // The end of the lease does not count, because the intent names the courier, and nobody else sends meanwhile.
        let left = deadline.latest.saturating_sub(system.ground.clock.passed());
        let end = since_boot().unwrap_or_default().saturating_add(left).as_nanos();
        write(&mut self.stream, &u64::try_from(end).unwrap_or(u64::MAX).to_be_bytes()).await.is_ok()
    }

    /// Returns the result after the word, and `true` if the request may have been sent.
    pub(super) async fn result(&mut self, system: &System) -> (Result<HttpResponse, HttpError>, bool) {
        let clock = &system.ground.clock;
        let end = async {
            clock.sleep(SEND_WITHIN).await;
            // If this process was stopped, the result may be in the socket.
            clock.catch_up().await;
        };
        let told = tokio::select! {
            biased;
            // A courier that says nothing was killed or is paused; that says nothing about the provider.
            told = read(&mut self.stream) => told.map_err(|_| HttpError::Uncertain),
            () = end => Err(HttpError::Uncertain),
        };
        let told = match told {
            Ok(told) => told,
            Err(error) => return (Err(error), true),
        };
        if let [was_sent, entry @ ..] = told.expose()
            && let Some(Entry { effect: Effect::Http(result), .. }) = Entry::decode(entry)
        {
            return (result, *was_sent == 1);
        }
        (Err(HttpError::Uncertain), true)
    }
}

/// Removes the files of a courier, if there is one, for whose attempt nothing is left to do.
pub(super) async fn remove(system: &Arc<System>, name: Option<String>) {
    let Some(name) = name else { return };
    if let Some(Err(error)) = rescue::blocking(system, move |state| state.remove_courier(&name)).await {
        // The next process that opens the directory removes them.
        tracing::debug!(%error, "the files of a courier cannot be removed now");
    }
}

/// Starts a courier without a request, to see whether that is possible.
pub(crate) async fn check(system: &Arc<System>) -> Result<(), String> {
    remove(system, Some(Courier::ready(system, None).await.map_err(|problem| problem.to_string())?.name)).await;
    Ok(())
}

/// Waits until the courier of an attempt has ended, if a courier of this node is out with it: within the deadline of the
/// exchange, or for as long as a courier can take.
pub(super) async fn wait(system: &Arc<System>, exchange: &Exchange, sent: &Sent) {
    let clock = &*system.ground.clock;
    let end = exchange.deadline.latest.min(clock.passed().saturating_add(SEND_WITHIN));
    while sent.process_id.starts_with(COURIER) && clock.passed() < end {
        let name = sent.process_id.clone();
        if !matches!(rescue::blocking(system, move |state| state.is_running(&name)).await, Some(Ok(true))) {
            return;
        }
        clock.sleep(LOOK).await;
    }
}

/// Does the work of a courier, in the process that [`Couriers`] start. Returns when the caller has closed the stream or has
/// ended.
///
/// # Errors
///
/// The caller ended before it gave the request, or the slot cannot be written.
pub fn run_courier(mut stream: Box<dyn CourierStream>, slot: File) -> BoxFuture<'static, io::Result<()>> {
    Box::pin(async move {
        write(&mut stream, IDENTITY.as_bytes()).await?;
        let errand = Record::decode(read(&mut stream).await?.expose()).map_err(|_| io::ErrorKind::InvalidData)?;
        let clock = Arc::new(SystemClock::new());
        let word = async {
            write(&mut stream, &std::process::id().to_be_bytes()).await.ok()?;
            // A word that is not whole is none.
            let end = u64::from_be_bytes(read(&mut stream).await.ok()?.expose().try_into().ok()?);
            let left = Duration::from_nanos(end).saturating_sub(since_boot()?);
            Some(SendUntil::from(clock.passed().saturating_add(left)))
        };
        let Some((result, was_sent)) = deliver(&errand, clock.clone(), word).await else {
            return note(&errand, &slot, None);
        };
        let copy = result.as_ref().map(answer::duplicate).map_err(|error| *error);
        let outcome = SendOnceOutcome::of(copy, || was_sent);
        let keep = || match &outcome {
            SendOnceOutcome::Answered(answer) => note(&errand, &slot, Some(answer)),
            // The token was not spent.
            SendOnceOutcome::Limited(_) | SendOnceOutcome::NotSent(_) => note(&errand, &slot, None),
            SendOnceOutcome::Unclear { .. } => Ok(()),
        };
        // Even if the disk fails, the caller has the answer in memory.
        let is_kept = keep().is_ok();
        let entry = Entry::new("", Timestamp::from_seconds(0), Effect::Http(result)).encode();
        let told = write(&mut stream, Secret::concat(&[&[u8::from(was_sent)], entry.expose()]).expose()).await;
        if told.is_ok() {
            // Until the caller has recorded the result, the attempt is not over.
            drop(read(&mut stream).await);
        }
        if !is_kept {
            // The caller may have been killed before it recorded the result.
            keep_again(&*clock, keep).await;
        }
        told
    })
}

/// Repeats a write that failed, such as one to a full disk, until it succeeds or has failed too often.
pub(super) async fn keep_again(clock: &dyn Clock, mut keep: impl FnMut() -> io::Result<()>) {
    for _ in 0..MAX_WRITES {
        clock.sleep(WRITE_AGAIN).await;
        if keep().is_ok() {
            return;
        }
    }
}

/// Writes the answer to the slot, or the name of the courier if nothing was processed. Returns when it is on the disk.
fn note(errand: &Record, slot: &File, answer: Option<&HttpResponse>) -> io::Result<()> {
    let field = |name| errand.find(name).map(Secret::expose).unwrap_or_default();
    let key = ExchangeKey::from_bytes(field("key").try_into().map_err(|_| io::ErrorKind::InvalidData)?);
    let answer = answer.map(answer::encode);
    let plain = Secret::concat(&[field("sent_at"), answer.as_ref().map_or(field("name"), Secret::expose)]);
    let sealed = seal_once(field("once"), plain.expose()).ok_or(io::ErrorKind::InvalidData)?;
    answer_slots::fill_only(slot, key, &[field("head"), sealed.as_bytes()].concat())
}

/// Returns the time since the boot, about which a courier and its caller agree.
fn since_boot() -> Option<Duration> {
    let clock = SystemClock::new();
    if cfg!(target_os = "linux") { Some(clock.passed()) } else { clock.boot().map(|boot| boot.passed) }
}

pub(super) async fn write(stream: &mut Box<dyn CourierStream>, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(message).await
}

pub(super) async fn read(stream: &mut Box<dyn CourierStream>) -> io::Result<Secret> {
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
    // The buffer has its size at once, because growing would leave copies of secrets in memory.
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(Secret::new(bytes))
}
