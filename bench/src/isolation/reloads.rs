//! Memory of the host after many reloads of one plugin, divided by their number.

use super::{PLACES, folder, get, post};
use crate::load::exchange;
use crate::server::host;
use std::net::TcpStream;

const RELOADS: usize = 200;

pub(super) fn run() -> Result<(), String> {
    let plugins = folder::with_sized("reloads")?;
    for place in PLACES {
        let mut lines = folder::lines(&plugins, place);
        lines.push("plugins_max_generations=1000".to_owned());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let server = host(&lines)?;
        server.first_answer("metrics", &get("/sized/0"));
        let mut buffer = Vec::new();
        let address = server.address("management");
        let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        let before = server.resident_mib();
        for turn in 0..RELOADS {
            let status = exchange(&mut stream, &post("/plugins/sized/reload"), &mut buffer);
            if !matches!(status, Ok(200)) {
                let said = String::from_utf8_lossy(&buffer);
                return Err(format!("reload {turn} gave {status:?}: {said}"));
            }
        }
        server.first_answer("metrics", &get("/sized/0"));
        let after = server.resident_mib();
        println!(
            "memory of the host per reload, {RELOADS} reloads in {place}: {:.0} KiB ({before:.1} to {after:.1} MiB)",
            (after - before) * 1024.0 / RELOADS as f64
        );
    }
    Ok(())
}
