//! A deadline for each of many waits, of which hardly any is ever met.
//!
//! To set a timer for each wait costs a lock and sometimes a system call. Here one timer stays set: when
//! it goes off too early, which is about once in a deadline's length, it is set anew.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Instant;
use tokio::time::{Sleep, sleep_until};

/// The timer, once there was a wait.
#[derive(Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// What `future` gives, or nothing if it takes longer than `until`.
    pub(super) async fn before<T>(
        &mut self,
        until: Instant,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let until = until.into();
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() > until {
                timer.as_mut().reset(until);
            }
            while timer.as_mut().poll(cx).is_ready() {
                if timer.deadline() >= until {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(until);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn late() -> &'static str {
        std::future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_own_deadline_whatever_the_timer_was_set_to() {
        let mut alarm = Alarm::default();
        let begin = tokio::time::Instant::now();
        let passed = || tokio::time::Instant::now().duration_since(begin).as_secs();
        for (seconds, at) in [(10, 10), (20, 30), (5, 35), (60, 95)] {
            let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
            assert_eq!(
                alarm.before(until.into_std(), async { "soon" }).await,
                Some("soon")
            );
            assert_eq!(alarm.before(until.into_std(), late()).await, None);
            assert_eq!(passed(), at);
        }
    }
}
