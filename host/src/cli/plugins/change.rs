//! `meterbox plugins reload|enable|disable`: putting a plugin in and out of service.

use super::{OnePlugin, named};
use crate::cli::client;
use crate::cli::exit::Failure;
use crate::cli::print;
use meterbox_config::Environment;
use serde_json::Value;

/// Asks for the change named `action` and prints what the plugin is then.
///
/// # Errors
/// The name or the configuration is refused, or the server refuses the change.
pub(super) fn change(
    action: &str,
    one: OnePlugin,
    environment: &Environment,
) -> Result<(), Failure> {
    let path = format!("/plugins/{}/{action}", named(&one.name)?);
    let settings = one.options.request(environment)?.load()?.settings;
    let body = client::manage(&settings, "POST", &path).map_err(Failure::failed)?;
    if one.json {
        print(&String::from_utf8_lossy(&body));
        return Ok(());
    }
    let plugin: Value = serde_json::from_slice(&body).map_err(Failure::failed)?;
    print(&sentence(&plugin));
    Ok(())
}

fn sentence(plugin: &Value) -> String {
    let text = |key: &str| plugin[key].as_str().unwrap_or_default().to_owned();
    let mut line = format!("{} {}", text("name"), text("version"));
    line = format!("{}: {}", line.trim_end(), text("state"));
    if let Some(generation) = plugin["generation"].as_u64() {
        line += &format!(", generation {generation}");
    }
    if let Some(error) = plugin["last_error"].as_str() {
        line += &format!("\n  last error: {error}");
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_one_sentence_and_its_error_another() {
        let mut plugin =
            json!({ "name": "drift", "version": "1.0", "state": "started", "generation": 2 });
        assert_eq!(sentence(&plugin), "drift 1.0: started, generation 2\n");
        plugin["last_error"] = "it would not start".into();
        let expect = "drift 1.0: started, generation 2\n  last error: it would not start\n";
        assert_eq!(sentence(&plugin), expect);
    }
}
