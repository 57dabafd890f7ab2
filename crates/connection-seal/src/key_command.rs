//! The key source `command`: a program that prints the key, or a pair of programs that wrap and unwrap a key.
//!
//! A program is run without a shell. Its environment holds only the variables that the host gives, and its standard
//! error is discarded unless the host shows it. After ten seconds, it is killed with its process group.

use std::{
    ffi::{OsStr, OsString},
    fmt, io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretBox, zeroize::Zeroizing};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
};

use super::{KeyContext, KeyError, KeySource, KeyWrapper, key_text::key_of_output};
use crate::platform;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum number of bytes that a command may print.
pub(super) const MAX_OUTPUT: usize = 4096;

/// A key that a command prints, or that it uses to wrap other keys.
#[derive(Clone)]
pub struct KeyCommand {
    mode: Mode,
    environment: Vec<(OsString, OsString)>,
    shows_errors: bool,
    timeout: Duration,
}

/// A program and its arguments. Its debug output shows only the program.
#[derive(Clone)]
struct Argv(Vec<String>);

#[derive(Clone, Debug)]
enum Mode {
    Prints(Argv),
    Wraps { wrap: Argv, unwrap: Argv },
}

impl fmt::Debug for KeyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values are left out, because one of them may be a token.
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("KeyCommand").field("mode", &self.mode).field("environment", &names).finish_non_exhaustive()
    }
}

impl KeyCommand {
    /// Uses a command that prints 32 bytes: as they are, in base64 or in hexadecimal.
    pub fn prints<A: Into<String>>(command: impl IntoIterator<Item = A>) -> Self {
        Self::of(Mode::Prints(Argv::of(command)))
    }

    /// Uses a pair of commands that wrap and unwrap a key.
    ///
    /// `wrap` gets 32 bytes on standard input and prints the bytes that are stored in their place. `unwrap` gets the
    /// stored bytes and prints the 32 bytes, as [`prints`](Self::prints) does. Both find `CONNECTIONS_APP` and
    /// `CONNECTIONS_STORE_ID` in their environment, as context to bind the wrapped key to.
    pub fn wraps<A: Into<String>, B: Into<String>>(
        wrap: impl IntoIterator<Item = A>,
        unwrap: impl IntoIterator<Item = B>,
    ) -> Self {
        Self::of(Mode::Wraps { wrap: Argv::of(wrap), unwrap: Argv::of(unwrap) })
    }

    /// Adds a variable to the environment of the command, which inherits nothing from this process.
    ///
    /// Without `PATH`, programs are searched for in the usual directories of the system.
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Lets the command write to the standard error of this process, for a person at its terminal. By default, what the
    /// command writes there is discarded.
    #[must_use]
    pub fn shows_errors(mut self) -> Self {
        self.shows_errors = true;
        self
    }

    /// Sets how long a command may run; ten seconds by default and at most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(TIMEOUT);
        self
    }

    fn of(mode: Mode) -> Self {
        Self { mode, environment: Vec::new(), shows_errors: false, timeout: TIMEOUT }
    }

    fn failed(&self, detail: impl Into<String>) -> KeyError {
        KeyError::Command { source_name: self.name(), detail: detail.into() }
    }

    /// Runs a command and returns what it prints.
    async fn run(
        &self,
        argv: &Argv,
        input: &[u8],
        context: Option<&KeyContext>,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut child = self.start(argv, context)?;
        let ran = tokio::time::timeout(self.timeout, converse(&mut child, input)).await;
        let failed = match ran {
            Ok(Ok((output, status))) if status.success() => return Ok(output),
            Ok(Ok((_, status))) => ended(status),
            Ok(Err(Broken::Flood)) => format!("printed more than {MAX_OUTPUT} bytes"),
            Ok(Err(Broken::Io(error))) => format!("wrote output that cannot be read: {error}"),
            Err(_) => format!("did not end within {} seconds", self.timeout.as_secs_f32()),
        };
        platform::kill_group(child.id());
        // A killed process has to be waited for, or it stays as a zombie.
        child.kill().await.unwrap_or_default();
        let discarded = if self.shows_errors { "" } else { "; what it wrote to standard error was discarded" };
        Err(self.failed(format!("{failed}{discarded}")))
    }

    fn start(&self, argv: &Argv, context: Option<&KeyContext>) -> Result<Child, KeyError> {
        let (program, arguments) = argv.0.split_first().ok_or_else(|| self.failed("is empty"))?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(context) = context {
            command.env("CONNECTIONS_APP", context.app).env("CONNECTIONS_STORE_ID", &context.store_id);
        }
        let errors = if self.shows_errors { Stdio::inherit() } else { Stdio::null() };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command.spawn().map_err(|error| self.failed(format!("cannot be started: {error}")))
    }
}

