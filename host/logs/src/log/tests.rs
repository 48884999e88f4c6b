//! What is printed and how, through the real `tracing` macros.

use super::{BadDirective, Levels, Log};
use meterbox_config::{LogFormat, LogLevel, LogSettings, Settings};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn settings(directives: &str) -> LogSettings {
    LogSettings {
        directives: Some(directives.to_owned()),
        ..Settings::defaults().log
    }
}

/// What `say` prints, without the time stamps of text lines.
fn printed(settings: &LogSettings, say: impl FnOnce(&Log)) -> String {
    let page = Page::default();
    let log = Log::of(settings).0;
    let writer = page.clone();
    let layer = log.layer(move || writer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || say(&log));
    let bytes = page.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    let untimed = |line: &str| match line.split_once("Z ") {
        Some((_, rest)) => rest.to_owned() + "\n",
        None => line.to_owned() + "\n",
    };
    text.lines().map(untimed).collect()
}

#[test]
fn a_text_line_has_level_target_message_and_fields() {
    let text = printed(&settings("info"), |_| {
        tracing::info!(target: "http", port = 8080_u16, reason = "too slow", kind = "idle", "closed");
        tracing::debug!(target: "http", "not printed");
    });
    assert_eq!(
        text,
        "INFO  http: closed port=8080 reason=\"too slow\" kind=idle\n"
    );
}

#[test]
fn the_target_of_code_is_its_module_with_dots() {
    let text = printed(&settings("info"), |_| tracing::warn!("here"));
    assert_eq!(text, "WARN  logs.log.tests: here\n");
}

#[test]
fn text_from_outside_cannot_start_a_line_or_steer_a_terminal() {
    let text = printed(&settings("info"), |_| {
        tracing::info!(target: "t", path = "/a\nINFO \"x\"\\", "m\r\n\u{1b}[31m\u{7f}\u{85}\u{202e}");
    });
    assert_eq!(
        text,
        "INFO  t: m\\r\\n\\u{1b}[31m\\u{7f}\\u{85}\\u{202e} path=\"/a\\nINFO \\\"x\\\"\\\\\"\n"
    );
}

#[test]
fn a_long_field_is_cut_and_says_how_much_is_missing() {
    let long = "ä".repeat(5_000);
    let text = printed(&settings("info"), |_| tracing::info!(target: "t", "{long}"));
    assert!(
        text.ends_with("ä... (1808 bytes more)\n"),
        "{}",
        &text[text.len() - 40..]
    );
    assert!(text.len() < 8_300);
}

#[test]
fn a_json_line_is_one_object_with_typed_fields() {
    let json = LogSettings {
        format: LogFormat::Json,
        ..settings("info")
    };
    let text = printed(&json, |_| {
        tracing::info!(target: "t", count = 3_u64, ok = true, share = f64::NAN, level = "x", "a\nb");
    });
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let time = value["time"].take();
    assert!(time.as_str().unwrap().ends_with('Z'));
    let expect = r#"{"time":null,"level":"info","target":"t","message":"a\nb","count":3,"ok":true,"share":"NaN"}"#;
    assert_eq!(value.to_string(), expect);
}

#[test]
fn a_plugin_has_its_own_target_and_its_own_level() {
    let text = printed(&settings("warn,plugin.drift=debug"), |log| {
        tracing::debug!(target: "plugin", plugin = "drift", "from drift");
        tracing::info!(target: "plugin", plugin = "other", "not printed");
        tracing::error!(target: "plugin", plugin = "other", "from other");
        tracing::error!(target: "plugins.catalog", plugin = "other", "about other");
        assert!(log.allows("plugin.drift", Level::DEBUG));
        assert!(!log.allows("plugin.drifter", Level::INFO));
    });
    assert_eq!(
        text,
        "DEBUG plugin.drift: from drift\nERROR plugin.other: from other\n\
         ERROR plugins.catalog: about other plugin=other\n"
    );
}

#[test]
fn the_longest_target_decides() {
    let (levels, bad) = Levels::of(&settings("error, http = debug , http.conn=off"));
    assert_eq!(bad, []);
    assert_eq!(levels.of_target("models"), LogLevel::Error);
    assert_eq!(levels.of_target("http"), LogLevel::Debug);
    assert_eq!(levels.of_target("http.router"), LogLevel::Debug);
    assert_eq!(levels.of_target("http.conn"), LogLevel::Off);
    assert_eq!(levels.of_target("https"), LogLevel::Error);
}

#[test]
fn a_directive_that_cannot_be_read_is_named_and_the_others_count() {
    let (levels, bad) = Levels::of(&settings("loud,http=debug,=info"));
    let directive = |text: &str| BadDirective {
        directive: text.to_owned(),
    };
    assert_eq!(bad, [directive("loud"), directive("=info")]);
    assert_eq!(
        bad[0].to_string(),
        "environment METERBOX_LOG: \"loud\" is neither a level nor target=level (levels are off, \
         error, warn, info, debug, trace)"
    );
    assert_eq!(levels.of_target("http"), LogLevel::Debug);
}

#[test]
fn the_access_log_is_a_target_that_its_key_switches_off() {
    let quiet = LogSettings {
        access: false,
        ..Settings::defaults().log
    };
    let text = printed(&quiet, |_| tracing::info!(target: "access", "GET /ping"));
    assert_eq!(text, "");
}

#[test]
fn new_levels_apply_to_call_sites_that_were_off() {
    let say = || tracing::debug!(target: "t", "now");
    let text = printed(&settings("info"), |log| {
        say();
        log.apply(&settings("debug"));
        say();
    });
    assert_eq!(text, "DEBUG t: now\n");
}
