//! Encrypts values that leave the process: a value and the name of its key in, bytes that only holders of the secret can make or
//! read out.

use crate::config::Secret;
use bytes::Bytes;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};

/// The first byte of a value that is not encrypted.
const PLAIN: u8 = 0;
/// The first byte of a value that is: behind it come the secret's id, the salt, and the ciphertext with its tag.
const SEALED: u8 = 1;
const ID_BYTES: usize = 4;
const SALT_BYTES: usize = 16;

/// Encrypts under the first secret, and decrypts under all. Without secrets, values stay as they are.
pub(crate) struct Sealer {
    secrets: Vec<SealingSecret>,
    random: SystemRandom,
}

/// What is derived from one secret.
struct SealingSecret {
    prk: hkdf::Prk,
    id: [u8; ID_BYTES],
}

/// Why a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It was encrypted under a secret that is not configured.
    OtherSecret,
    /// It is not encrypted, although there is a secret.
    NotSealed,
    /// It was changed, moved to another key, or is no value of this program.
    Damaged,
}

impl Unreadable {
    /// What happened and what helps, for the log.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::OtherSecret => {
                "it was encrypted under another secret: write that one into store.old_secrets, or give all replicas the same secret"
            }
            Self::NotSealed => {
                "it is not encrypted, although store.secret is set: give all replicas the same secret; what was stored without one is lost"
            }
            Self::Damaged => {
                "it was changed on its way, or another program writes these keys: give each program a prefix or a database of its own"
            }
        }
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

impl SealingSecret {
    fn new(secret: &Secret) -> Option<Self> {
        let prk =
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"openai-shim state").extract(secret.expose().as_bytes());
        let mut id = [0; ID_BYTES];
        prk.expand(&[b"id"], Length(ID_BYTES)).ok()?.fill(&mut id).ok()?;
        Some(Self { prk, id })
    }

    /// The key of one value. The salt is as random as a nonce must be, and longer: each key encrypts a single value, so
    /// that there is no limit on their number, and the nonce may be constant.
    fn key(&self, salt: &[u8]) -> Option<LessSafeKey> {
        let info = [b"value", salt];
        let okm = self.prk.expand(&info, &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(okm)))
    }
}

/// The length of what is derived.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

impl Sealer {
    pub(crate) fn new(secret: Option<&Secret>, old_secrets: &[Secret]) -> Self {
        let secrets = secret.into_iter().chain(old_secrets.iter().filter(|_| secret.is_some()));
        Self { secrets: secrets.filter_map(SealingSecret::new).collect(), random: SystemRandom::new() }
    }

    /// The bytes to keep under a key; `None`: the system gives no random numbers.
    pub(crate) fn seal(&self, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        let Some(secret) = self.secrets.first() else { return Some([&[PLAIN], value].concat()) };
        let mut salt = [0; SALT_BYTES];
        self.random.fill(&mut salt).ok()?;
        let mut text = value.to_vec();
        secret.key(&salt)?.seal_in_place_append_tag(nonce(), Aad::from(name), &mut text).ok()?;
        Some([&[SEALED], &secret.id[..], &salt, &text].concat())
    }

    /// The value that was stored under a key.
    pub(crate) fn open(&self, name: &str, mut sealed: Vec<u8>) -> Result<Bytes, Unreadable> {
        match (sealed.first(), self.secrets.is_empty()) {
            (Some(&PLAIN), true) => return Ok(Bytes::from(sealed).slice(1..)),
            // Anyone who can write to the store could have written it.
            (Some(&PLAIN), false) => return Err(Unreadable::NotSealed),
            (Some(&SEALED), true) => return Err(Unreadable::OtherSecret),
            (Some(&SEALED), false) => {}
            _ => return Err(Unreadable::Damaged),
        }
        let (id, salt) = (1..1 + ID_BYTES, 1 + ID_BYTES..1 + ID_BYTES + SALT_BYTES);
        let start = salt.end;
        let id = sealed.get(id).ok_or(Unreadable::Damaged)?;
        let secret = self.secrets.iter().find(|secret| secret.id == id).ok_or(Unreadable::OtherSecret)?;
        let key = sealed.get(salt).and_then(|salt| secret.key(salt)).ok_or(Unreadable::Damaged)?;
        let opened = key.open_within(nonce(), Aad::from(name), &mut sealed, start..);
        let length = opened.map_err(|_| Unreadable::Damaged)?.len();
        // The text now stands at the beginning.
        sealed.truncate(length);
        Ok(Bytes::from(sealed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.repeat(8))
    }

    #[test]
    fn value_is_read_under_its_own_key_and_secret_only() {
        let sealer = Sealer::new(Some(&secret("new!")), &[secret("old!")]);
        let sealed = sealer.seal("a", b"a conversation").unwrap();
        assert!(!sealed.windows(4).any(|part| part == b"conv"));
        assert_ne!(sealer.seal("a", b"a conversation").unwrap(), sealed);
        assert_eq!(sealer.open("a", sealed.clone()).unwrap(), "a conversation");
        assert_eq!(sealer.open("b", sealed.clone()), Err(Unreadable::Damaged));
        let other = Sealer::new(Some(&secret("else")), &[]);
        assert_eq!(other.open("a", sealed.clone()), Err(Unreadable::OtherSecret));
        assert_eq!(Sealer::new(None, &[]).open("a", sealed), Err(Unreadable::OtherSecret));
    }

    #[test]
    fn value_of_an_old_secret_is_still_read() {
        let sealed = Sealer::new(Some(&secret("old!")), &[]).seal("a", b"").unwrap();
        let rotated = Sealer::new(Some(&secret("new!")), &[secret("old!")]);
        assert_eq!(rotated.open("a", sealed).unwrap(), "");
    }

    #[test]
    fn plain_value_is_refused_where_there_is_a_secret() {
        let plain = Sealer::new(None, &[]);
        let sealed = plain.seal("a", b"x").unwrap();
        assert_eq!(plain.open("a", sealed.clone()).unwrap(), "x");
        assert_eq!(Sealer::new(Some(&secret("new!")), &[]).open("a", sealed), Err(Unreadable::NotSealed));
    }

    #[test]
    fn every_changed_or_cut_value_is_refused() {
        let sealer = Sealer::new(Some(&secret("new!")), &[]);
        let sealed = sealer.seal("a", b"some text").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x80;
            assert!(sealer.open("a", changed).is_err(), "{at}");
            assert!(sealer.open("a", sealed[..at].to_vec()).is_err(), "{at}");
        }
        assert_eq!(sealer.open("a", Vec::new()), Err(Unreadable::Damaged));
    }
}
