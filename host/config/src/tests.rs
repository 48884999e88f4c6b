//! Precedence, error texts and rules of the whole pipeline.

use super::{Address, FileText, Isolation, LogLevel, MetricsMode, Override, Settings, Sources};
use std::path::{Path, PathBuf};
use std::time::Duration;

mod models;

/// What a test says; the file is `config.properties` in `/etc/meterbox`, the process runs in `/run`.
#[derive(Default)]
struct Said<'a> {
    file: &'a str,
    options: &'a [(&'a str, &'a str, &'a str)],
    variables: &'a [(&'a str, &'a str)],
}

impl Said<'_> {
    fn read(&self) -> Result<Settings, String> {
        let overrides: Vec<Override> = self
            .options
            .iter()
            .map(|(option, key, value)| Override {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
                option: (*option).to_owned(),
            })
            .collect();
        let sources = Sources {
            file: Some(FileText {
                name: "config.properties".to_owned(),
                folder: "/etc/meterbox".into(),
                bytes: self.file.as_bytes().to_vec(),
            }),
            overrides: &overrides,
            environment: &self.variables.iter().copied().collect(),
            working_folder: Path::new("/run"),
        };
        Settings::from_sources(&sources).map_err(|errors| {
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        })
    }
}

fn of(file: &str) -> Settings {
    Said {
        file,
        ..Said::default()
    }
    .read()
    .unwrap()
}

#[track_caller]
fn check_errors(file: &str, expect: &[&str]) {
    let found = Said {
        file,
        ..Said::default()
    }
    .read()
    .expect_err("an error");
    assert_eq!(found.lines().collect::<Vec<_>>(), expect, "of {file:?}");
}

#[track_caller]
fn check_warnings(file: &str, expect: &[&str]) {
    let found: Vec<String> = of(file).warnings.iter().map(ToString::to_string).collect();
    assert_eq!(found, expect, "of {file:?}");
}

#[test]
fn defaults_are_those_of_torchserve_and_safe() {
    let settings = Settings::defaults();
    assert_eq!(
        settings.listeners.inference.to_string(),
        "http://127.0.0.1:8080"
    );
    assert_eq!(
        settings.listeners.management.to_string(),
        "http://127.0.0.1:8081"
    );
    assert_eq!(
        settings.listeners.metrics.to_string(),
        "http://127.0.0.1:8082"
    );
    assert!(settings.tokens.required);
    assert!(!settings.models.api_enabled);
    assert_eq!(settings.http.request_bytes_max, 6_553_500);
    assert_eq!(settings.models.job_queue_size, 100);
    assert_eq!(settings.models.response_timeout, Duration::from_secs(120));
    assert_eq!(settings.metrics.mode, MetricsMode::Prometheus);
    assert_eq!(
        settings.metrics.name_sets,
        ["meterbox", "torchserve", "torchserve-plugin"]
    );
    assert_eq!(settings.warnings, []);
}

#[test]
fn environment_is_over_command_line_is_over_file_is_over_default() {
    let file = "enable_envvars_config=true\njob_queue_size=1\n";
    let option: &[_] = &[("--set", "job_queue_size", "2")];
    let variable: &[_] = &[("TS_JOB_QUEUE_SIZE", "3")];
    let table = [
        ("", &[][..], &[][..], 100, "default"),
        (file, &[][..], &[][..], 1, "config.properties:2"),
        (file, option, &[][..], 2, "command line --set"),
        (file, option, variable, 3, "environment TS_JOB_QUEUE_SIZE"),
        (file, &[][..], variable, 3, "environment TS_JOB_QUEUE_SIZE"),
        (
            "job_queue_size=1\n",
            &[][..],
            variable,
            1,
            "config.properties:1",
        ),
    ];
    for (file, options, variables, expect, origin) in table {
        let settings = Said {
            file,
            options,
            variables,
        }
        .read()
        .unwrap();
        assert_eq!(
            settings.models.job_queue_size, expect,
            "{file:?} {options:?} {variables:?}"
        );
        let shown = settings
            .properties
            .iter()
            .find(|p| p.key == "job_queue_size")
            .unwrap();
        assert_eq!(shown.origin.to_string(), origin);
    }
}

#[test]
fn only_the_file_can_let_the_environment_in() {
    let variables: &[_] = &[
        ("TS_ENABLE_ENVVARS_CONFIG", "true"),
        ("TS_JOB_QUEUE_SIZE", "3"),
    ];
    let options: &[_] = &[("--set", "enable_envvars_config", "true")];
    let settings = Said {
        file: "",
        options,
        variables,
    }
    .read()
    .unwrap();
    assert_eq!(settings.models.job_queue_size, 100);
}

