//! Derives owners of state from client keys: key in, HMAC tag out, from which the key cannot be computed.

use crate::config::Secret;
use openai_shim_core::state::Owner;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};
use std::collections::HashMap;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};

/// How many bytes of the HMAC the tag has.
const TAG_BYTES: usize = 16;

/// A random secret, which a process derives owners with where none is configured.
pub(crate) struct OwnerSecret([u8; digest::SHA256_OUTPUT_LEN]);

/// The owners under earlier secrets, by the owner of the same client key under the present one.
pub(crate) type FormerOwners = HashMap<Owner, Vec<Owner>>;

/// The owners of a server, in the order of its client keys.
#[derive(Debug)]
pub(crate) struct Owners(Vec<Owner>);

impl Owners {
    /// Derives the owners of client keys. With a configured secret they are the same on every replica and after a restart;
    /// with the process's own they differ with each start.
    pub(crate) fn new<'k>(
        keys: impl IntoIterator<Item = &'k Secret>,
        configured: Option<&Secret>,
        own: &OwnerSecret,
    ) -> Self {
        Self::under(configured.map_or(own.0.as_slice(), |secret| secret.expose().as_bytes()), keys)
    }

    fn under<'k>(secret: &[u8], keys: impl IntoIterator<Item = &'k Secret>) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self(keys.into_iter().map(|key| owner(&secret, key)).collect())
    }

    /// What client keys owned before the secret was changed.
    pub(crate) fn former<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Secret> + Clone,
        old_secrets: &[Secret],
    ) -> FormerOwners {
        if old_secrets.is_empty() {
            return FormerOwners::new();
        }
        let old: Vec<Self> =
            old_secrets.iter().map(|secret| Self::under(secret.expose().as_bytes(), keys.clone())).collect();
        let former = |index| old.iter().filter_map(|owners| owners.get(index).cloned()).collect();
        self.0.iter().enumerate().map(|(index, owner)| (owner.clone(), former(index))).collect()
    }

    /// The owner of the client key with this index.
    pub(crate) fn get(&self, index: usize) -> Option<&Owner> {
        self.0.get(index)
    }
}

fn owner(secret: &hmac::Key, key: &Secret) -> Owner {
    let tag = hmac::sign(secret, key.expose().as_bytes());
    let mut text = String::with_capacity(2 * TAG_BYTES);
    for byte in tag.as_ref().iter().take(TAG_BYTES) {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Owner::new(text)
}

impl OwnerSecret {
    pub(crate) fn random() -> Self {
        let mut secret = [0; digest::SHA256_OUTPUT_LEN];
        if SystemRandom::new().fill(&mut secret).is_err() {
            // Without system randomness, the seed of the hash maps is the best there is.
            for chunk in secret.chunks_mut(8) {
                let number = std::collections::hash_map::RandomState::new().build_hasher().finish();
                chunk.copy_from_slice(number.to_le_bytes().get(..chunk.len()).unwrap_or_default());
            }
        }
        Self(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_has_the_same_tag_under_the_same_secret_only() {
        let keys = ["first-client-key", "second-client-key"].map(Secret::new);
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let own = [OwnerSecret::random(), OwnerSecret::random()];
        let (a, b) = (Owners::new(&keys, Some(&secret), &own[0]), Owners::new(&keys, Some(&secret), &own[1]));
        assert_eq!((a.get(0), a.get(1)), (b.get(0), b.get(1)));
        assert_ne!(a.get(0), a.get(1));
        assert_eq!(a.get(2), None);
        // Computed by another implementation of HMAC-SHA256.
        assert_eq!(a.get(0).unwrap().to_string(), "key-90c33c8b6a2db81c8dd343f7e938c132");
        let other =
            Owners::new(&keys, Some(&Secret::new("another secret of thirty-two characters")), &own[0]);
        assert_ne!(a.get(0), other.get(0));
        // Without a configured secret, each process has its own random one.
        let of_process = |own| Owners::new(&keys, None, own).get(0).cloned();
        assert_eq!(of_process(&own[0]), of_process(&own[0]));
        assert_ne!(of_process(&own[0]), of_process(&own[1]));
    }
}
