//! `serve`: a process in the foreground that serves the page and the API, handles callbacks and webhooks, refreshes what
//! is due, and continues setups. Any number of such processes can share one store.

mod certificate;
mod health;
mod page;
mod routes;
mod running;
mod supervisor;

use std::{
    convert::Infallible,
    future::pending,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
};

use connection_agent::UsageMonitor;
use connection_core::{AnswerRoom, ConnectionRegistry, EventReceiver, Machine};
use connection_inbound::{Browser, PublicEndpoint, PublicUrl, Server, check_callback, is_listening};
use connection_server::{ApiOptions, LiveStreams, PageSettings, Readiness};
use tokio::{runtime::Handle, sync::watch, task::AbortHandle};

use crate::{
    Error, Exit,
    args::Serve,
    commands::{own_kinds::KindsInForce, profiles::in_use},
    config::InboundSettings,
    output::{Output, json::ServingBody},
    platform::{self, DoorSocket, OPERATIONS, StopSignal, without_line},
    program::Program,
};

pub(super) use certificate::Certificate;
use health::Health;
use page::{Page, Visits};
pub(super) use routes::mounted;
use routes::{FOR_MONITORS, State};
use running::Running;
use supervisor::Supervisor;

pub(super) async fn run(mut program: Program, arguments: &Serve) -> Result<Exit, Error> {
    let listen = program.settings.inbound.listen()?;
    let certificate = program.settings.inbound.tls()?.as_ref().map(Certificate::read).transpose()?;
    let receiver = program.settings.events.receiver()?;
    let mut signals = program.interrupts.signals().map_err(|error| Error::io("signals", &error))?;
    let server = match Server::bind(listen).await {
        Ok(server) => server,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && (arguments.open || arguments.print_page) => {
            return tokio::select! {
                shown = show_running(&mut program, arguments, listen, &error) => shown,
                _ = signals.next() => Err(platform::interrupted(StopSignal::Interrupt)),
            };
        }
        Err(error) => return Err(not_listening(listen, &error)),
    };
    let server = match &certificate {
        Some(certificate) => server.tls(certificate.tls()),
        None => server,
    };
    let socket = at_socket(program.settings.inbound.unix_socket.as_deref()).await?;
    let Started { server, url, registry } = tokio::select! {
        started = start(&mut program, server) => started?,
        // Nothing has begun yet.
        _ = signals.next() => return Err(platform::interrupted(StopSignal::Interrupt)),
    };
    let _serving = without_line();
    let address = server.address();
    let monitor = UsageMonitor::new(&registry);
    let tasks = Tasks::begin(&program, &registry, receiver, &monitor);
    let readiness = Readiness::new();
    let live = LiveStreams::new();
    let options = api_options(&program, address, &url, certificate.as_ref())?.live(live.clone()).usage(monitor);
    let health = Health::new(registry.clone(), tasks.scheduler.clone(), readiness.clone());
    let supervisor = Supervisor::new(&program.environment, registry.clock());
    let state = State { health: health.clone(), options, readiness: readiness.clone(), listening: address };
    let routes = routes::routes(&registry, &url, state);
    let page = Page::new(registry.clone(), program.settings.inbound.page_address(address, &url));
    let stopped = watch::Sender::new(false);
    let running = Running { program: &program, registry, address, url, tasks, readiness, live, supervisor, stopped };
    tokio::select! {
        () = resume_setups(&running.registry) => {}
        _ = signals.next() => return Err(platform::interrupted(StopSignal::Interrupt)),
    }
    running.announce(&page, arguments).await?;
    running.supervisor.serves();
    tokio::select! {
        () = running.serve(server, routes, socket) => {}
        never = running.open_page(page, arguments) => match never {},
        never = follow_certificate(certificate, &running.registry) => match never {},
        never = running.supervisor.feed(|| health.look_at_process()) => match never {},
        stopped = running.stop(&mut signals) => return stopped.map(|()| Exit::Fine),
    }
    tracing::info!(target: OPERATIONS, "ended");
    running.print("ended", None)?;
    Ok(Exit::Fine)
}

