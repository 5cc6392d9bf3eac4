//! Weighted rendezvous hashing: a conversation and a target to a score. The targets' order by score is the same in every replica, and
//! a target that is added or removed moves only its own share of the conversations.

/// A digest of a target's name, the same on every machine and in every release (FNV-1a).
pub(crate) fn name_digest(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The score of a target for a conversation, or for a request by its random number. The highest one is the first choice of a share of
/// all conversations that is proportional to the weight.
pub(crate) fn score(conversation: u64, target: u64, weight: u32) -> f64 {
    // A number from 0 to 1, without both of them, of 52 bits.
    #[allow(clippy::cast_precision_loss)] // the bits fit
    let uniform = ((mix(conversation ^ mix(target)) >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
    -f64::from(weight) / uniform.ln()
}

/// The finalizer of SplitMix64: spreads every bit of the input over the output.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["a/m", "b/m", "c/m", "d/m"];

    fn first(conversation: u64, names: &[&'static str], weight: impl Fn(&str) -> u32) -> &'static str {
        let score_of = |name: &str| score(conversation, name_digest(name), weight(name));
        names.iter().max_by(|a, b| score_of(a).total_cmp(&score_of(b))).unwrap()
    }

    #[test]
    fn shares_are_in_proportion_to_the_weights() {
        let weight = |name: &str| if name == "a/m" { 3 } else { 1 };
        let firsts = (0..60_000).filter(|c| first(*c, &NAMES, weight) == "a/m").count();
        assert!((29_000..31_000).contains(&firsts), "{firsts}");
    }

    #[test]
    fn removed_target_moves_only_its_own_conversations() {
        for conversation in 0..5_000 {
            let before = first(conversation, &NAMES, |_| 1);
            let after = first(conversation, &NAMES[..3], |_| 1);
            assert!(before == "d/m" || before == after);
        }
    }

    #[test]
    fn scores_do_not_change_between_releases() {
        let order: String = (0..16).map(|c| &first(c, &NAMES, |_| 1)[..1]).collect();
        assert_eq!(order, "dccadadbadcdbadd");
    }
}
