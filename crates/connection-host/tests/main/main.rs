//! Runs the real binary, as a user would, against loopback servers that follow the providers' documentation.

include!("both.rs");

// These modules test words, files, terminals, browsers and tools, which are the same on either engine.
#[cfg(unix)]
mod agent_approvals;
#[cfg(unix)]
mod agent_clients;
#[cfg(unix)]
mod agent_proxies;
#[cfg(unix)]
mod agent_shell;
#[cfg(unix)]
mod approvals;
mod both_places;
mod canary;
#[cfg(unix)]
mod chromium;
#[cfg(unix)]
mod closed_pipes;
mod completion;
mod config;
#[cfg(unix)]
mod couriers;
#[cfg(unix)]
mod credentials;
mod damage;
#[cfg(unix)]
mod declared_terminal;
#[cfg(unix)]
mod door_browser;
mod embedding;
mod errors;
mod first_hour;
mod former_catalogue;
#[cfg(unix)]
mod genuine;
mod images;
mod input;
mod keys;
mod kind_extends;
mod kind_files;
#[cfg(unix)]
mod kind_questions;
mod kind_test;
#[cfg(unix)]
mod manners;
mod mcp;
mod mcp_addresses;
mod mcp_adopt;
#[cfg(unix)]
mod mcp_guide;
#[cfg(unix)]
mod mcp_inspector;
mod mcp_server;
mod mcp_tools;
mod mistakes;
mod moves_to_postgres;
mod oauth2;
#[cfg(unix)]
mod own_kind;
#[cfg(unix)]
mod page;
#[cfg(unix)]
mod pauses;
mod poolers;
mod preset_operations;
mod presets;
mod provider_answers;
mod provider_remedies;
#[cfg(unix)]
mod remote_terminal;
mod restores;
mod rules;
#[cfg(unix)]
mod sandboxes;
#[cfg(unix)]
mod screen;
mod servers;
mod shapes;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod transcripts;
mod trusted;
#[cfg(unix)]
mod typing;
mod upgrade;
mod usage;
#[cfg(unix)]
mod verify_limits;
#[cfg(unix)]
mod waits;
mod webhooks;
mod websockets;
mod words;