/// Uses the files of the certificate when they change, if there is one.
async fn follow_certificate(certificate: Option<Certificate>, registry: &ConnectionRegistry) -> Infallible {
    match certificate {
        Some(certificate) => certificate.follow(registry.clock()).await,
        None => pending().await,
    }
}

/// The tasks that run beside the server.
struct Tasks {
    scheduler: AbortHandle,
    others: Vec<AbortHandle>,
}

impl Tasks {
    /// Begins to refresh and verify connections, to fetch their usage, to follow the kinds that are declared in
    /// files, and to send events if there is a receiver.
    fn begin(
        program: &Program,
        registry: &ConnectionRegistry,
        receiver: Option<Arc<EventReceiver>>,
        monitor: &UsageMonitor,
    ) -> Self {
        let runtime = Handle::current();
        let refreshed = registry.clone();
        let scheduler = runtime.spawn(async move { refreshed.run().await }).abort_handle();
        let mut others = Vec::new();
        if let Some(receiver) = receiver {
            tracing::info!(target: OPERATIONS, "events are sent to {}", receiver.origin());
            let sent = registry.clone();
            others.push(runtime.spawn(async move { sent.outgoing_events().run(receiver).await }).abort_handle());
        }
        if let Some(kinds) = KindsInForce::new(program, registry) {
            others.push(runtime.spawn(kinds.follow()).abort_handle());
        }
        others.push(runtime.spawn(monitor.poll(program.settings.usage.bounds()).into_future()).abort_handle());
        Self { scheduler, others }
    }

    /// Ends the tasks. Refreshes that have begun continue, and no new ones begin.
    fn abort(&self) {
        self.scheduler.abort();
        self.others.iter().for_each(AbortHandle::abort);
    }
}

/// Returns the options of the API, as they are configured.
fn api_options(
    program: &Program,
    address: SocketAddr,
    url: &PublicUrl,
    certificate: Option<&Certificate>,
) -> Result<ApiOptions, Error> {
    let inbound = &program.settings.inbound;
    let mut options = program.settings.page.add_to(routes::api_options(address, url, inbound.scheme())?)?;
    if let Some(doors) = inbound.doors(url)? {
        let origin = routes::origin(&doors.origin(), "inbound.doors_url")?;
        if options.origins.contains(&origin) {
            return Err(InboundSettings::not_apart(&doors.origin()));
        }
        options = options.doors_at(origin);
    }
    if let Some(most) = inbound.requests_per_minute {
        options = options.requests_per_minute(most);
    }
    if let Some(certificate) = certificate {
        options = options.certificate(certificate.file(), certificate.tls());
    }
    Ok(options)
}

/// Continues the setups that earlier processes began.
async fn resume_setups(registry: &ConnectionRegistry) {
    match registry.setups().resume_all().await {
        Ok(0) => {}
        Ok(resumed) => tracing::info!(target: OPERATIONS, "{resumed} setups that were begun before continue"),
        Err(error) => {
            let error = Error::from(error);
            tracing::warn!(target: OPERATIONS, "setups that were begun before cannot continue now: {error}");
        }
    }
}

/// Returns the browser of the person, if there is a desktop.
fn browser(program: &Program) -> Option<Browser> {
    program.environment.has_desktop().then(|| program.environment.browser())
}

