// The modules whose tests run on SQLite, and with `CONNECTIONS_TEST_ENGINE=postgres` on PostgreSQL. `cargo xtask test`
// reads this list.

mod access_tokens;
#[cfg(unix)]
mod agent_runs;
mod agents;
mod applications;
#[cfg(unix)]
mod approval_kills;
mod bounds;
mod catalogue;
mod changed_kinds;
#[cfg(unix)]
mod copies;
mod declared;
mod door_places;
#[cfg(unix)]
mod doors;
#[cfg(unix)]
mod exec;
mod extensions;
mod finish;
#[cfg(unix)]
mod freezes;
mod hand_off;
mod hooking;
mod imports;
mod json_shapes;
#[cfg(unix)]
mod kill;
mod life;
mod many;
#[cfg(unix)]
mod mcp_door;
mod order;
mod own;
mod preferences;
#[cfg(unix)]
mod private;
#[cfg(unix)]
mod profiles;
mod program;
mod provider;
mod real;
mod record;
mod refresh;
mod refused_send;
mod repair;
mod restore_marks;
#[cfg(unix)]
mod rotating;
#[cfg(unix)]
mod running;
mod schemas;
#[cfg(unix)]
mod serve;
mod setups;
mod start_address;
#[cfg(unix)]
mod stop_drill;
#[cfg(unix)]
mod stops;
mod tags;
#[cfg(unix)]
mod tokens;
mod tool_keys;
#[cfg(unix)]
mod tooled;
#[cfg(unix)]
mod usages;
mod uses;
#[cfg(unix)]
mod visit;
mod writables;