#[async_trait]
impl KeySource for KeyCommand {
    fn name(&self) -> String {
        let (Mode::Prints(argv) | Mode::Wraps { unwrap: argv, .. }) = &self.mode;
        format!("command {}", argv.program())
    }

    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        let Mode::Prints(argv) = &self.mode else { return Ok(None) };
        let output = self.run(argv, &[], None).await?;
        let key = key_of_output(&output);
        key.map(Some).ok_or_else(|| KeyError::Malformed { source_name: self.name() })
    }

    fn wrapper(&self) -> Option<&dyn KeyWrapper> {
        matches!(self.mode, Mode::Wraps { .. }).then_some(self)
    }
}

#[async_trait]
impl KeyWrapper for KeyCommand {
    async fn wrap(&self, key: &SecretBox<[u8; 32]>, context: &KeyContext) -> Result<Vec<u8>, KeyError> {
        let Mode::Wraps { wrap, .. } = &self.mode else {
            return Err(KeyError::NotSupported { source_name: self.name() });
        };
        let mut output = self.run(wrap, key.expose_secret(), Some(context)).await?;
        if output.is_empty() {
            return Err(self.failed("printed nothing"));
        }
        Ok(std::mem::take(&mut *output))
    }

    async fn unwrap(&self, wrapped: &[u8], context: &KeyContext) -> Result<SecretBox<[u8; 32]>, KeyError> {
        let Mode::Wraps { unwrap, .. } = &self.mode else {
            return Err(KeyError::NotSupported { source_name: self.name() });
        };
        let output = self.run(unwrap, wrapped, Some(context)).await?;
        key_of_output(&output).ok_or_else(|| KeyError::Malformed { source_name: self.name() })
    }
}

impl Argv {
    fn of<A: Into<String>>(command: impl IntoIterator<Item = A>) -> Self {
        Self(command.into_iter().map(Into::into).collect())
    }

    /// The program without its arguments, which may hold secrets.
    fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

impl fmt::Debug for Argv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

enum Broken {
    Flood,
    Io(io::Error),
}

/// Writes the input, reads the output and waits for the exit.
///
/// All three happen at once, since a program may print before it has read.
async fn converse(child: &mut Child, input: &[u8]) -> Result<(Zeroizing<Vec<u8>>, ExitStatus), Broken> {
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let say = async {
        if let Some(mut stdin) = stdin {
            // A program may print the right output without reading its input, so this error is ignored.
            stdin.write_all(input).await.unwrap_or_default();
        }
    };
    let hear = async {
        // The buffer gets its full size at once, because growing would leave copies in memory.
        let mut heard = Zeroizing::new(vec![0; MAX_OUTPUT + 1]);
        let mut length = 0;
        if let Some(mut stdout) = stdout {
            while let Some(rest) = heard.get_mut(length..).filter(|rest| !rest.is_empty()) {
                match stdout.read(rest).await.map_err(Broken::Io)? {
                    0 => break,
                    more => length += more,
                }
            }
        }
        heard.truncate(length);
        if length > MAX_OUTPUT { Err(Broken::Flood) } else { Ok(heard) }
    };
    let ((), heard) = tokio::join!(say, hear);
    Ok((heard?, child.wait().await.map_err(Broken::Io)?))
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "was killed".to_owned(),
    }
}
