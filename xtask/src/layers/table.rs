//! The table of the architecture: the dependencies that each package may have.
//!
//! A new edge is added here in its own commit. A row may exist before its package does, because absent packages are
//! not checked.

/// The dependencies that a package may have on other packages of the workspace.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) package: &'static str,
    /// The allowed normal and build dependencies.
    pub(crate) normal: &'static [&'static str],
    /// The dependencies that its tests may have in addition.
    pub(crate) dev: &'static [&'static str],
}

/// The package that has no dependencies.
pub(crate) const CONTRACT: &str = "connection-contract";

/// The package that runs setups by replay. Like a plugin, it is built without `std`.
pub(crate) const ENGINE: &str = "connection-replay";

/// The rows of all packages, except for plugins that have no row of their own.
pub(crate) const ROWS: &[Row] = &[
    Row { package: CONTRACT, normal: &[], dev: &[] },
    // The core and the testkit run setups with the same engine.
    Row { package: ENGINE, normal: &[CONTRACT], dev: &[] },
    Row { package: "connection-seal", normal: &[CONTRACT], dev: &[] },
    // Its tests use the small HTTP server that the core's tests also use.
    Row { package: "connection-egress", normal: &[CONTRACT], dev: &["connection-faults"] },
    Row {
        package: "connection-core",
        normal: &[CONTRACT, "connection-egress", ENGINE, "connection-rules", "connection-seal"],
        dev: &["connection-testkit", "connection-faults"],
    },
    Row {
        package: "connection-agent",
        // Its copies are files that only their owner may read, and its poller waits on the clock of the core.
        normal: &[CONTRACT, "connection-core", "connection-egress", "connection-seal"],
        dev: &["connection-faults"],
    },
    Row { package: "connection-oauth2", normal: &[CONTRACT], dev: &["connection-testkit"] },
    Row {
        package: "connection-manifest",
        // Files state presets of rules.
        normal: &[CONTRACT, "connection-oauth2", "connection-rules"],
        dev: &["connection-testkit"],
    },
    // Its certificates end by the clock, and its tunnels lead to public addresses.
    Row { package: "connection-forward", normal: &[CONTRACT, "connection-egress"], dev: &[] },
    // It sends nothing and knows no connection.
    Row { package: "connection-mcp", normal: &[], dev: &[] },
    // Messages of an agent are decided by its rules.
    Row {
        package: "connection-rmcp",
        normal: &[CONTRACT, "connection-core", "connection-rules"],
        dev: &["connection-manifest"],
    },
    // It decides about requests, and knows neither a connection nor a store. The presets of a kind are in its descriptor.
    Row { package: "connection-rules", normal: &[CONTRACT], dev: &[] },
    // The shapes are those of the server, of its clients and of the command.
    Row { package: "connection-api", normal: &[CONTRACT], dev: &[] },
    Row {
        package: "connection-inbound",
        // Its API exposes types of the contract, and it reads its certificate as the client reads those of servers.
        normal: &[CONTRACT, "connection-core", "connection-egress"],
        // Its tests use a kind made from a configuration, which offers every way to finish a setup at once.
        dev: &["connection-testkit", "connection-faults", "connection-oauth2"],
    },
    Row {
        package: "connection-server",
        // It shows and checks the addresses at which the inbound side receives requests, reads the manifests of
        // extensions and the rules of grants to agents, and shows the usage of accounts.
        normal: &[
            CONTRACT,
            "connection-agent",
            "connection-api",
            "connection-core",
            "connection-inbound",
            "connection-manifest",
            "connection-rules",
        ],
        // The floor of its benchmark of doors passes requests through with the client of the core.
        dev: &["connection-egress", "connection-faults"],
    },
    // It is for machines without a database, judges certificates as those of providers, and its tests use a real server.
    Row {
        package: "connection-client",
        normal: &[CONTRACT, "connection-api", "connection-egress"],
        dev: &["connection-core", "connection-faults", "connection-inbound", "connection-server"],
    },
    // Its fakes are for third parties, who do not have the core.
    Row { package: "connection-testkit", normal: &[CONTRACT, ENGINE], dev: &[] },
    // It contains a plugin for its provider double.
    Row { package: "connection-faults", normal: &[CONTRACT, "connection-core"], dev: &["connection-testkit"] },
    Row {
        package: "connection-host",
        normal: &[
            CONTRACT,
            "connection-agent",
            "connection-api",
            // `--host` names a server.
            "connection-client",
            "connection-core",
            "connection-forward",
            "connection-inbound",
            "connection-manifest",
            "connection-mcp",
            "connection-oauth2",
            "connection-plugin-agent-cli",
            "connection-plugin-filesystem",
            "connection-plugin-github",
            "connection-plugin-gmail",
            "connection-plugin-mcp",
            "connection-plugin-notion",
            "connection-plugin-twilio",
            // The commands `rules`.
            "connection-rules",
            // It serves the API, and its conversions are those of the commands.
            "connection-server",
            // `kinds test` runs its suite over a file.
            "connection-testkit",
        ],
        dev: &["connection-faults"],
    },
    Row { package: "connection-plugin-gmail", normal: &[CONTRACT, "connection-oauth2"], dev: &["connection-testkit"] },
    Row { package: "connection-plugin-mcp", normal: &[CONTRACT, "connection-oauth2"], dev: &["connection-testkit"] },
    // The hosts of third parties, with kinds that are no members of the workspace.
    Row { package: "acme-host", normal: &["connection-host"], dev: &[] },
    Row { package: "curious-host", normal: &["connection-host"], dev: &[] },
    Row { package: "xtask", normal: &[], dev: &[] },
];

