//! The time and the source of ids, as inputs: core reads no clock and no random numbers.

/// The time of a request and a source of ids, supplied by the caller: the same context gives the same bytes.
///
/// ```
/// use openai_shim_core::Context;
/// let mut context = Context::fixed();
/// assert_eq!(context.created(), 1_700_000_000);
/// assert_ne!(context.new_id("chatcmpl-"), context.new_id("chatcmpl-"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    created: u64,
    seed: u64,
    count: u64,
}

impl Context {
    /// A context for a request at `created` (seconds since 1970). Its ids follow from `seed`, which should be random.
    pub fn new(created: u64, seed: u64) -> Self {
        Self { created, seed, count: 0 }
    }

    /// The same context every time, at 2023-11-14T22:13:20Z: for snapshots.
    pub fn fixed() -> Self {
        Self::new(1_700_000_000, 1)
    }

    /// The time of the request, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// Makes a new id: the prefix and 24 hexadecimal digits.
    pub fn new_id(&mut self, prefix: &str) -> String {
        self.count += 1;
        let high = mix(self.seed ^ self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let low = mix(high ^ self.seed.rotate_left(32));
        format!("{prefix}{high:016x}{:08x}", low >> 32)
    }
}

/// The finalizer of SplitMix64: spreads every bit of the input over the output.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
