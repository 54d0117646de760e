//! Snapshots to ask about.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Those in `EBB_SNAPSHOTS`, or of a replay of three events for each of `EBB_CUSTOMERS` (2 000)
/// customers, which is made below `folder`.
pub(crate) fn given_or_made(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    if let Some(given) = std::env::var_os("EBB_SNAPSHOTS") {
        return Ok(PathBuf::from(given));
    }
    let customers = std::env::var("EBB_CUSTOMERS").ok().and_then(|n| n.parse::<u64>().ok());
    let customers = customers.unwrap_or(2_000);
    let (root, events) = (folder.join("snapshots"), folder.join("events.jsonl"));
    let (n, n_events) = (customers.to_string(), (3 * customers).to_string());
    ebb(&["generate", "--customers", &n, "--events", &n_events, "--out"], &[&events])?;
    let alerts = folder.join("alerts.jsonl");
    ebb(&["replay", "--alerts"], &[&alerts, Path::new("--snapshots"), &root, &events])?;
    Ok(root)
}

fn ebb(arguments: &[&str], paths: &[&Path]) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebb"));
    command.args(arguments).args(paths).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("ebb {arguments:?}: {status}").into()) }
}
