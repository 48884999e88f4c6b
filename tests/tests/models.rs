//! The model API and predictions, exchange by exchange, in the words of TorchServe 0.12.
//!
//! Statuses, reason phrases and bodies are what that server answers to the same requests. Where
//! Meterbox differs on purpose, the row says so: model URLs beyond the store are refused until they
//! are allowed, and 405 carries Allow.

use meterbox_tests::http::{self, Answer};
use meterbox_tests::{Host, eventually};
use std::net::SocketAddr;

const FORM: &str = "application/x-www-form-urlencoded";

/// Asks with a body of a content type.
#[track_caller]
fn ask(at: SocketAddr, method: &str, path: &str, kind: &str, body: &str) -> Answer {
    let headers = [("Content-Type", kind)];
    let headers = if kind.is_empty() { &[][..] } else { &headers };
    http::request(at, method, path, headers, body.as_bytes())
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

fn status_body(text: &str) -> String {
    format!("{{\n  \"status\": {}\n}}\n", serde_json::json!(text))
}

fn error_body(code: u16, class: &str, message: &str) -> String {
    let message = serde_json::json!(message);
    format!("{{\n  \"code\": {code},\n  \"type\": \"{class}\",\n  \"message\": {message}\n}}\n")
}

fn registered(name: &str, version: &str) -> String {
    format!(
        "Model \"{name}\" Version: {version} registered with 0 initial workers. \
         Use scale workers API to add workers for the model."
    )
}

/// What the server says: a status text, or the class and message of an error.
enum Says<'a> {
    Status(String),
    Error(&'a str, &'a str),
}
use Says::{Error, Status};

/// Runs one exchange with the management listener.
#[track_caller]
fn management(host: &Host, request: &str, code: u16, says: Says<'_>) {
    let (method, path) = request.split_once(' ').expect("method and path");
    let answer = ask(host.management(), method, path, "", "");
    let expected = match says {
        Status(text) => status_body(&text),
        Error(class, message) => error_body(code, class, message),
    };
    assert_eq!(
        (answer.status, answer.text()),
        (code, expected),
        "{request}"
    );
    assert_eq!(
        answer.header("content-type"),
        Some("application/json"),
        "{request}"
    );
}

#[test]
fn registration_answers_as_torchserve_does() {
    let host = Host::builder().start();
    let ok = |name: &str| Status(registered(name, "1.11"));
    let not_found = "ModelNotFoundException";
    let bad = "BadRequestException";
    let table = [
        ("/models?url=noop.mar", 200, ok("noop")),
        (
            "/models?url=noop.mar",
            409,
            Error(
                "ConflictStatusException",
                "Model version 1.11 is already registered for model noop",
            ),
        ),
        ("/models", 400, Error(bad, "Parameter url is required.")),
        ("/models?url=", 404, Error(not_found, "empty url")),
        (
            "/models?url=nosuch.mar",
            404,
            Error(not_found, "Model not found at: nosuch.mar"),
        ),
        (
            "/models?url=../noop.mar",
            404,
            Error(
                not_found,
                "Relative path is not allowed in url: ../noop.mar",
            ),
        ),
        (
            "/models?url=broken.mar",
            400,
            Error("InvalidModelException", "Model name is not defined."),
        ),
        ("/models?url=noop.mar&model_name=noop2", 200, ok("noop2")),
        (
            "/models?url=noop.mar&model_name=noop3&batch_size=abc",
            200,
            ok("noop3"),
        ),
        (
            "/models?url=noop.mar&model_name=noop6&initial_workers=abc",
            200,
            ok("noop6"),
        ),
        (
            "/models?url=noop.mar&model_name=noop9&runtime=cobol",
            400,
            Error(bad, "Invalid RuntimeType value: cobol"),
        ),
        (
            "/models?url=noop.mar&model_name=badh&handler=nosuchhandler",
            200,
            ok("badh"),
        ),
        (
            "/models?url=noop_v2.mar",
            200,
            Status(registered("noop", "2.0")),
        ),
        (
            "/models?url=noop.mar&model_name=asyncreg&initial_workers=1",
            200,
            Status("Model \"asyncreg\" Version: 1.11 registered with 1 initial workers".into()),
        ),
        (
            "/models?url=badinit.mar&initial_workers=1&synchronous=true",
            500,
            Error(
                "InternalServerException",
                "Failed to start workers for model badinit version: 1.0",
            ),
        ),
        (
            "/models?url=noopcfg.mar",
            200,
            Status("Model \"noopcfg\" Version: 1.0 registered with 1 initial workers".into()),
        ),
    ];
    for (path, code, says) in table {
        management(&host, &format!("POST {path}"), code, says);
    }
    let json = r#"{"url":"noop.mar","model_name":"jsonreg"}"#;
    let answer = ask(
        host.management(),
        "POST",
        "/models",
        "application/json",
        json,
    );
    assert_eq!(answer.text(), status_body(&registered("jsonreg", "1.11")));
    let form = "url=noop.mar&model_name=formreg";
    let answer = ask(host.management(), "POST", "/models", FORM, form);
    assert_eq!(
        answer.text(),
        error_body(400, bad, "Parameter url is required.")
    );
    let answer = ask(
        host.management(),
        "POST",
        "/models",
        "application/json",
        r#"{"url":"#,
    );
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (500, &"JsonSyntaxException".into())
    );
}