#[test]
fn allowed_urls_in_the_environment_need_a_second_switch() {
    let variables: &[_] = &[("TS_ALLOWED_URLS", "https://a/.*")];
    let shown = |file| {
        let settings = Said {
            file,
            variables,
            ..Said::default()
        }
        .read()
        .unwrap();
        settings
            .properties
            .iter()
            .any(|property| property.key == "allowed_urls")
    };
    assert!(!shown("enable_envvars_config=true"));
    assert!(!shown("use_env_allowed_urls=true"));
    assert!(shown(
        "enable_envvars_config=true\nuse_env_allowed_urls=true"
    ));
}

#[test]
fn some_variables_count_without_the_switch() {
    let variables: &[_] = &[
        ("TS_MODEL_SERVER_HOME", "/opt/ts"),
        ("TEMP", "/scratch"),
        ("LOG_LOCATION", "l"),
    ];
    let settings = Said {
        variables,
        ..Said::default()
    }
    .read()
    .unwrap();
    assert_eq!(settings.models.home, Some(PathBuf::from("/opt/ts")));
    assert_eq!(settings.process.temp_folder, Path::new("/scratch"));
    assert_eq!(settings.process.log_folder, Path::new("/run/l"));
}

#[test]
fn all_errors_come_at_once_each_with_its_line() {
    check_errors(
        "# queue\njob_queue_size=many\n\nheader_timeout_ms = 1\nplugins_watch=yes\n\
         metrics_mode=promethus\ndefault_response_timeout=-5\n",
        &[
            r#"config.properties:2: job_queue_size: "many" is not an integer (expected 1..=100000, default 100)"#,
            "config.properties:4: header_timeout_ms: 1 is out of range (expected 10..=3600000 ms, default 10000)",
            r#"config.properties:5: plugins_watch: "yes" is neither true nor false (expected true or false, default true)"#,
            r#"config.properties:6: metrics_mode: "promethus" is not known, did you mean prometheus? (expected prometheus, log, legacy, both, default prometheus)"#,
            "config.properties:7: default_response_timeout: -5 is out of range (expected 1..=86400 s, default 120)",
        ],
    );
}

#[test]
fn numbers_that_fit_no_integer_type_are_out_of_range() {
    check_errors(
        "job_queue_size=99999999999999999999999",
        &[
            "config.properties:1: job_queue_size: 99999999999999999999999 is out of range (expected 1..=100000, default 100)",
        ],
    );
    check_errors(
        "job_queue_size=",
        &[
            r#"config.properties:1: job_queue_size: "" is not an integer (expected 1..=100000, default 100)"#,
        ],
    );
}

#[test]
fn a_line_that_cannot_be_read_is_an_error_like_any_other() {
    check_errors(
        "model_store=C:\\users\njob_queue_size=x",
        &[
            r#"config.properties:1: this line: "\users" is not \u and four hexadecimal digits (write \\u for a backslash and a u)"#,
            r#"config.properties:2: job_queue_size: "x" is not an integer (expected 1..=100000, default 100)"#,
        ],
    );
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    check_errors(
        "inference_address=https://127.0.0.1:8443\nmetrics_address=8082\n",
        &[
            r#"config.properties:1: inference_address: "https://127.0.0.1:8443" wants TLS, which this version does not serve; put a TLS proxy in front (expected http://host:port or unix:/path, default http://127.0.0.1:8080)"#,
            r#"config.properties:2: metrics_address: "8082" does not start with http:// or unix: (expected http://host:port or unix:/path, default http://127.0.0.1:8082)"#,
        ],
    );
    check_errors(
        "inference_address=http://0.0.0.0:9000\nmetrics_address=http://127.0.0.1:9000\n",
        &[
            "config.properties:2: metrics_address: http://127.0.0.1:9000 cannot be bound together with inference_address (http://0.0.0.0:9000); use the same host or another port",
        ],
    );
}

#[test]
fn listeners_may_share_an_address_and_use_unix_sockets() {
    let settings = of(
        "inference_address=http://127.0.0.1:9\nmanagement_address=http://127.0.0.1:9\n\
                       metrics_address=unix:metrics.sock",
    );
    assert_eq!(settings.listeners.inference, settings.listeners.management);
    let socket = Address::Unix("/etc/meterbox/metrics.sock".into());
    assert_eq!(settings.listeners.metrics, socket);
}

