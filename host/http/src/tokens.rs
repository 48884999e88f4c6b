//! The keys of the token guard: made at start, kept in `key_file.json`, renewed over HTTP.
//!
//! In memory a key is only its SHA-256, and hashes are compared in constant time. The file has the
//! form of TorchServe 0.12 and is readable by its owner alone; the keys are longer than there, 256 bits.

use crate::error::{ApiError, Class};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use meterbox_config::TokenSettings;
use parking_lot::Mutex;
use rustix::io::retry_on_intr;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use subtle::ConstantTimeEq;

const KEY_BYTES: usize = 32;
/// Wrong tokens of one client in one second; more are answered with 429.
const FAILURES_PER_SECOND_MAX: u32 = 10;
/// Clients whose wrong tokens are remembered.
const CLIENTS_MAX: usize = 1024;

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// The management listener.
    Management,
    /// The inference listener.
    Inference,
    /// New keys.
    Api,
}

/// All keys.
pub struct Tokens {
    required: bool,
    lifetime: Duration,
    path: PathBuf,
    keys: Mutex<Keys>,
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct Keys {
    management: Option<Key>,
    inference: Option<Key>,
    api: Option<Key>,
}

struct Key {
    hash: [u8; 32],
    /// For the file alone, which is written anew when any key changes.
    text: String,
    /// When it ends, on both clocks.
    until: Option<(Instant, SystemTime)>,
}

impl Tokens {
    /// Makes all keys and writes the file, if tokens are required.
    ///
    /// # Errors
    /// The system gives no random bytes, or the file cannot be written.
    pub fn new(settings: &TokenSettings) -> io::Result<Self> {
        let tokens = Self {
            required: settings.required,
            lifetime: settings.lifetime,
            path: settings.key_file.clone(),
            keys: Mutex::default(),
            failures: Mutex::default(),
        };
        if tokens.required {
            let mut keys = tokens.keys.lock();
            keys.management = Some(tokens.make(true)?);
            keys.inference = Some(tokens.make(true)?);
            keys.api = Some(tokens.make(false)?);
            write(&tokens.path, &keys)?;
        }
        Ok(tokens)
    }

    /// Whether tokens are asked for at all.
    #[must_use]
    pub fn required(&self) -> bool {
        self.required
    }

    /// Where the keys are written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces a key, which is not valid any more, and writes the file.
    ///
    /// # Errors
    /// As [`Tokens::new`]; the old key stays.
    pub fn renew(&self, kind: KeyKind) -> io::Result<()> {
        let key = self.make(kind != KeyKind::Api)?;
        let mut keys = self.keys.lock();
        let before = keys.slot(kind).replace(key);
        write(&self.path, &keys).inspect_err(|_| *keys.slot(kind) = before)
    }

    /// Whether `token` is a valid key of one of these kinds.
    pub(crate) fn check(
        &self,
        kinds: &[KeyKind],
        token: Option<&str>,
        peer: Option<IpAddr>,
    ) -> Result<(), ApiError> {
        let now = Instant::now();
        if self.failures.lock().too_many(peer, now) {
            let message = "Too many wrong tokens; wait a second.";
            let error = ApiError::new(Class::TOO_MANY_REQUESTS, message);
            return Err(error.retry_after(Duration::from_secs(1)));
        }
        let hash: [u8; 32] = Sha256::digest(token.unwrap_or("").as_bytes()).into();
        let keys = self.keys.lock();
        let valid = |kind: &KeyKind| {
            keys.get(*kind).is_some_and(|key| {
                let same = bool::from(key.hash.ct_eq(&hash));
                same && key.until.is_none_or(|(until, _)| now < until)
            })
        };
        if token.is_some() && kinds.iter().any(valid) {
            return Ok(());
        }
        drop(keys);
        self.failures.lock().count(peer, now);
        let what = if kinds == [KeyKind::Api] {
            "Authentication"
        } else {
            "Authorization"
        };
        let message = format!(
            "Token {what} failed. Token either incorrect, expired, or not provided correctly"
        );
        Err(ApiError::new(Class::INVALID_KEY, message))
    }

    fn make(&self, ends: bool) -> io::Result<Key> {
        let mut bytes = [0; KEY_BYTES];
        // So few bytes always come together; only a machine that has just started may interrupt.
        retry_on_intr(|| getrandom(&mut bytes, GetRandomFlags::empty()))?;
        let text = URL_SAFE_NO_PAD.encode(bytes);
        let until = (
            Instant::now() + self.lifetime,
            SystemTime::now() + self.lifetime,
        );
        Ok(Key {
            hash: Sha256::digest(text.as_bytes()).into(),
            text,
            until: ends.then_some(until),
        })
    }
}

impl Keys {
    fn slot(&mut self, kind: KeyKind) -> &mut Option<Key> {
        match kind {
            KeyKind::Management => &mut self.management,
            KeyKind::Inference => &mut self.inference,
            KeyKind::Api => &mut self.api,
        }
    }

    fn get(&self, kind: KeyKind) -> Option<&Key> {
        match kind {
            KeyKind::Management => self.management.as_ref(),
            KeyKind::Inference => self.inference.as_ref(),
            KeyKind::Api => self.api.as_ref(),
        }
    }
}

/// Wrong tokens in the current second, by client.
#[derive(Default)]
struct Failures {
    begin: Option<Instant>,
    clients: Vec<(Option<IpAddr>, u32)>,
}

impl Failures {
    fn too_many(&mut self, peer: Option<IpAddr>, now: Instant) -> bool {
        let over = self
            .begin
            .is_some_and(|begin| now.duration_since(begin) >= Duration::from_secs(1));
        if over {
            *self = Self::default();
        }
        let failed = self.clients.iter().find(|(client, _)| *client == peer);
        failed.is_some_and(|(_, count)| *count >= FAILURES_PER_SECOND_MAX)
    }

