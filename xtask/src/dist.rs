//! `dist` and `serve`: the release as a folder that works wherever it is copied.
//!
//! Layout: `meterbox`, the link `torchserve`, `plugins/` (the bundled plugins with their lock file),
//! `examples/` (libraries to drop into `plugins/`), `models/*.mar`, `python/`, `sdk/`, `config.properties`.

use crate::files::{copy_folder, replace};
use crate::run::{Outcome, cargo, command, output, root, run, target};
use crate::sdk;
use std::fs;
use std::path::{Path, PathBuf};

/// Plugins that are shipped loaded; every other folder of `plugins/` is an example to drop in.
const BUNDLED: &[&str] = &["prometheus", "system"];

/// Builds the release into `target/dist`.
pub(crate) fn dist(_arguments: &[String]) -> Outcome {
    let folder = build(&target().join("dist"))?;
    eprintln!("dist: {}", folder.display());
    Ok(())
}

/// Writes the SDK of the release alone.
pub(crate) fn sdk(_arguments: &[String]) -> Outcome {
    let folder = target().join("dist/sdk");
    sdk::install(&folder)?;
    eprintln!("sdk: {}", folder.display());
    Ok(())
}

/// Builds the release, then becomes `meterbox serve` inside it.
pub(crate) fn serve(arguments: &[String]) -> Outcome {
    use std::os::unix::process::CommandExt as _;
    let folder = build(&target().join("dist"))?;
    let mut host = command(folder.join("meterbox"));
    host.current_dir(&folder)
        .args(["serve", "--config", "config.properties"])
        .args(arguments);
    eprintln!(
        "+ cd {} && ./meterbox serve --config config.properties",
        folder.display()
    );
    // Becoming the host, rather than being its parent, hands it every signal of the terminal.
    Err(format!("the host does not start: {}", host.exec()))
}

fn build(dist: &Path) -> Result<PathBuf, String> {
    let plugins = plugin_names()?;
    let mut build = cargo();
    build.args(["build", "--release", "--package", "meterbox"]);
    for plugin in &plugins {
        build.args(["--package", &format!("meterbox-plugin-{plugin}")]);
    }
    run(&mut build)?;
    lay_out(dist, &plugins).map_err(|error| format!("{}: {error}", dist.display()))?;
    archives(&dist.join("models"))?;
    sdk::install(&dist.join("sdk"))?;
    Ok(dist.to_path_buf())
}

/// The plugins of the repository, by the names of their folders.
pub(crate) fn plugin_names() -> Result<Vec<String>, String> {
    let folder = root().join("plugins");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    Ok(names)
}

fn lay_out(dist: &Path, plugins: &[String]) -> std::io::Result<()> {
    let release = target().join("release");
    for folder in ["plugins", "examples", "models", "python"] {
        fs::create_dir_all(dist.join(folder))?;
    }
    replace(&release.join("meterbox"), &dist.join("meterbox"))?;
    let link = dist.join("torchserve");
    if link.symlink_metadata().is_err() {
        std::os::unix::fs::symlink("meterbox", &link)?;
    }
    let mut bundled = Vec::new();
    for plugin in plugins {
        let library = release.join(format!(
            "libmeterbox_plugin_{}.so",
            plugin.replace('-', "_")
        ));
        let is_bundled = BUNDLED.contains(&plugin.as_str());
        let to = dist
            .join(if is_bundled { "plugins" } else { "examples" })
            .join(format!("{plugin}.so"));
        replace(&library, &to)?;
        if is_bundled {
            bundled.push(to);
        }
    }
    lock(&dist.join("plugins/bundled.lock"), &bundled)?;
    replace(
        &root().join("config.properties"),
        &dist.join("config.properties"),
    )?;
    copy_folder(&root().join("python"), &dist.join("python"))
}

/// Pins the bundled libraries: lines of `sha256  file name`, as `sha256sum` prints them.
fn lock(file: &Path, libraries: &[PathBuf]) -> std::io::Result<()> {
    let mut lines = String::new();
    for library in libraries {
        let printed = output(command("sha256sum").arg(library)).map_err(std::io::Error::other)?;
        let digest = printed.split_whitespace().next().unwrap_or_default();
        let name = library.file_name().unwrap_or_default().to_string_lossy();
        lines.push_str(&format!("{digest}  {name}\n"));
    }
    fs::write(file, lines)
}

/// Packs the example models of the repository into `store`.
pub(crate) fn archives(store: &Path) -> Outcome {
    run(command("python3")
        .arg(root().join("python/archiver.py"))
        .arg("--all")
        .arg(root().join("python/examples"))
        .arg("--store")
        .arg(store))
}
