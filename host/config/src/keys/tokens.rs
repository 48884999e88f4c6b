//! Keys of authorization and of what may be changed over the network.

use super::Group;
use crate::key::{Key, Kind, Variable};

pub(super) static GROUP: Group = Group {
    title: "Authorization",
    about: "Who may do what. The shipped file is open because everything listens on loopback; the \
            stricter values are one line away.",
    keys: &[
        Key::inherited(
            "disable_token_authorization",
            Kind::Bool,
            "true: requests need no token. Remove this line to require tokens.",
        )
        .default("false")
        .shipped("true")
        .details(
            "With false, the server writes key_file.json (mode 0600) into its working directory \
             at start and wants `Authorization: Bearer KEY` on the inference and management \
             listeners. GET /token on the management listener renews a key.",
        ),
        Key::inherited(
            "token_expiration_min",
            Kind::Integer {
                min: 1,
                max: 525_600,
            },
            "How long a token of the key file is valid.",
        )
        .default("60")
        .unit("min")
        .variable(Variable::Named("TS_TOKEN_EXPIRATION_TIME_MIN")),
        Key::inherited(
            "enable_model_api",
            Kind::Bool,
            "true: models may be registered and removed over HTTP, not only at start.",
        )
        .default("false")
        .shipped("true")
        .details("With false, POST and DELETE on /models are 405; scaling stays allowed."),
        Key::inherited(
            "allowed_urls",
            Kind::List,
            "Model URLs beyond the model store; this version registers from the store only.",
        )
        .details(
            "Regular expressions with commas between. Unset, only bare file names from \
             model_store can be registered, which differs from TorchServe on purpose. In the \
             environment the key counts only with use_env_allowed_urls=true in the file.",
        ),
        Key::inherited(
            "use_env_allowed_urls",
            Kind::Bool,
            "true: TS_ALLOWED_URLS in the environment may set allowed_urls.",
        )
        .default("false"),
        Key::inherited(
            "enable_envvars_config",
            Kind::Bool,
            "true: environment variables TS_<KEY> override the command line and this file.",
        )
        .default("false")
        .variable(Variable::None)
        .details("Counts in the file only."),
    ],
};