    fn count(&mut self, peer: Option<IpAddr>, now: Instant) {
        self.begin.get_or_insert(now);
        if let Some((_, count)) = self.clients.iter_mut().find(|(client, _)| *client == peer) {
            *count += 1;
        } else if self.clients.len() < CLIENTS_MAX {
            self.clients.push((peer, 1));
        }
    }
}

/// Writes the file beside its place and renames it, so that no reader sees half of it.
fn write(path: &Path, keys: &Keys) -> io::Result<()> {
    let entry = |kind| {
        let key = keys.get(kind)?;
        let mut entry = serde_json::json!({ "key": key.text });
        if let Some((_, until)) = key.until {
            entry["expiration time"] = meterbox_calendar::rfc3339(until).into();
        }
        Some(entry)
    };
    let file = serde_json::json!({
        "management": entry(KeyKind::Management),
        "inference": entry(KeyKind::Inference),
        "API": entry(KeyKind::Api),
    });
    let text = serde_json::to_string_pretty(&file)? + "\n";
    let beside = path.with_extension("json.new");
    // Made anew, so that its mode is ours.
    let _ = fs::remove_file(&beside);
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    out.write_all(text.as_bytes())?;
    // Not forced to the disk, which may take longer than the whole start: a machine that crashed
    // starts the server again, with new keys.
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::{TempDir, tempdir};

    struct Fixture {
        tokens: Tokens,
        _folder: TempDir,
    }

    impl Fixture {
        fn new(lifetime: Duration) -> Self {
            let folder = tempdir().unwrap();
            let path = folder.path().join("key_file.json");
            let settings = TokenSettings {
                required: true,
                lifetime,
                key_file: path,
                insecure_management: false,
            };
            Self {
                tokens: Tokens::new(&settings).unwrap(),
                _folder: folder,
            }
        }

        fn key(&self, name: &str) -> String {
            let text = fs::read_to_string(self.tokens.path()).unwrap();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            json[name]["key"].as_str().unwrap().to_owned()
        }

        fn status(&self, kinds: &[KeyKind], token: Option<&str>) -> Result<(), u16> {
            self.tokens
                .check(kinds, token, None)
                .map_err(|error| error.status())
        }
    }

    #[test]
    fn each_key_opens_its_own_listener_and_the_old_one_dies() {
        let fixture = Fixture::new(Duration::from_secs(60));
        let (management, inference) = (fixture.key("management"), fixture.key("inference"));
        let kinds = [KeyKind::Management];
        assert_eq!(fixture.status(&kinds, Some(&management)), Ok(()));
        assert_eq!(fixture.status(&kinds, Some(&inference)), Err(400));
        assert_eq!(fixture.status(&kinds, None), Err(400));
        assert_eq!(
            fixture.status(&[KeyKind::Api], Some(&fixture.key("API"))),
            Ok(())
        );
        fixture.tokens.renew(KeyKind::Management).unwrap();
        assert_eq!(fixture.status(&kinds, Some(&management)), Err(400));
        assert_eq!(
            fixture.status(&kinds, Some(&fixture.key("management"))),
            Ok(())
        );
        assert_eq!(fixture.key("inference"), inference, "the others stay");
        let mode = fs::metadata(fixture.tokens.path())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(inference.len(), 43, "256 bits");
    }

    #[test]
    fn an_expired_key_opens_nothing() {
        let fixture = Fixture::new(Duration::ZERO);
        let key = fixture.key("management");
        assert_eq!(fixture.status(&[KeyKind::Management], Some(&key)), Err(400));
        assert_eq!(
            fixture.status(&[KeyKind::Api], Some(&fixture.key("API"))),
            Ok(()),
            "it never ends"
        );
    }

    #[test]
    fn a_client_that_guesses_is_slowed_down() {
        let fixture = Fixture::new(Duration::from_secs(60));
        let answers: Vec<_> = (0..11)
            .map(|_| fixture.status(&[KeyKind::Api], Some("wrong")))
            .collect();
        assert_eq!(answers[..10], [Err(400); 10]);
        assert_eq!(answers[10], Err(429));
        let other = "127.0.0.9".parse().ok();
        let status = fixture
            .tokens
            .check(&[KeyKind::Api], Some("wrong"), other)
            .unwrap_err()
            .status();
        assert_eq!(status, 400, "another client is not slowed down");
    }

    #[test]
    fn refusals_have_torchserves_words() {
        let fixture = Fixture::new(Duration::from_secs(60));
        let message = |kinds: &[KeyKind]| {
            let error = fixture.tokens.check(kinds, None, None).unwrap_err();
            (error.kind(), error.message().to_owned())
        };
        let rest = "failed. Token either incorrect, expired, or not provided correctly";
        let expect = |what: &str| ("InvalidKeyException", format!("Token {what} {rest}"));
        assert_eq!(message(&[KeyKind::Inference]), expect("Authorization"));
        assert_eq!(message(&[KeyKind::Api]), expect("Authentication"));
    }
}