#[test]
fn an_unknown_key_is_kept_and_gets_the_nearest_match() {
    check_warnings(
        "job_queu_size=5\nmy_plugins_key=7\nplugin.drift.que=1\n",
        &[
            "config.properties:1: job_queu_size: unknown key, did you mean job_queue_size?",
            "config.properties:2: my_plugins_key: unknown key",
            "config.properties:3: plugin.drift.que: unknown key, did you mean plugin.drift.queue?",
        ],
    );
    let settings = of("my_plugins_key=7");
    assert!(
        settings
            .properties
            .iter()
            .any(|p| p.key == "my_plugins_key" && p.text == "7")
    );
}

#[test]
fn a_repeated_key_warns_and_the_later_line_wins() {
    let file = "job_queue_size=1\njob_queue_size=2\n";
    assert_eq!(of(file).models.job_queue_size, 2);
    check_warnings(
        file,
        &["config.properties:1: job_queue_size: set again in line 2, which wins"],
    );
}

#[test]
fn an_older_name_works_and_may_not_contradict_the_present_one() {
    assert!(!of("enable_metrics_api=false").metrics.endpoints_enabled);
    assert!(
        !of("enable_metrics_api=false\nenable_metrics_endpoints=false")
            .metrics
            .endpoints_enabled
    );
    check_errors(
        "enable_metrics_endpoints=true\nenable_metrics_api=false\n",
        &[
            "config.properties:2: enable_metrics_api: config.properties:1 sets the same under the name enable_metrics_endpoints, to another value; keep one",
        ],
    );
}

#[test]
fn variables_between_double_dollars_are_replaced_in_any_value() {
    let variables: &[_] = &[("STORE", "/models"), ("N", "7")];
    let file =
        "model_store=$$STORE$$/v$$N$$\njob_queue_size=$$N$$\npython=a$$b\nservice_envelope=$$$$x\n";
    let settings = Said {
        file,
        variables,
        ..Said::default()
    }
    .read()
    .unwrap();
    assert_eq!(settings.models.store, Some(PathBuf::from("/models/v7")));
    assert_eq!(settings.models.job_queue_size, 7);
    assert_eq!(settings.models.python, "a$$b");
    assert_eq!(settings.models.service_envelope.as_deref(), Some("$$$$x"));
    check_errors(
        "model_store=$$STORE$$",
        &[
            "config.properties:1: model_store: invalid configuration: environment variable STORE is not set (set it or remove $$STORE$$)",
        ],
    );
}

#[test]
fn relative_paths_are_against_the_folder_of_whoever_said_them() {
    let options: &[_] = &[("--plugins-path", "plugins_path", "mine,/theirs:jars/*")];
    let settings = Said {
        file: "model_store=models",
        options,
        ..Said::default()
    }
    .read()
    .unwrap();
    assert_eq!(
        settings.models.store,
        Some(PathBuf::from("/etc/meterbox/models"))
    );
    let folders: Vec<&Path> = settings
        .plugins
        .folders
        .iter()
        .map(PathBuf::as_path)
        .collect();
    assert_eq!(
        folders,
        ["/run/mine", "/theirs", "/run/jars"].map(Path::new)
    );
    assert_eq!(settings.tokens.key_file, Path::new("/run/key_file.json"));
}

#[test]
fn keys_without_effect_warn_unless_they_are_off() {
    check_warnings(
        "grpc_inference_port=7070\nkeystore=a.p12\nenable_grpc_ssl=false\nvmargs=\n",
        &[
            "config.properties:1: grpc_inference_port: has no effect: this version serves no gRPC; use the REST listeners",
            "config.properties:2: keystore: has no effect: this version serves no TLS; put a TLS proxy in front",
        ],
    );
    check_warnings(
        "allowed_urls=https://.*",
        &[
            "config.properties:1: allowed_urls: has no effect: this version registers models from model_store only",
        ],
    );
}

#[test]
fn a_secret_is_never_shown() {
    let settings = of("keystore_pass=changeit");
    let shown = settings
        .properties
        .iter()
        .find(|p| p.key == "keystore_pass")
        .unwrap();
    assert_eq!(shown.text, "***");
}

