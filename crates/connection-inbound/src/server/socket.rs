//! A server at a Unix socket, for the programs of this machine and of its containers.

use std::{
    collections::hash_map::RandomState,
    fs::{self, DirBuilder},
    hash::{BuildHasher as _, Hasher as _},
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use axum::{Extension, Router, middleware};
use tokio::net::{UnixListener, UnixStream};

use super::{LIMITS, QUEUED, capacity::Capacity, connection::paused, connections::Connections, place::ArrivedAtSocket};
use crate::headers;

/// The mode of the socket: every user may connect, and needs a token then, as at a port of this machine.
const MODE: u32 = 0o666;

/// A listening HTTP server at a Unix socket.
///
/// Its requests have the limits of those of a [`Server`](crate::Server), in capacity of their own. Each of them has the
/// extension [`ArrivedAtSocket`].
///
/// # Examples
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use connection_inbound::SocketServer;
///
/// # async fn serve() -> std::io::Result<()> {
/// let server = SocketServer::bind("/run/connections/doors/socket").await?;
/// let routes = Router::new().route("/", get(async || "here"));
/// server.serve(routes, std::future::pending()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SocketServer {
    listener: UnixListener,
    file: SocketFile,
}

/// The file of a socket, which is removed with its server.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// The device and the number of the file. Another server may have put its own file at the path.
    id: Option<(u64, u64)>,
}

impl SocketServer {
    /// Listens at a socket with this path. Every user who can reach the path may connect.
    ///
    /// The socket of a process that has ended is replaced.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](ErrorKind::AddrInUse) if another process listens there, [`AlreadyExists`](ErrorKind::AlreadyExists)
    /// if the path is one of another file, and the system's errors, such as
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a path of more than about 100 bytes.
    pub async fn bind(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        // A client could not name a longer one.
        std::os::unix::net::SocketAddr::from_pathname(&path)?;
        match fs::symlink_metadata(&path) {
            Ok(found) if !found.file_type().is_socket() => return Err(ErrorKind::AlreadyExists.into()),
            Ok(_) => match UnixStream::connect(&path).await {
                Ok(_) => return Err(ErrorKind::AddrInUse.into()),
                // No process listens there.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // The socket gets its path when it has its mode. This also replaces the file of an ended process at once.
        let new = NewSocket::in_directory_of(&path)?;
        let listener = UnixListener::bind(&new.path)?;
        fs::set_permissions(&new.path, fs::Permissions::from_mode(MODE))?;
        fs::rename(&new.path, &path)?;
        Ok(Self { listener, file: SocketFile { id: id(&path), path } })
    }

    /// Returns the path of the socket.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Serves until `stop` resolves, and then as [`Server::serve`](crate::Server::serve) does. The file of the socket is
    /// removed first.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes every connection, and removes the file.
    pub async fn serve(self, routes: Router, stop: impl Future<Output = ()>) {
        let routes = routes.layer(Extension(ArrivedAtSocket));
        let routes = routes.layer(middleware::map_response(headers::with_security_headers)).with_state(());
        let mut connections = Connections::new(routes, Capacity::new(LIMITS, Vec::new()), None);
        let Self { listener, file } = self;
        // The seats know peers by their address.
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let accepting = async {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => connections.begin(stream, here, None),
                    Err(error) => paused(&error).await,
                }
            }
        };
        tokio::select! {
            biased;
            () = stop => {}
            () = accepting => {}
        }
        drop(file);
        for stream in queued(listener) {
            connections.begin(stream, here, None);
        }
        connections.end().await;
    }
}

/// A socket that does not have its path yet, in a directory that nobody else can enter.
struct NewSocket {
    directory: PathBuf,
    path: PathBuf,
}

impl NewSocket {
    fn in_directory_of(path: &Path) -> io::Result<Self> {
        // The process id would not do: in a container, a process that was killed here had the same one.
        let directory = path.with_file_name(format!(".{:016x}", RandomState::new().build_hasher().finish()));
        DirBuilder::new().mode(0o700).create(&directory)?;
        Ok(Self { path: directory.join("new"), directory })
    }
}

impl Drop for NewSocket {
    fn drop(&mut self) {
        // The socket is still there if it did not get its path.
        fs::remove_file(&self.path).unwrap_or_default();
        fs::remove_dir(&self.directory).unwrap_or_default();
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.id.is_some() && id(&self.path) == self.id {
            // Without this, the next server replaces the file.
            fs::remove_file(&self.path).unwrap_or_default();
        }
    }
}

fn id(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Returns the connections that the system has queued, and stops listening.
fn queued(listener: UnixListener) -> Vec<UnixStream> {
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let accepted = std::iter::repeat_with(|| listener.accept()).take(QUEUED).map_while(Result::ok);
    let streams = accepted.filter_map(|(stream, _)| {
        stream.set_nonblocking(true).ok()?;
        UnixStream::from_std(stream).ok()
    });
    streams.collect()
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        runtime::Handle,
        sync::oneshot,
    };

    use super::*;

    async fn asked(path: &Path) -> String {
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: any.example\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn routes() -> Router {
        Router::new().route("/", get(async |Extension(ArrivedAtSocket): Extension<ArrivedAtSocket>| "here"))
    }

    #[tokio::test]
    async fn every_user_may_connect_until_the_server_ends_and_removes_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let server = SocketServer::bind(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = Handle::current().spawn(server.serve(routes(), async { drop(stopped.await) }));
        assert!(asked(&path).await.ends_with("here"));
        stop.send(()).unwrap();
        serving.await.unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_socket_of_an_ended_process_is_replaced_and_no_other_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = SocketServer::bind(&path).await.unwrap();
        let refused = SocketServer::bind(&path).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
        let long = directory.path().join("a".repeat(200));
        assert_eq!(SocketServer::bind(long).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left of it");
        assert!(path.exists() && first.path() == path);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "notes").unwrap();
        assert_eq!(SocketServer::bind(&path).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        // The end of the first server does not remove a file that is not its own.
        drop(first);
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
    }

    #[tokio::test]
    async fn the_connections_that_wait_to_be_accepted_are_answered_after_a_stop() {
        let directory = tempfile::tempdir().unwrap();
        let server = SocketServer::bind(directory.path().join("socket")).await.unwrap();
        let mut stream = UnixStream::connect(server.path()).await.unwrap();
        let serving = Handle::current().spawn(server.serve(routes(), ready(())));
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("here"), "{answer}");
        serving.await.unwrap();
    }
}
