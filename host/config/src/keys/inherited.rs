//! Keys of TorchServe that are accepted, so that an existing file works unchanged, and change nothing.
//!
//! The server warns when a file sets one whose absence may matter.

use super::Group;
use crate::key::{Key, Kind, Variable};

pub(super) static GROUP: Group = Group {
    title: "Accepted without effect",
    about: "Keys of an existing file that need no line to be removed.",
    keys: &[
        Key::ignored(
            "workflow_store",
            Kind::Path,
            "Folder of workflow archives.",
            WORKFLOW,
        ),
        Key::ignored(
            "grpc_inference_address",
            Kind::Text,
            "Address of the gRPC inference listener.",
            GRPC,
        ),
        Key::ignored(
            "grpc_management_address",
            Kind::Text,
            "Address of the gRPC management listener.",
            GRPC,
        ),
        Key::ignored(
            "grpc_inference_port",
            Kind::Integer {
                min: 0,
                max: 65_535,
            },
            "Port of the gRPC inference listener.",
            GRPC,
        ),
        Key::ignored(
            "grpc_management_port",
            Kind::Integer {
                min: 0,
                max: 65_535,
            },
            "Port of the gRPC management listener.",
            GRPC,
        ),
        Key::ignored(
            "grpc_inference_max_connection_age_ms",
            Kind::Text,
            "Age at which gRPC inference connections end.",
            GRPC,
        ),
        Key::ignored(
            "grpc_inference_max_connection_age_grace_ms",
            Kind::Text,
            "Grace of that age.",
            GRPC,
        ),
        Key::ignored(
            "grpc_management_max_connection_age_ms",
            Kind::Text,
            "Age at which gRPC management connections end.",
            GRPC,
        ),
        Key::ignored(
            "grpc_management_max_connection_age_grace_ms",
            Kind::Text,
            "Grace of that age.",
            GRPC,
        ),
        Key::ignored(
            "enable_grpc_ssl",
            Kind::Bool,
            "TLS on the gRPC listeners.",
            GRPC,
        ),
        Key::ignored(
            "ts_open_inference_protocol",
            Kind::Text,
            "The Open Inference Protocol.",
            "this version does not serve the Open Inference Protocol",
        )
        .variable(Variable::Always("TS_OPEN_INFERENCE_PROTOCOL")),
        Key::ignored("keystore", Kind::Path, "Key store of TLS.", TLS),
        Key::ignored("keystore_pass", Kind::Text, "Its password.", TLS).secret(),
        Key::ignored("keystore_type", Kind::Text, "Its format.", TLS),
        Key::ignored("private_key_file", Kind::Path, "Private key of TLS.", TLS),
        Key::ignored("certificate_file", Kind::Path, "Certificate of TLS.", TLS),
        Key::ignored(
            "cors_allowed_origin",
            Kind::Text,
            "Origin allowed by CORS.",
            CORS,
        ),
        Key::ignored(
            "cors_allowed_methods",
            Kind::Text,
            "Methods allowed by CORS.",
            CORS,
        ),
        Key::ignored(
            "cors_allowed_headers",
            Kind::Text,
            "Headers allowed by CORS.",
            CORS,
        ),
        Key::ignored(
            "ts_header_key_sequence_id",
            Kind::Text,
            "Header that names a sequence.",
            SEQUENCE,
        )
        .variable(Variable::Named("TS_HEADER_KEY_SEQUENCE_ID")),
        Key::ignored(
            "ts_header_key_sequence_start",
            Kind::Text,
            "Header that starts a sequence.",
            SEQUENCE,
        )
        .variable(Variable::Named("TS_HEADER_KEY_SEQUENCE_START")),
        Key::ignored(
            "ts_header_key_sequence_end",
            Kind::Text,
            "Header that ends a sequence.",
            SEQUENCE,
        )
        .variable(Variable::Named("TS_HEADER_KEY_SEQUENCE_END")),
        Key::ignored(
            "install_py_dep_per_model",
            Kind::Bool,
            "Python packages installed per model.",
            "workers use the packages of the interpreter named by python",
        ),
        Key::ignored(
            "metrics_format",
            Kind::Text,
            "Older name of a metrics switch.",
            "TorchServe ignores it since 0.8; the key is metrics_mode now",
        ),
        Key::ignored(
            "system_metrics_cmd",
            Kind::Text,
            "Command that collects system metrics.",
            "the system plugin reads the machine itself",
        )
        .variable(Variable::None),
        Key::ignored(
            "metric_time_interval",
            Kind::Integer {
                min: 1,
                max: 86_400,
            },
            "Seconds between system metrics.",
            "system metrics are read when they are asked for",
        )
        .variable(Variable::None),
        Key::ignored(
            "netty_client_threads",
            Kind::Integer { min: 0, max: 1_024 },
            "Threads that talk to workers.",
            "one runtime serves clients and workers",
        ),
        Key::ignored(
            "async_logging",
            Kind::Bool,
            "Logging on a thread of its own.",
            JVM,
        ),
        Key::ignored(
            "prefer_direct_buffer",
            Kind::Bool,
            "Buffers outside of the Java heap.",
            JVM,
        ),
        Key::ignored(
            "debug",
            Kind::Bool,
            "Debugging of the Java front end.",
            "set log_level=debug instead",
        ),
        Key::ignored(
            "use_native_io",
            Kind::Bool,
            "epoll instead of Java NIO.",
            JVM,
        )
        .variable(Variable::None),
        Key::ignored(
            "io_ratio",
            Kind::Integer { min: 1, max: 100 },
            "Share of I/O in Netty's loop.",
            JVM,
        )
        .variable(Variable::None),
        Key::ignored("vmargs", Kind::Text, "Options of the Java machine.", JVM),
        Key::ignored(
            "initial_distribution_port",
            Kind::Integer {
                min: 1,
                max: 65_535,
            },
            "First port of distributed models.",
            "this version does not run distributed models",
        ),
        Key::ignored(
            "cpu_launcher_enable",
            Kind::Bool,
            "Intel's launcher for CPU workers.",
            LAUNCHER,
        ),
        Key::ignored("cpu_launcher_args", Kind::Text, "Its options.", LAUNCHER),
        Key::ignored(
            "ipex_enable",
            Kind::Bool,
            "Intel's extension for PyTorch.",
            LAUNCHER,
        ),
        Key::ignored("ipex_gpu_enable", Kind::Bool, "The same on GPUs.", LAUNCHER),
        Key::ignored(
            "cpp_log_config",
            Kind::Text,
            "Log configuration of C++ workers.",
            "this version does not run C++ workers",
        ),
    ],
};

const WORKFLOW: &str = "this version does not run workflows";
const GRPC: &str = "this version serves no gRPC; use the REST listeners";
const TLS: &str = "this version serves no TLS; put a TLS proxy in front";
const CORS: &str = "this version sends no CORS headers";
const SEQUENCE: &str = "this version does not keep sequences of requests together";
const JVM: &str = "there is no Java machine to tune";
const LAUNCHER: &str = "workers are started without Intel's launcher";