#[test]
fn the_model_api_is_off_unless_it_is_switched_on() {
    let host = Host::builder().line("enable_model_api=false").start();
    for request in ["POST /models?url=noop.mar", "DELETE /models/noop"] {
        let (method, path) = request.split_once(' ').expect("method and path");
        let answer = ask(host.management(), method, path, "", "");
        let expected = error_body(
            405,
            "MethodNotAllowedException",
            "Requested method is not allowed, please refer to API document.",
        );
        assert_eq!((answer.status, answer.text()), (405, expected), "{request}");
    }
}

#[test]
fn workers_are_scaled_and_versions_come_and_go_as_in_torchserve() {
    let host = Host::builder().start();
    let scaled =
        |count: u32, model: &str| Status(format!("Workers scaled to {count} for model: {model}"));
    let unregistered = || Status("Model \"noop\" unregistered".into());
    let processing = || Status("Processing worker updates...".into());
    let no_version = "ModelVersionNotFoundException";
    management(
        &host,
        "POST /models?url=noop.mar",
        200,
        Status(registered("noop", "1.11")),
    );
    let badh = "POST /models?url=noop.mar&model_name=badh&handler=nosuchhandler";
    management(&host, badh, 200, Status(registered("badh", "1.11")));
    let table = [
        ("PUT /models/noop?min_worker=1", 202, processing()),
        (
            "PUT /models/noop?min_worker=3&synchronous=true",
            200,
            scaled(3, "noop"),
        ),
        (
            "PUT /models/noop?min_worker=3&synchronous=true",
            200,
            scaled(3, "noop"),
        ),
        (
            "PUT /models/badh?min_worker=1&synchronous=true",
            500,
            Error(
                "InternalServerException",
                "Failed to start workers for model badh version: null",
            ),
        ),
        ("PUT /models/noop", 202, processing()),
        (
            "PUT /models/noop?min_worker=abc&synchronous=true",
            200,
            scaled(1, "noop"),
        ),
        (
            "PUT /models/noop?min_worker=3&max_worker=1&synchronous=true",
            400,
            Error(
                "BadRequestException",
                "max_worker cannot be less than min_worker.",
            ),
        ),
        (
            "PUT /models/nosuch?min_worker=1",
            404,
            Error("ModelNotFoundException", "Model not found: nosuch"),
        ),
        (
            "POST /models?url=noop_v2.mar",
            200,
            Status(registered("noop", "2.0")),
        ),
        (
            "PUT /models/noop/2.0?min_worker=1&synchronous=true",
            200,
            Status("Workers scaled to 1 for model: noop, version: 2.0".into()),
        ),
        (
            "PUT /models/noop/2.0/set-default",
            200,
            Status("Default version successfully updated for model \"noop\" to \"2.0\"".into()),
        ),
        (
            "PUT /models/noop/9.9/set-default",
            404,
            Error(
                no_version,
                "Model version 9.9 does not exist for model noop",
            ),
        ),
        (
            "DELETE /models/noop/9.9",
            404,
            Error(
                no_version,
                "Model version: 9.9 does not exist for model: noop",
            ),
        ),
        (
            "DELETE /models/noop/2.0",
            403,
            Error(
                "InvalidModelVersionException",
                "Cannot remove default version for model noop",
            ),
        ),
        ("DELETE /models/noop/1.11", 200, unregistered()),
        (
            "PUT /models/noop?min_worker=0&max_worker=0&synchronous=true",
            200,
            scaled(0, "noop"),
        ),
        ("DELETE /models/noop", 200, unregistered()),
        (
            "DELETE /models/noop",
            404,
            Error("ModelNotFoundException", "Model not found: noop"),
        ),
    ];
    for (request, code, says) in table {
        management(&host, request, code, says);
    }
}

