//! The memory of this process, as the system counts it.

use std::fs;

/// Prints the resident memory, and how much of it there is for each of `count` connections.
pub(crate) fn report(when: &str, count: Option<usize>) {
    let Some(kilobytes) = resident() else { return };
    let each = count.map_or(String::new(), |count| format!(", {:.1} kB for each connection", kilobytes / count as f64));
    println!("memory {when}: {:.1} MB{each}", kilobytes / 1000.0);
}

/// Returns the resident memory in kilobytes, on Linux.
fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
