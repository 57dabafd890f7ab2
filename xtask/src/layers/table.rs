//! Who may depend on whom: the one table of the architecture.
//!
//! A new edge is a commit of its own and a line here. Packages that do not
//! exist yet have their row already; an absent package is not checked.

/// What one package of the workspace may depend on, among the others.
#[derive(Debug)]
pub(crate) struct Row {
    /// The package.
    pub(crate) package: &'static str,
    /// Its normal and build dependencies.
    pub(crate) normal: &'static [&'static str],
    /// What its tests may have beyond those.
    pub(crate) dev: &'static [&'static str],
}

/// The package that depends on nothing at all.
pub(crate) const CONTRACT: &str = "connection-contract";

/// The package that runs setups by replay. It has no `std`, as plugins have none.
pub(crate) const ENGINE: &str = "connection-replay";

/// Every package but the plugins that have no row of their own.
pub(crate) const ROWS: &[Row] = &[
    Row { package: CONTRACT, normal: &[], dev: &[] },
    // The core and the testkit run setups with the same engine.
    Row { package: ENGINE, normal: &[CONTRACT], dev: &[] },
    Row { package: "connection-seal", normal: &[CONTRACT], dev: &[] },
    // Its tests send to the small server that the core's tests have, too.
    Row { package: "connection-egress", normal: &[CONTRACT], dev: &["connection-faults"] },
    Row {
        package: "connection-core",
        normal: &[CONTRACT, "connection-egress", ENGINE, "connection-seal"],
        dev: &["connection-testkit", "connection-faults"],
    },
    Row { package: "connection-oauth2", normal: &[CONTRACT], dev: &["connection-testkit"] },
    Row { package: "connection-manifest", normal: &[CONTRACT, "connection-oauth2"], dev: &["connection-testkit"] },
    Row {
        package: "connection-inbound",
        // What it shows are types of the contract.
        normal: &[CONTRACT, "connection-core"],
        // A kind from a configuration offers every way to finish at once.
        dev: &["connection-testkit", "connection-faults", "connection-oauth2"],
    },
    // Its fakes serve third parties, who have no core of ours.
    Row { package: "connection-testkit", normal: &[CONTRACT, ENGINE], dev: &[] },
    // Its provider double has a plugin.
    Row { package: "connection-faults", normal: &[CONTRACT, "connection-core"], dev: &["connection-testkit"] },
    Row {
        package: "connection-host",
        normal: &[
            CONTRACT,
            "connection-core",
            "connection-inbound",
            "connection-manifest",
            "connection-oauth2",
            "connection-plugin-agent-cli",
            "connection-plugin-filesystem",
            "connection-plugin-github",
            "connection-plugin-gmail",
            "connection-plugin-notion",
            "connection-plugin-twilio",
        ],
        dev: &["connection-testkit", "connection-faults"],
    },
    Row { package: "connection-plugin-gmail", normal: &[CONTRACT, "connection-oauth2"], dev: &["connection-testkit"] },
    Row { package: "xtask", normal: &[], dev: &[] },
];

/// A plugin without a row of its own.
pub(crate) const PLUGIN: Row =
    Row { package: "connection-plugin-*", normal: &[CONTRACT], dev: &["connection-testkit"] };

/// The row that holds for a package.
pub(crate) fn row(package: &str) -> Option<&'static Row> {
    let own = ROWS.iter().find(|row| row.package == package);
    own.or_else(|| package.starts_with("connection-plugin-").then_some(&PLUGIN))
}

/// A package from elsewhere, and who may have it as a direct dependency.
#[derive(Debug)]
pub(crate) struct Place {
    /// The package from elsewhere.
    pub(crate) dependency: &'static str,
    /// The packages of the workspace in which it has its place.
    pub(crate) packages: &'static [&'static str],
    /// What it does there.
    pub(crate) purpose: &'static str,
}

/// Where the fixed packages have their place. Tests may use any.
pub(crate) const PLACES: &[Place] = &[
    Place {
        dependency: "serde",
        packages: &["connection-manifest", "connection-core", "connection-inbound", "connection-host"],
        purpose: "rows, manifests and bodies at the edges",
    },
    Place {
        dependency: "thiserror",
        packages: &[
            "connection-egress",
            "connection-seal",
            "connection-core",
            "connection-oauth2",
            "connection-manifest",
            "connection-inbound",
            "connection-host",
        ],
        purpose: "errors; the contract writes its own",
    },
    Place {
        dependency: "tokio",
        packages: &[
            "connection-egress",
            "connection-seal",
            "connection-core",
            "connection-inbound",
            "connection-host",
            "connection-faults",
        ],
        purpose: "the runtime; never in what a plugin sees",
    },
    Place {
        dependency: "async-trait",
        // The host implements some of these ports.
        packages: &["connection-seal", "connection-core", "connection-inbound", "connection-host"],
        purpose: "host-side ports that are held as `Arc<dyn _>`",
    },
    Place {
        dependency: "futures-core",
        packages: &["connection-core", "connection-host"],
        purpose: "`Stream` in the core's public face",
    },
    Place {
        dependency: "sqlx",
        // Tests look past the store.
        packages: &["connection-core", "connection-faults"],
        purpose: "the store",
    },
    Place {
        dependency: "argon2",
        packages: &["connection-seal"],
        purpose: "a key from a passphrase; without `password-hash`, which writes and checks password records",
    },
    Place {
        dependency: "keyring-core",
        packages: &["connection-seal"],
        purpose: "the trait of a keyring's store, of which the tests have a double",
    },
    Place {
        dependency: "zbus-secret-service-keyring-store",
        packages: &["connection-seal"],
        purpose: "the keyring of Linux, without a library of the system",
    },
    Place { dependency: "apple-native-keyring-store", packages: &["connection-seal"], purpose: "the keyring of macOS" },
    Place {
        dependency: "windows-native-keyring-store",
        packages: &["connection-seal"],
        purpose: "the keyring of Windows",
    },
    Place {
        dependency: "uuid",
        packages: &["connection-seal", "connection-core"],
        purpose: "ids; the contract shows them as text",
    },
    Place { dependency: "oauth2", packages: &["connection-oauth2"], purpose: "the protocol" },
    Place { dependency: "reqwest", packages: &["connection-egress"], purpose: "the one HTTP service" },
    Place {
        dependency: "tracing",
        packages: &[
            "connection-egress",
            "connection-core",
            "connection-inbound",
            "connection-host",
            // It reads what others log.
            "connection-faults",
        ],
        purpose: "logs; plugins log through their context",
    },
    Place {
        dependency: "secrecy",
        packages: &["connection-egress", "connection-seal", "connection-core", "connection-inbound", "connection-host"],
        purpose: "host-side secrets that are no credential",
    },
];
