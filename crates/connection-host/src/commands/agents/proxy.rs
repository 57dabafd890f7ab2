//! The forward door of a run: a proxy for programs that cannot be directed to another address, and the file with the
//! certificates that they trust.

use std::{convert::Infallible, fs, io, path::PathBuf, time::Duration};

use connection_contract::host;
use connection_core::{IdGenerator as _, SystemClock, UuidV7};
use connection_forward::{ForwardDoor, ForwardError, ForwardSettings, SYSTEM_ROOTS, bundle, variables};

use super::door::{GrantedOrigin, Usable};
use crate::{Error, Exit, args::RunAgent, backend::Backend, output::quoted, platform, program::Program};

/// The name of the file in its directory.
const FILE: &str = "roots.pem";

/// A door that is open for one run.
pub(super) struct Proxy {
    door: ForwardDoor,
    /// A directory for the file alone. Dropping it deletes both.
    directory: Directory,
}

impl Proxy {
    /// Opens a door to the connections, which sends their requests to the doors at this address.
    pub(super) async fn open(
        program: &Program,
        backend: &dyn Backend,
        usable: &Usable,
        doors: &str,
        lifetime: Duration,
        arguments: &RunAgent,
    ) -> Result<Self, Error> {
        let mut settings = ForwardSettings::new(doors, lifetime);
        for GrantedOrigin { origin, user } in usable.origins(backend).await? {
            match user {
                Ok(connection) => settings = settings.connection(connection, host::origin(origin)),
                Err(names) => {
                    let names = names.join(" and ");
                    program.output.note(format!(
                        "{names} are at {origin}, so the proxy refuses it; name one of them with --connection."
                    ));
                    // Through a tunnel, the provider would get the token of the agent.
                    settings = settings.ambiguous(host::origin(origin));
                }
            }
        }
        if arguments.only_granted {
            settings = settings.only_granted();
        }
        for tunnel in &arguments.tunnels {
            let named = tunnel.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
            let (host, port) = named.ok_or_else(|| {
                Error::usage(format!("--tunnel takes HOST:PORT, such as localhost:5432, and not {}", quoted(tunnel)))
            })?;
            settings = settings.tunnel(host, port);
        }
        let own_roots = program.settings.root_certificate()?;
        if let Some(pem) = &own_roots {
            settings = settings.root_certificate_pem(pem.as_bytes());
        }
        let door = ForwardDoor::open(settings, &SystemClock::new()).await.map_err(refusal)?;
        let roots = program
            .environment
            .file_of_roots()
            .or_else(|| SYSTEM_ROOTS.iter().map(PathBuf::from).find(|path| path.is_file()));
        let roots = roots.map(|path| fs::read_to_string(&path).map_err(|error| Error::io(path.display(), &error)));
        let roots = [roots.transpose()?, own_roots].into_iter().flatten().collect::<Vec<_>>().join("\n");
        let directory = Directory::create().map_err(|error| Error::io("a directory for certificates", &error))?;
        let written = fs::write(directory.file(), bundle(door.authority_pem(), Some(&roots)));
        written.map_err(|error| Error::io(directory.file().display(), &error))?;
        Ok(Self { door, directory })
    }

    /// Returns the variables with which programs use the door.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let file = self.directory.file().display().to_string();
        variables(&self.door.proxy_url(), &file, self.door.direct_host())
    }

    /// Serves programs for as long as the future is polled.
    pub(super) async fn serve(&self) -> Infallible {
        self.door.serve().await
    }
}

fn refusal(error: ForwardError) -> Error {
    if let ForwardError::Tunnel { .. } = error {
        return Error::usage(format!("--tunnel takes HOST:PORT, such as localhost:5432: {error}"));
    }
    Error::new(Exit::Unexpected, "forward_door_failed", format!("the proxy of this run cannot be opened: {error}"))
}

/// A private directory among the temporary files, which is deleted at the end. Its file holds no secret, but whoever could
/// change it could make the program trust another authority.
struct Directory(PathBuf);

impl Directory {
    fn create() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("connections-run-{}", UuidV7::new().next()));
        platform::create_private_dir(&path).map(|()| Self(path))
    }

    fn file(&self) -> PathBuf {
        self.0.join(FILE)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // If the directory cannot be deleted, it stays: it holds certificates alone.
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