#[test]
fn management_off_loopback_keeps_tokens_unless_the_file_says_otherwise() {
    let open = "management_address=http://0.0.0.0:8081\n";
    assert!(of(open).tokens.required);
    assert!(!of(open).tokens.insecure_management);

    let said_so = of(&format!("{open}disable_token_authorization=true"));
    assert!(!said_so.tokens.required);
    assert!(said_so.tokens.insecure_management);
    assert_eq!(
        said_so.warnings[0].to_string(),
        "config.properties:2: disable_token_authorization: http://0.0.0.0:8081 can be reached from \
         other machines and needs no token: anyone there can run code here (remove \
         disable_token_authorization=true, or bind 127.0.0.1)"
    );

    let options: &[_] = &[(
        "--disable-token-auth",
        "disable_token_authorization",
        "true",
    )];
    let asked = Said {
        file: open,
        options,
        ..Said::default()
    }
    .read()
    .unwrap();
    assert!(asked.tokens.required);
    assert!(
        asked.warnings[0]
            .to_string()
            .contains("is not obeyed, tokens stay on")
    );

    let local = Said {
        options,
        ..Said::default()
    }
    .read()
    .unwrap();
    assert!(!local.tokens.required && !local.tokens.insecure_management);
    assert_eq!(local.warnings, []);
}

#[test]
fn a_plugin_gets_its_own_grants() {
    let settings = of(
        "plugin_threads=2\nplugin.drift.threads=8\nplugin.drift.deadline_ms=50\n\
                       plugin.drift.permissions=metrics.read, timers\nplugin.slow.enabled=false\n\
                       plugin.drift.isolation=auto\nplugin.remote-write.max_series=0\n\
                       disable_system_metrics=true\n",
    );
    let drift = settings.plugins.grants("drift");
    assert_eq!((drift.threads, drift.queue), (8, 64));
    assert_eq!(drift.deadline, Duration::from_millis(50));
    assert_eq!(drift.scrape_deadline, Some(Duration::from_millis(50)));
    assert_eq!(
        drift.permissions,
        Some(vec!["metrics.read".to_owned(), "timers".to_owned()])
    );
    assert!(!settings.plugins.grants("slow").enabled);
    assert!(!settings.plugins.grants("system").enabled);
    assert_eq!(settings.plugins.grants("remote-write").max_series, 0);
    let other = settings.plugins.grants("other");
    assert_eq!(
        (other.threads, other.enabled, other.permissions),
        (2, true, None)
    );
}

#[test]
fn a_plugin_runs_where_its_own_key_or_the_default_says() {
    let settings = of(
        "isolation=process\nplugin.drift.isolation=thread\nplugin.slow.memory_bytes_max=134217728\n\
         plugin_crashes_max=2\nplugin_crash_window_ms=1000\n",
    );
    let plugins = settings.plugins;
    assert_eq!(plugins.grants("drift").isolation, Isolation::Thread);
    let slow = plugins.grants("slow");
    assert_eq!(
        (slow.isolation, slow.memory_bytes_max),
        (Isolation::Process, 128 << 20)
    );
    assert_eq!(plugins.grants("other").memory_bytes_max, 256 << 20);
    assert_eq!(
        (plugins.crashes_max, plugins.crash_window),
        (2, Duration::from_secs(1))
    );
    assert_eq!(of("").plugins.default_grants.isolation, Isolation::Auto);
}

#[test]
fn sizes_that_contradict_each_other_are_refused() {
    check_errors(
        "uri_bytes_max=2048\nheader_bytes_max=2048",
        &["config.properties:1: uri_bytes_max: 2048 is not less than header_bytes_max (2048)"],
    );
}

#[test]
fn log_levels_come_from_keys_and_the_environment() {
    let settings = Said {
        file: "log_level=WARN\nlog_level.plugin.drift=debug",
        variables: &[("METERBOX_LOG", "http=trace")],
        ..Said::default()
    };
    let log = settings.read().unwrap().log;
    assert_eq!(log.level, LogLevel::Warn);
    assert_eq!(log.targets, [("plugin.drift".to_owned(), LogLevel::Debug)]);
    assert_eq!(log.directives.as_deref(), Some("http=trace"));
}

#[test]
fn an_error_of_an_option_or_a_variable_names_it() {
    let options: &[_] = &[("--set", "job_queue_size", "0")];
    let variables: &[_] = &[("TS_MAX_REQUEST_SIZE", "big")];
    let error = Said {
        file: "enable_envvars_config=true",
        options,
        variables,
    }
    .read()
    .unwrap_err();
    assert_eq!(
        error,
        "command line --set: job_queue_size: 0 is out of range (expected 1..=100000, default 100)\n\
         environment TS_MAX_REQUEST_SIZE: max_request_size: \"big\" is not an integer (expected \
         1..=1099511627776 bytes, default 6553500)"
    );
}

#[test]
fn an_unknown_key_of_the_command_line_is_refused() {
    let options: &[_] = &[("--set", "job_queu_size", "1")];
    let error = Said {
        options,
        ..Said::default()
    }
    .read()
    .unwrap_err();
    let expect = "command line --set: job_queu_size: unknown key, did you mean job_queue_size?";
    assert_eq!(error, expect);
}
