//! Raw samples of sound: what their media type says of them, and the header that makes a WAV file of them.

/// How raw samples are to be read. Each has 16 bits, the low byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmFormat {
    /// Samples in a second.
    pub rate: u32,
    /// Samples at a time.
    pub channels: u16,
}

const BITS: u16 = 16;
const DEFAULT_RATE: u32 = 24_000;
const HEADER_BYTES: u32 = 44;

impl PcmFormat {
    /// Reads a media type (`audio/L16;codec=pcm;rate=24000`); `None`: it is no type of raw samples.
    ///
    /// RFC 2586 puts the high byte first. Google sends the low byte first under the same name:
    /// <https://ai.google.dev/gemini-api/docs/speech-generation>.
    pub fn of(media_type: &str) -> Option<Self> {
        let mut parts = media_type.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        if !matches!(name.as_str(), "audio/l16" | "audio/pcm" | "audio/raw") {
            return None;
        }
        let mut format = Self { rate: DEFAULT_RATE, channels: 1 };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                "rate" => format.rate = value.trim().parse().ok().filter(|rate| *rate > 0)?,
                "channels" => format.channels = value.trim().parse().ok().filter(|count| *count > 0)?,
                _ => {}
            }
        }
        Some(format)
    }

    /// A WAV file of these samples; `None`: it would be larger than such a file can be.
    ///
    /// <https://learn.microsoft.com/en-us/windows/win32/xaudio2/resource-interchange-file-format--riff->
    pub fn to_wav(self, samples: &[u8]) -> Option<Vec<u8>> {
        let length = u32::try_from(samples.len()).ok()?;
        let whole = length.checked_add(HEADER_BYTES - 8)?;
        let block = self.channels.checked_mul(BITS / 8)?;
        let mut file = Vec::with_capacity(samples.len().saturating_add(HEADER_BYTES as usize));
        file.extend_from_slice(b"RIFF");
        file.extend_from_slice(&whole.to_le_bytes());
        file.extend_from_slice(b"WAVEfmt ");
        file.extend_from_slice(&16_u32.to_le_bytes());
        file.extend_from_slice(&1_u16.to_le_bytes());
        file.extend_from_slice(&self.channels.to_le_bytes());
        file.extend_from_slice(&self.rate.to_le_bytes());
        file.extend_from_slice(&self.rate.checked_mul(u32::from(block))?.to_le_bytes());
        file.extend_from_slice(&block.to_le_bytes());
        file.extend_from_slice(&BITS.to_le_bytes());
        file.extend_from_slice(b"data");
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(samples);
        Some(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_type_says_how_samples_are_read() {
        let format = |rate, channels| Some(PcmFormat { rate, channels });
        for (media_type, expected) in [
            ("audio/L16;codec=pcm;rate=24000", format(24_000, 1)),
            ("audio/l16; Rate=16000; channels=2", format(16_000, 2)),
            ("audio/pcm", format(24_000, 1)),
            ("audio/L16;rate=fast", None),
            ("audio/wav", None),
            ("", None),
        ] {
            assert_eq!(PcmFormat::of(media_type), expected, "{media_type}");
        }
    }

    #[test]
    fn wav_file_is_a_header_and_the_samples() {
        let file = PcmFormat { rate: 24_000, channels: 1 }.to_wav(&[1, 2, 3, 4]).unwrap();
        let expected = b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\x04\0\0\0\x01\x02\x03\x04";
        assert_eq!(file, expected);
    }
}
