//! Programs that nobody here wrote, fetched once into a cache outside the checkout.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The file that tells that a folder is whole.
const WHOLE: &str = "whole";

/// A Python environment called after `name` with `packages`, in which `check` runs: its folder.
pub(crate) fn python(name: &str, packages: &[&str], check: &str) -> Result<PathBuf, String> {
    cached(&format!("{name}-{}", packages.join("-")), |folder| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let python = folder.join("bin/python");
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(&python).args(install).args(packages))?;
        run(Command::new(&python).args(["-c", check])).map(drop)
    })
}

/// The folder of the jars that the file `pom` of the project names, called after `name`.
pub(crate) fn jars(name: &str, pom: &str) -> Result<PathBuf, String> {
    run(Command::new("java").arg("-version"))?;
    let goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
    cached(name, |folder| {
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "-f"]).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(pom));
        maven.args([goal, "-DincludeScope=runtime"]);
        run(maven.arg(format!("-DoutputDirectory={}", folder.display()))).map(drop)
    })
}

/// What npm installs for `package`: the folder that holds `node_modules`.
pub(crate) fn npm(package: &str) -> Result<PathBuf, String> {
    cached(package, |folder| {
        let install = ["install", "--silent", "--no-fund", "--no-audit", package, "--prefix"];
        run(Command::new("npm").args(install).arg(folder)).map(drop)
    })
}

/// The folder `name` of the cache, made by `fill` if it is not there whole yet.
fn cached(name: &str, fill: impl Fn(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    // Two tests that need the same must not fill one folder at once.
    static FILLING: Mutex<()> = Mutex::new(());
    let _one_by_one = FILLING.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => Path::new(&home).join(".cache"),
        (None, None) => env::temp_dir(),
    };
    let folder = cache.join("ebb").join(name);
    let whole = folder.join(WHOLE);
    if !whole.exists() {
        let _half = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        fill(&folder)?;
        fs::write(&whole, "").map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

/// Runs `command` to its end and gives what it printed, or says why it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name} cannot be run: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        let said = [text(&output.stdout), text(&output.stderr)].join(" ");
        Err(format!("{name} failed with {}: {}", output.status, said.trim()))
    }
}