/// Shows the page of the server that listens already, if it is one of the same database.
async fn show_running(
    program: &mut Program,
    arguments: &Serve,
    listen: SocketAddr,
    in_use: &io::Error,
) -> Result<Exit, Error> {
    if !program.has_database() {
        return Err(not_listening(listen, in_use));
    }
    let url = program.settings.inbound.url(listen)?;
    let registry = open(program, &url).await?;
    let output = &program.output;
    let listening = reached_here(listen);
    if !is_ours(program, &registry, listening, &url).await {
        registry.close().await;
        return Err(not_listening(listen, in_use));
    }
    let page = Page::new(registry.clone(), program.settings.inbound.page_address(listening, &url));
    let printed = if arguments.print_page { Some(page.with_code().await?) } else { None };
    print_state(output, "running", listen, &url, printed)?;
    if arguments.open {
        let _shown = without_line();
        page.open(browser(program), output, Visits::First).await?;
    }
    registry.close().await;
    Ok(Exit::Fine)
}

/// Returns `true` if the server that listens there is one of the same database.
///
/// Another program that listens there must get neither a code nor a token, even if it passes our question on to a server
/// of this database. With TLS, the server is used at its public URL, and whoever answers there has its certificate.
async fn is_ours(program: &Program, registry: &ConnectionRegistry, listening: SocketAddr, url: &PublicUrl) -> bool {
    match program.settings.inbound.has_tls() {
        true => check_callback(registry, url).await.problem.is_none(),
        false => is_listening(registry, listening).await,
    }
}

/// Returns the address below which the doors are of the server of the same database that runs at the configured address.
pub(super) async fn running_doors(program: &Program, registry: &ConnectionRegistry) -> Result<String, Error> {
    let inbound = &program.settings.inbound;
    let listen = inbound.listen()?;
    let (listening, url) = (reached_here(listen), inbound.url(listen)?);
    if is_ours(program, registry, listening, &url).await {
        let own = inbound.doors(&url)?;
        return Ok(own.map_or_else(|| inbound.page_address(listening, &url), ToString::to_string));
    }
    let message = format!("no server of this database runs at {listen}");
    let error = Error::new(Exit::Unexpected, "host_unreachable", message);
    Err(error.remedy("start one with `connections serve`, or name another one with --host"))
}

/// Returns the address of the page of the server of the same database that runs at the configured address, if one does.
pub(super) async fn running_page(program: &Program, registry: &ConnectionRegistry) -> Option<String> {
    let inbound = &program.settings.inbound;
    let listen = inbound.listen().ok()?;
    let (listening, url) = (reached_here(listen), inbound.url(listen).ok()?);
    is_ours(program, registry, listening, &url).await.then(|| inbound.page_address(listening, &url))
}

/// Returns the address at which this machine reaches a server that listens there: its loopback address, if the server
/// listens on every address.
fn reached_here(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => (Ipv4Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V6(address) if address.is_unspecified() => (Ipv6Addr::LOCALHOST, listen.port()).into(),
        _ => listen,
    }
}

/// The parts of a server that is ready to accept connections.
struct Started {
    server: Server,
    url: PublicUrl,
    registry: ConnectionRegistry,
}

async fn start(program: &mut Program, server: Server) -> Result<Started, Error> {
    let url = program.settings.inbound.url(server.address())?;
    let server = match program.settings.inbound.connections_per_peer {
        Some(most) => server.connections_per_peer(most),
        None => server,
    };
    let server = match program.settings.inbound.doors(&url)? {
        Some(doors) => server.also_at(doors.clone()),
        None => server,
    };
    let server = server.trusted_proxies(program.settings.inbound.trusted_proxies.iter().copied());
    let reserved = FOR_MONITORS.iter().flat_map(|path| [(*path).to_owned(), format!("{}{path}", url.prefix())]);
    let server = reserved.fold(server, Server::reserve);
    let registry = open(program, &url).await?;
    let version = env!("CARGO_PKG_VERSION");
    let store = registry.store().name();
    match registry.store().answer_room() {
        AnswerRoom::Reserved { directory } | AnswerRoom::Unreserved { directory, .. } => tracing::info!(
            target: OPERATIONS,
            "version {version} started with {store} and the state directory {}",
            directory.display()
        ),
        _ => tracing::info!(target: OPERATIONS, "version {version} started with {store}"),
    }
    Ok(Started { server, url, registry })
}

