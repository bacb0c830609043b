//! What this process has used, where the system tells.

use std::fs;

/// Seconds that cores have worked for the process: on a shared machine they say more than the clock. Linux counts in
/// hundredths.
pub(crate) fn core_seconds() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/stat").ok()?;
    // The name stands in parentheses and may hold spaces; user and system time are the 12th and 13th field after it.
    let mut fields = status.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}

/// The most memory the process has held.
pub(crate) fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
