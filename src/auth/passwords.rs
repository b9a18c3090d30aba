//! Passwords: what one may be, and how it is kept.
//!
//! Argon2id with the parameters of the OWASP Password Storage Cheat Sheet (m = 19 MiB, t = 2,
//! p = 1), on a few threads of their own with a bounded queue: a crowd that signs in at once waits
//! its turn and leaves processors and memory to the bookings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use crossbeam_channel::{Receiver, Sender};
use serde::Deserialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::ids;
use crate::threads;

/// Requests that may wait for a hasher. At some 50 a second and hasher this is a wait of 5 s.
const QUEUE_MAX: usize = 256;
const LENGTH_MIN: usize = 8;
const LENGTH_MAX: usize = 128;
/// The commonest that are long enough, in order, as leaks show them; ASVS 5.0 asks for 3000.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password that somebody chose: not yet known to be a good one.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    #[must_use]
    pub fn new(password: String) -> Self {
        Self(password)
    }

    /// Fit to be a new password: by length and by not being among the commonest, as NIST
    /// SP 800-63B asks; no rules of composition. `personal` is what an attacker tries first.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_new(&self, personal: &[&str]) -> Result<(), String> {
        let length = self.0.chars().count();
        if !(LENGTH_MIN..=LENGTH_MAX).contains(&length) {
            return Err(format!("must have {LENGTH_MIN} to {LENGTH_MAX} characters"));
        }
        let lower = self.0.to_lowercase();
        if COMMON.lines().any(|common| common == lower) {
            return Err("is one of the commonest passwords: choose another".into());
        }
        if personal.iter().any(|word| word.to_lowercase() == lower) {
            return Err("must not be your name or email".into());
        }
        Ok(())
    }
}

/// The threads that hash.
#[derive(Clone)]
pub struct Hashers {
    queue: Sender<Job>,
    blocks: Arc<AtomicU64>,
}

struct Job {
    password: Password,
    /// The hash to compare with; `None` asks for a new one.
    compare: Option<Option<String>>,
    reply: oneshot::Sender<Answer>,
}

enum Answer {
    Hash(Result<String, String>),
    Matches(bool),
}

impl Hashers {
    /// Starts `permits` threads. Each keeps the 19 MiB it works in from its first use on.
    ///
    /// # Panics
    /// When no thread can be started.
    #[must_use]
    pub fn start(permits: usize) -> Self {
        let (queue, jobs) = crossbeam_channel::bounded(QUEUE_MAX);
        let blocks = Arc::<AtomicU64>::default();
        for number in 0..permits {
            let jobs = jobs.clone();
            let hasher = Hasher { blocks: blocks.clone(), ..Hasher::default() };
            threads::spawn(format!("hasher-{number}"), move || work(&jobs, hasher));
        }
        Self { queue, blocks }
    }

    /// Blocks of memory that were filled so far, of 1 KiB each: what the hashing has cost.
    #[must_use]
    pub fn blocks_filled(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// # Errors
    /// [`Error::Busy`] when too many wait already.
    pub async fn hash(&self, password: Password) -> Result<String> {
        match self.submit(password, None).await? {
            Answer::Hash(hash) => hash.map_err(Error::Internal),
            Answer::Matches(_) => Err(Error::Internal("a hasher gave the wrong answer".into())),
        }
    }

    /// Whether the password belongs to `hash`. Takes as long without a hash, so that the time
    /// does not tell whether there is such an account.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait already.
    pub async fn matches(&self, password: Password, hash: Option<String>) -> Result<bool> {
        Ok(matches!(self.submit(password, Some(hash)).await?, Answer::Matches(true)))
    }

    async fn submit(&self, password: Password, compare: Option<Option<String>>) -> Result<Answer> {
        let (reply, answer) = oneshot::channel();
        let job = Job { password, compare, reply };
        self.queue.try_send(job).map_err(|_| Error::Busy)?;
        answer.await.map_err(|_| Error::Internal("the hasher has ended".into()))
    }
}

fn work(jobs: &Receiver<Job>, mut hasher: Hasher) {
    for Job { password, compare, reply } in jobs {
        // Nobody waits for it any more: do not spend 20 ms on it.
        if reply.is_closed() {
            continue;
        }
        let answer = match compare {
            None => Answer::Hash(hasher.hash(&password)),
            Some(hash) => Answer::Matches(hasher.verify(&password, hash.as_deref())),
        };
        let _ = reply.send(answer);
    }
}

/// Hashes on this thread, for the command line.
///
/// # Errors
/// When the hash cannot be made.
pub fn hash_blocking(password: &Password) -> Result<String, String> {
    Hasher::default().hash(password)
}

/// Keeps the memory that it works in.
#[derive(Default)]
struct Hasher {
    memory: Vec<Block>,
    blocks: Arc<AtomicU64>,
}

impl Hasher {
    fn hash(&mut self, password: &Password) -> Result<String, String> {
        let mut salt = [0; 16];
        ids::fill(&mut salt);
        let params = Params::default();
        let output = self.derive(password, &salt, &params).map_err(|error| error.to_string())?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.into(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(|error| error.to_string())?,
            salt: Some(Salt::new(&salt).map_err(|error| error.to_string())?),
            hash: Some(output),
        };
        Ok(hash.to_string())
    }