/// The row for plugins that have no row of their own.
pub(crate) const PLUGIN: Row =
    Row { package: "connection-plugin-*", normal: &[CONTRACT], dev: &["connection-testkit"] };

/// Returns the row for a package.
pub(crate) fn row(package: &str) -> Option<&'static Row> {
    let own = ROWS.iter().find(|row| row.package == package);
    own.or_else(|| package.starts_with("connection-plugin-").then_some(&PLUGIN))
}

/// An external package, with the packages that may depend on it directly.
#[derive(Debug)]
pub(crate) struct ExternalPackage {
    /// The name of the external package.
    pub(crate) dependency: &'static str,
    /// The packages of the workspace that may depend on it.
    pub(crate) packages: &'static [&'static str],
    /// The purpose of the dependency, which a finding names.
    pub(crate) purpose: &'static str,
}

/// The external packages that are restricted to some packages of the workspace. Tests may depend on any of them.
pub(crate) const EXTERNAL_PACKAGES: &[ExternalPackage] = &[
    ExternalPackage {
        dependency: "serde",
        packages: &[
            "connection-api",
            "connection-mcp",
            "connection-rules",
            "connection-manifest",
            "connection-core",
            "connection-server",
            "connection-client",
            "connection-host",
        ],
        purpose: "rows, manifests and bodies at the edges",
    },
    ExternalPackage {
        dependency: "thiserror",
        packages: &[
            "connection-egress",
            "connection-seal",
            "connection-core",
            "connection-agent",
            "connection-oauth2",
            "connection-manifest",
            "connection-mcp",
            "connection-forward",
            "connection-rules",
            "connection-inbound",
            "connection-client",
            "connection-host",
        ],
        purpose: "errors; the contract writes its own",
    },
    ExternalPackage {
        dependency: "tokio",
        packages: &[
            "connection-egress",
            "connection-seal",
            "connection-core",
            "connection-agent",
            "connection-inbound",
            "connection-forward",
            "connection-mcp",
            "connection-server",
            "connection-host",
            "connection-faults",
        ],
        purpose: "the runtime; never in what a plugin sees",
    },
    ExternalPackage {
        dependency: "async-trait",
        // The host implements some of these ports.
        packages: &[
            "connection-seal",
            "connection-core",
            "connection-inbound",
            "connection-rmcp",
            "connection-server",
            "connection-host",
        ],
        purpose: "host-side ports that are held as `Arc<dyn _>`",
    },
    ExternalPackage {
        dependency: "futures-core",
        packages: &["connection-core", "connection-rmcp", "connection-server", "connection-host"],
        purpose: "`Stream` in the core's public face",
    },
    ExternalPackage {
        dependency: "sqlx",
        // Tests read the database without the store.
        packages: &["connection-core", "connection-faults"],
        purpose: "the store",
    },
    ExternalPackage {
        dependency: "argon2",
        packages: &["connection-seal"],
        purpose: "a key from a passphrase; without `password-hash`, which writes and checks password records",
    },
    ExternalPackage {
        dependency: "keyring-core",
        packages: &["connection-seal"],
        purpose: "the trait of a keyring's store, of which the tests have a double",
    },
    ExternalPackage {
        dependency: "zbus-secret-service-keyring-store",
        packages: &["connection-seal"],
        purpose: "the keyring of Linux, without a library of the system",
    },
    ExternalPackage {
        dependency: "apple-native-keyring-store",
        packages: &["connection-seal"],
        purpose: "the keyring of macOS",
    },
    ExternalPackage {
        dependency: "windows-native-keyring-store",
        packages: &["connection-seal"],
        purpose: "the keyring of Windows",
    },
    ExternalPackage {
        dependency: "uuid",
        packages: &["connection-seal", "connection-core"],
        purpose: "ids; the contract shows them as text",
    },
    ExternalPackage {
        dependency: "hmac",
        packages: &["connection-testkit"],
        purpose: "the cryptography of the fake host",
    },
    ExternalPackage {
        dependency: "sha1",
        packages: &["connection-testkit"],
        purpose: "the cryptography of the fake host",
    },
    ExternalPackage {
        dependency: "sha2",
        packages: &["connection-testkit", "xtask"],
        purpose: "the cryptography of the fake host, and the digests of a release",
    },
    ExternalPackage {
        dependency: "apollo-parser",
        packages: &["connection-rules"],
        purpose: "the operations of a GraphQL document",
    },
    ExternalPackage { dependency: "oauth2", packages: &["connection-oauth2"], purpose: "the protocol" },
    ExternalPackage {
        dependency: "reqwest",
        packages: &["connection-egress", "connection-client", "connection-forward"],
        purpose: "the one HTTP service for providers, and requests to a server of ours",
    },
    ExternalPackage {
        dependency: "tracing",
        packages: &[
            "connection-egress",
            "connection-core",
            "connection-agent",
            "connection-inbound",
            "connection-forward",
            "connection-server",
            "connection-host",
            // It captures what other crates log.
            "connection-faults",
        ],
        purpose: "logs; plugins log through their context",
    },
    ExternalPackage {
        dependency: "secrecy",
        packages: &[
            "connection-egress",
            "connection-seal",
            "connection-api",
            "connection-core",
            "connection-inbound",
            "connection-forward",
            "connection-server",
            "connection-client",
            "connection-host",
        ],
        purpose: "host-side secrets that are no credential",
    },
];
