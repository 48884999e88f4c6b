//! Keys of models and their workers.

use super::Group;
use crate::key::{Key, Kind, Variable};

pub(super) static GROUP: Group = Group {
    title: "Models",
    about: "Which models run, and how.",
    keys: &[
        Key::inherited("model_store", Kind::Path, "Folder of the model archives.")
            .shipped("models")
            .details("Without it no model can be registered."),
        Key::inherited(
            "load_models",
            Kind::List,
            "Archives to register at start: all, or a.mar,name=b.mar.",
        ),
        Key::inherited(
            "models",
            Kind::Json,
            "Settings of models by name and version, used when the model is registered at start.",
        )
        .variable(Variable::None)
        .details(
            "`{\"noop\":{\"1.0\":{\"marName\":\"noop.mar\",\"minWorkers\":1,\"maxWorkers\":2,\
             \"batchSize\":4,\"maxBatchDelay\":50,\"responseTimeout\":30,\"startupTimeout\":60,\
             \"defaultVersion\":true}}}`; delays in milliseconds, timeouts in seconds.",
        ),
        Key::inherited(
            "model_snapshot",
            Kind::Json,
            "Models to restore at start, instead of load_models.",
        )
        .variable(Variable::None)
        .details(
            "`{\"name\":\"startup.cfg\",\"modelCount\":1,\"models\":{...}}`, as KServe mounts it.",
        ),
        Key::inherited(
            "default_workers_per_model",
            Kind::Integer {
                min: 0,
                max: 10_000,
            },
            "Workers of a model loaded at start; 0 means one per GPU, else one per CPU.",
        )
        .default("0")
        .unit("workers")
        .details("A model registered over HTTP gets this number too, and none when it is 0."),
        Key::inherited(
            "job_queue_size",
            Kind::Integer {
                min: 1,
                max: 100_000,
            },
            "Requests that may wait for one model version; more are answered 503 at once.",
        )
        .default("100")
        .unit("requests"),
        Key::inherited(
            "default_response_timeout",
            Kind::Integer {
                min: 1,
                max: 86_400,
            },
            "How long a worker may take for a batch before it is killed.",
        )
        .default("120")
        .unit("s"),
        Key::inherited(
            "default_startup_timeout",
            Kind::Integer {
                min: 1,
                max: 86_400,
            },
            "How long a worker may take to load its model.",
        )
        .default("120")
        .unit("s"),
        Key::inherited(
            "unregister_model_timeout",
            Kind::Integer {
                min: 1,
                max: 86_400,
            },
            "How long the removal of a model may wait for its workers.",
        )
        .default("120")
        .unit("s"),
        Key::inherited(
            "python",
            Kind::Text,
            "The Python interpreter of the workers.",
        )
        .default("python3"),
        Key::inherited(
            "model_server_home",
            Kind::Path,
            "Folder that holds python/, the workers' code; unset, that of the binary.",
        )
        .variable(Variable::Always("TS_MODEL_SERVER_HOME")),
        Key::inherited(
            "default_service_handler",
            Kind::Text,
            "Handler of archives whose manifest names none.",
        ),
        Key::inherited(
            "service_envelope",
            Kind::Text,
            "Envelope given to workers of archives that name none.",
        ),
        Key::inherited(
            "decode_input_request",
            Kind::Bool,
            "false: workers hand JSON bodies to the handler as bytes.",
        )
        .default("true"),
        Key::inherited(
            "limit_max_image_pixels",
            Kind::Bool,
            "Passed to workers: whether Pillow's limit on image size stays on.",
        )
        .default("true"),
        Key::inherited(
            "number_of_gpu",
            Kind::Integer { min: 0, max: 1_024 },
            "GPUs that workers are spread over; unset, all.",
        )
        .unit("GPUs"),
        Key::inherited(
            "initial_worker_port",
            Kind::Integer {
                min: 1,
                max: 65_535,
            },
            "Number in the name of the first worker's socket.",
        )
        .default("9000"),
        Key::inherited(
            "blacklist_env_vars",
            Kind::NamePatterns,
            "Environment variables hidden from workers.",
        )
        .details("As in `AWS_.*|.*_TOKEN`. Other regular expressions are refused."),
    ],
};