    fn verify(&mut self, password: &Password, hash: Option<&str>) -> bool {
        let parsed = hash.and_then(|hash| PasswordHash::new(hash).ok());
        let params = parsed.as_ref().and_then(|hash| Params::try_from(hash).ok());
        let params = params.unwrap_or_default();
        let salt = parsed.as_ref().and_then(|hash| hash.salt);
        let salt = salt.as_ref().map_or(&[0; 16][..], |salt| salt.as_ref());
        let Ok(output) = self.derive(password, salt, &params) else { return false };
        // `Output` compares in constant time.
        parsed.and_then(|hash| hash.hash).is_some_and(|expected| expected == output)
    }

    fn derive(
        &mut self,
        password: &Password,
        salt: &[u8],
        params: &Params,
    ) -> argon2::Result<Output> {
        let Self { memory, blocks } = self;
        memory.resize(memory.len().max(params.block_count()), Block::default());
        let mut output = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(
                password.0.as_bytes(),
                salt,
                &mut output,
                &mut memory[..],
            )?;
        let filled = params.block_count() as u64 * u64::from(params.t_cost());
        blocks.fetch_add(filled, Ordering::Relaxed);
        Output::new(&output).map_err(|_| argon2::Error::OutputTooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), String> {
        Password::new(password.into()).check_new(&["Asha Rao", "asha@example.org"])
    }

    #[test]
    fn a_password_matches_its_own_hash_and_no_other() {
        let mut hasher = Hasher::default();
        let right = Password::new("correct horse battery".into());
        let kept = hasher.hash(&right).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(hasher.verify(&right, Some(&kept)));
        let wrong = Password::new("correct horse batterz".into());
        assert!(!hasher.verify(&wrong, Some(&kept)));
        assert!(!hasher.verify(&right, None));
        assert!(!hasher.verify(&right, Some("not a hash")));
    }

    #[test]
    fn length_counts_characters_and_nothing_else_is_asked() {
        assert!(check("seven77").is_err());
        assert!(check("पार्किंगस्थल").is_ok());
        assert!(check("all lower case").is_ok());
        assert!(check(&"x".repeat(129)).is_err());
    }

    #[test]
    fn the_commonest_and_the_personal_are_refused() {
        for password in ["password", "PassWord1", "12345678", "asha rao", "asha@example.org"] {
            assert!(check(password).is_err(), "{password}");
        }
    }

    #[test]
    fn the_commonest_are_three_thousand_that_no_other_rule_refuses() {
        let common: Vec<_> = COMMON.lines().collect();
        assert!(common.len() >= 3000 && common.is_sorted_by(|a, b| a < b));
        let fit = |word: &&&str| word.len() >= LENGTH_MIN && word.to_lowercase() == **word;
        assert_eq!(common.iter().filter(fit).count(), common.len());
    }

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", Password::new("secret word".into())), "Password(..)");
    }
}
