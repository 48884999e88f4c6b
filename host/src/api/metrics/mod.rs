//! Operations of the metrics listener. What it is there for, the metric endpoints, are plugins.

pub(super) mod landing;
