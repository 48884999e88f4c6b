//! What is seen of a child process from outside: the lines of its output, how many of them may be
//! logged, and its memory. Model workers and plugin processes are both looked at so.

#![forbid(unsafe_code)]

mod line_budget;
mod lines;
mod memory;

pub use line_budget::LineBudget;
pub use lines::{Line, Lines};
pub use memory::resident_bytes;