/// The description of `noopcfg`, whose values come from the archive; worker facts are masked.
const DESCRIBED: &str = r#"[
  {
    "modelName": "noopcfg",
    "modelVersion": "1.0",
    "modelUrl": "noopcfg.mar",
    "runtime": "python",
    "minWorkers": 1,
    "maxWorkers": 2,
    "batchSize": 4,
    "maxBatchDelay": 50,
    "responseTimeout": 5,
    "startupTimeout": 120,
    "maxRetryTimeoutInSec": 300,
    "clientTimeoutInMills": 0,
    "parallelType": "",
    "parallelLevel": 0,
    "deviceType": "cpu",
    "continuousBatching": false,
    "useJobTicket": false,
    "useVenv": false,
    "stateful": false,
    "sequenceMaxIdleMSec": 0,
    "sequenceTimeoutMSec": 0,
    "maxNumSequence": 0,
    "maxSequenceJobQueueSize": 0,
    "loadedAtStartup": false,
    "workers": [
      {
        "id": "*",
        "startTime": "*",
        "status": "READY",
        "memoryUsage": *,
        "pid": *,
        "gpu": false,
        "gpuUsage": "N/A"
      }
    ],
    "jobQueueStatus": {
      "remainingCapacity": 2,
      "pendingRequests": 0
    }
  }
]
"#;

/// Puts `*` for what depends on the run: worker ids, times, memory, process ids.
fn masked(text: &str) -> String {
    let mask = |line: &str| {
        for key in [
            "\"id\": ",
            "\"startTime\": ",
            "\"memoryUsage\": ",
            "\"pid\": ",
        ] {
            if let Some((indent, value)) = line.split_once(key) {
                let star = if value.starts_with('"') { "\"*\"" } else { "*" };
                return format!("{indent}{key}{star},\n");
            }
        }
        format!("{line}\n")
    };
    text.lines().map(mask).collect()
}

#[test]
fn descriptions_have_torchserves_fields_in_its_order() {
    let host = Host::builder().start();
    // Without a word about workers: minWorkers and maxWorkers of the archive count.
    let answer = http::post(host.management(), "/models?url=noopcfg.mar", b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = http::get(host.management(), "/models/noopcfg").text();
    assert_eq!(masked(&text), DESCRIBED);
    host.serve_model("described.mar", 1);
    let answer = http::get(host.management(), "/models/described?customized=true");
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (200, ""),
        "as a prediction"
    );
    assert!(
        answer.text().ends_with(
            "    \"customizedMetadata\": {\n      \"custom\": \"description\"\n    }\n  }\n]\n"
        ),
        "{}",
        answer.text()
    );
    let answer = http::get(host.management(), "/v1/models/noopcfg");
    assert_eq!(
        answer.text(),
        "{\n  \"name\": \"noopcfg\",\n  \"ready\": true\n}\n"
    );
    for (path, class, message) in [
        (
            "/models/nosuch",
            "ModelNotFoundException",
            "Model not found: nosuch",
        ),
        (
            "/models/noopcfg/9.9",
            "ModelVersionNotFoundException",
            "Model version: 9.9 does not exist for model: noopcfg",
        ),
    ] {
        management(&host, &format!("GET {path}"), 404, Error(class, message));
    }
}

