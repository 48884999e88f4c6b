//! Asking for the configuration to be read again, and hearing what came of it.

use tokio::sync::{mpsc, oneshot};

/// Requests that may wait; a reload answers all of them.
const WAITING_MAX: usize = 16;

/// Where what came of a reload goes.
pub type Answer = oneshot::Sender<Result<(), String>>;

/// The asking side. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ReloadRequests(mpsc::Sender<Answer>);

impl ReloadRequests {
    /// Both sides.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Answer>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self(sender), receiver)
    }

    /// Asks for a reload and waits for its end.
    ///
    /// # Errors
    /// Why the new configuration was refused, or that the server ends.
    pub async fn ask(&self) -> Result<(), String> {
        let ends = || "the server is about to end".to_owned();
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| ends())?;
        answered.await.unwrap_or_else(|_| Err(ends()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asks_hears_what_came_of_it() {
        let (requests, mut asked) = ReloadRequests::channel();
        let serve = async {
            let first = asked.recv().await.unwrap();
            first.send(Err("line 3".to_owned())).unwrap();
            drop(asked.recv().await.unwrap());
        };
        let ask = async { (requests.ask().await, requests.ask().await) };
        let ((first, second), ()) = tokio::join!(ask, serve);
        assert_eq!(first, Err("line 3".to_owned()));
        assert!(second.is_err(), "a server that ends answers as well");
    }
}