/// Opens the registry of a host that is reached at `url`.
pub(super) async fn open(program: &mut Program, url: &PublicUrl) -> Result<ConnectionRegistry, Error> {
    let endpoint = program.settings.page.add_origins_to(PublicEndpoint::new(url.clone()));
    let running = program.settings.running();
    // The API removes no profile with which a tool runs.
    let machine = Machine::new().tools(program.tools.clone()).profile_uses(move |_, _, id| in_use(&running, id));
    program
        .open_with(|builder| {
            builder.inbound(Arc::new(endpoint)).settings(Arc::new(PageSettings::new())).machine(machine)
        })
        .await
}

fn print_state(
    output: &Output,
    state: &'static str,
    address: SocketAddr,
    url: &PublicUrl,
    page: Option<String>,
) -> Result<(), Error> {
    if output.json {
        let body = ServingBody { state, listen: address.to_string(), public_url: url.to_string(), page };
        return output.element(&body);
    }
    match state {
        "listening" => output.line(format!("Listening on {address}, reached at {url}; press Ctrl-C to stop."))?,
        "running" => output.line(format!("`connections serve` already listens on {address}, reached at {url}."))?,
        "draining" => output.note("Finishing work in progress; a second signal stops at once."),
        _ => {}
    }
    match page {
        Some(page) => output.line(format!("Open this address within 60 seconds: {page}")),
        None => Ok(()),
    }
}

/// Opens the socket of the doors, if one is configured.
async fn at_socket(path: Option<&Path>) -> Result<Option<DoorSocket>, Error> {
    let Some(path) = path else { return Ok(None) };
    DoorSocket::bind(path).await.map(Some).map_err(|error| {
        let path = path.display();
        let (message, remedy) = match error.kind() {
            io::ErrorKind::AddrInUse => (
                format!("another program listens at the socket {path}"),
                "stop that program, which may be another `connections serve`, or set inbound.unix_socket to another path",
            ),
            io::ErrorKind::AlreadyExists => {
                (format!("{path} is not a socket"), "set inbound.unix_socket to a path that does not exist")
            }
            io::ErrorKind::NotFound => {
                (format!("the directory of the socket {path} does not exist"), "create it, for the socket alone")
            }
            io::ErrorKind::Unsupported => ("this system has no Unix sockets".to_owned(), "remove inbound.unix_socket"),
            _ => (
                format!("cannot listen at the socket {path}: {error}"),
                "set inbound.unix_socket to a path of at most 100 bytes in a directory that this user may write",
            ),
        };
        Error::new(Exit::Unexpected, "listen_failed", message).remedy(remedy)
    })
}

pub(super) fn not_listening(address: SocketAddr, error: &io::Error) -> Error {
    let is_in_use = error.kind() == io::ErrorKind::AddrInUse;
    let address = match (address.ip(), address.port()) {
        // The server listens at both addresses of loopback.
        (IpAddr::V4(Ipv4Addr::LOCALHOST), port) if is_in_use && TcpListener::bind(address).is_ok() => {
            SocketAddr::from((Ipv6Addr::LOCALHOST, port))
        }
        (IpAddr::V6(Ipv6Addr::LOCALHOST), port) if is_in_use && TcpListener::bind(address).is_ok() => {
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        }
        _ => address,
    };
    let (message, remedy) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            format!("another program listens on {address}"),
            "stop that program, which may be another `connections serve`, or set inbound.listen to another port",
        ),
        io::ErrorKind::AddrNotAvailable => {
            (format!("{address} is not an address of this machine"), "set inbound.listen to an address of this machine")
        }
        _ => (format!("cannot listen on {address}: {error}"), "set inbound.listen to another address"),
    };
    Error::new(Exit::Unexpected, "listen_failed", message).remedy(remedy)
}
