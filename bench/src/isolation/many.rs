//! The time to load a hundred plugins: from the start of the host to its first page.

use super::{PLACES, folder, get, renamed};
use crate::server::host;

const PLUGINS: usize = 100;

pub(super) fn run() -> Result<(), String> {
    let library = std::fs::read(folder::sized()?).map_err(|error| error.to_string())?;
    let none = folder::fresh("none")?;
    let plugins = folder::fresh("many")?;
    for number in 0..PLUGINS {
        let name = format!("si{number:03}");
        let renamed = renamed(&library, folder::SIZED_NAME, &name);
        let file = plugins.join(format!("{name}.so"));
        std::fs::write(file, renamed).map_err(|error| error.to_string())?;
    }
    for place in PLACES {
        let mut took = [0.0; 2];
        for (at, folder) in [&none, &plugins].into_iter().enumerate() {
            let mut lines = folder::lines(folder, place);
            lines.push("series_max=2000000".to_owned());
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let server = host(&lines)?;
            took[at] = server
                .first_answer("metrics", &get("/metrics"))
                .as_secs_f64();
            if at == 1 {
                server.first_answer("metrics", &get("/si099/0"));
                println!(
                    "{PLUGINS} plugins in {place}: {:.0} ms to the first page, {:.1} ms each, host {:.0} MiB",
                    took[1] * 1e3,
                    (took[1] - took[0]) * 1e3 / PLUGINS as f64,
                    server.resident_mib()
                );
            }
        }
    }
    Ok(())
}
