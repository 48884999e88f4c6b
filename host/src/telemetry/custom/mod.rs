//! Metrics of model code: `[METRICS]` lines, the declarations they are held against, and their series.

mod declarations;
mod line;

pub use declarations::{DeclarationError, Declarations, Declared};
pub use line::{LineError, MetricLine};
