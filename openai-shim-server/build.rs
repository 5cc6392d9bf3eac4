//! What runs at the start and for each request stands together in the program: only pages that are touched count as its
//! memory, and the kernel brings in sixteen at a time. `order.ld` names these functions (`.ci/order.py` writes it); names
//! that there are not do no harm.

use std::env::{var, var_os};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=order.ld");
    let is = |key, value| var(key).is_ok_and(|v| v == value);
    let (Some(here), Some(out)) = (var_os("CARGO_MANIFEST_DIR"), var_os("OUT_DIR")) else { return };
    let argument = format!("-Wl,-T,{}", Path::new(&here).join("order.ld").display());
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && links(&argument, Path::new(&out)) {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}

/// Whether this machine's linker knows such a script: not all do.
fn links(argument: &str, out: &Path) -> bool {
    let mut rustc = Command::new(var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args([
        "--crate-name",
        "probe",
        "--edition",
        "2024",
        "-",
        "-C",
        &format!("link-arg={argument}"),
        "-o",
    ]);
    rustc.arg(out.join("probe"));
    if let Ok(target) = var("TARGET") {
        rustc.args(["--target", &target]);
    }
    if let Ok(linker) = var("RUSTC_LINKER") {
        rustc.args(["-C", &format!("linker={linker}")]);
    }
    let flags = var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    let probe = rustc.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    probe.is_ok_and(|mut probe| {
        let written = probe.stdin.take().is_some_and(|mut stdin| stdin.write_all(b"fn main() {}").is_ok());
        written && probe.wait().is_ok_and(|status| status.success())
    })
}