#[test]
fn lists_are_paged_by_number() {
    let host = Host::builder().start();
    let list = |query: &str| http::get(host.management(), &format!("/models{query}")).text();
    assert_eq!(list(""), "{\n  \"models\": []\n}\n");
    assert_eq!(
        http::get(host.management(), "/workflows").text(),
        "{\n  \"workflows\": []\n}\n"
    );
    for name in ["c", "a", "d", "b"] {
        let answer = http::post(
            host.management(),
            &format!("/models?url=noop.mar&model_name={name}"),
            b"",
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let page = |next: Option<u32>, names: &[&str]| {
        let model = |name: &&str| {
            format!(
                "    {{\n      \"modelName\": \"{name}\",\n      \"modelUrl\": \"noop.mar\"\n    }}"
            )
        };
        let next = next.map_or_else(String::new, |next| {
            format!("  \"nextPageToken\": \"{next}\",\n")
        });
        let models: Vec<String> = names.iter().map(model).collect();
        format!(
            "{{\n{next}  \"models\": [\n{}\n  ]\n}}\n",
            models.join(",\n")
        )
    };
    assert_eq!(list("?limit=1"), page(Some(1), &["a"]));
    assert_eq!(
        list("?limit=2&next_page_token=1"),
        page(Some(3), &["b", "c"])
    );
    assert_eq!(list("?limit=101"), page(None, &["a", "b", "c", "d"]));
    assert_eq!(list("?next_page_token=100"), "{\n  \"models\": []\n}\n");
}

#[test]
fn predictions_answer_as_torchserve_does() {
    let host = Host::builder().start();
    let at = host.inference();
    let answer = http::get(at, "/predictions/noop");
    let missing = error_body(404, "ModelNotFoundException", "Model not found: noop");
    assert_eq!((answer.status, answer.text()), (404, missing));
    management(
        &host,
        "POST /models?url=noop.mar",
        200,
        Status(registered("noop", "1.11")),
    );
    let none = "Model \"noop\" has no worker to serve inference request. Please use scale workers \
                API to add workers. If this is a sequence inference, please check if it is closed, \
                or expired; or exceeds maxSequenceJobQueueSize";
    let answer = http::get(at, "/predictions/noop");
    assert_eq!(
        answer.text(),
        error_body(503, "ServiceUnavailableException", none)
    );
    let scaled = http::put(
        host.management(),
        "/models/noop?min_worker=1&synchronous=true",
    );
    assert_eq!(scaled.status, 200);
    let table = [
        ("GET", "/predictions/noop", "", ""),
        ("GET", "/predictions/noop/1.11", "", ""),
        ("GET", "/predictions/noop/", "", ""),
        ("POST", "/predictions/noop", "text/plain", "hello"),
        (
            "POST",
            "/predictions/noop",
            "application/json",
            r#"{"a":1}"#,
        ),
        ("POST", "/predictions/noop", FORM, "a=1&b=2"),
        ("PUT", "/predictions/noop", FORM, "hello"),
        ("POST", "/invocations?model_name=noop", FORM, "hello"),
        ("POST", "/models/noop/invoke", FORM, "hello"),
        ("POST", "/explanations/noop", FORM, "hello"),
        (
            "POST",
            "/v1/models/noop:predict",
            "application/json",
            r#"{"instances":[1]}"#,
        ),
    ];
    for (method, path, kind, body) in table {
        let answer = ask(at, method, path, kind, body);
        let seen = (answer.status, answer.reason.as_str(), answer.text());
        assert_eq!(seen, (200, "", "OK".to_owned()), "{method} {path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain"),
            "{method} {path}"
        );
    }
    let head = ask(at, "HEAD", "/predictions/noop", "", "");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("2"))
    );
    let refused = [
        (
            "GET /predictions/noop/9.9",
            404,
            "ModelVersionNotFoundException",
            "Model version: 9.9 does not exist for model: noop",
        ),
        (
            "GET /predictions",
            404,
            "ResourceNotFoundException",
            "Requested resource is not found, please refer to API document.",
        ),
        (
            "POST /invocations",
            400,
            "BadRequestException",
            "Parameter model_name is required.",
        ),
        (
            "POST /wfpredict/nosuch",
            404,
            "WorkflowNotFoundException",
            "Workflow not found: nosuch",
        ),
    ];
    for (request, code, class, message) in refused {
        let (method, path) = request.split_once(' ').expect("method and path");
        let answer = ask(
            at,
            method,
            path,
            FORM,
            if method == "POST" { "hello" } else { "" },
        );
        let expected = error_body(code, class, message);
        assert_eq!(
            (answer.status, answer.text()),
            (code, expected),
            "{request}"
        );
    }
    eventually("the listener is healthy", || {
        let answer = http::get(at, "/ping");
        (answer.text() == "{\n  \"status\": \"Healthy\"\n}\n")
            .then_some(())
            .ok_or(answer.text())
    });
}
