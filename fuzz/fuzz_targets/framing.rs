//! Calls `openai_shim_fuzz::framing` with libFuzzer's inputs, or with the files named as arguments.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| openai_shim_fuzz::framing(data));

#[cfg(not(fuzzing))]
fn main() {
    for path in std::env::args().skip(1) {
        match std::fs::read(&path) {
            Ok(data) => openai_shim_fuzz::framing(&data),
            Err(error) => eprintln!("{path}: {error}"),
        }
    }
}
