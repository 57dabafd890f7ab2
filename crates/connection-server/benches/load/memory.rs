//! The memory of this process, as the system counts it.

use std::fs;

/// Prints the resident memory, and how much of it there is for each of `count` connections.
pub(crate) fn report(when: &str, count: Option<usize>) {
    let Some(kilobytes) = resident() else { return };
    let each = count.map_or(String::new(), |count| format!(", {:.1} kB for each connection", kilobytes / count as f64));
    println!("memory {when}: {:.1} MB{each}", kilobytes / 1000.0);
}

/// Runs `work`, and prints by how much the resident memory grew at most meanwhile, with the goal in MiB.
pub(crate) async fn growth(what: &str, goal: f64, work: impl AsyncFnOnce()) {
    // This resets the maximum (proc_pid_clear_refs(5)).
    let resets = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = resident();
    work().await;
    if let (Some(before), Some(most), true) = (before, of_status("VmHWM:"), resets) {
        println!("memory {what}: {:.1} MiB more at most (goal: {goal} MiB)", (most - before) / 1024.0);
    }
}

/// Returns the resident memory in kilobytes, on Linux.
fn resident() -> Option<f64> {
    of_status("VmRSS:")
}

fn of_status(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
