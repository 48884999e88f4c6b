//! The panic wall of every `extern "C"` function.
//!
//! A panic must not cross between two libraries: the runtime aborts the process. Each function of
//! the border therefore runs its body in here. What is not done here: counting or logging the
//! panic, which is for the side that receives the text.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body`; a panic becomes its text.
///
/// # Errors
/// The panic's message, or a fixed sentence when its payload is not a string.
pub(crate) fn catch<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(panic_text)
}

/// The text of a panic's payload. The payload is forgotten: its `Drop` is foreign code that may
/// panic a second time, and that cannot be caught while it unwinds.
fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let text = if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    };
    std::mem::forget(payload);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_message_come_back_as_text() {
        assert_eq!(catch(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        let number = 7;
        assert_eq!(
            catch(|| panic!("number {number}")),
            Err::<(), _>("number 7".to_owned())
        );
    }

    #[test]
    fn a_payload_whose_drop_panics_is_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        let text = catch(|| std::panic::panic_any(Bomb));
        assert_eq!(text, Err::<(), _>("a panic without a message".to_owned()));
    }
}
