//! Upstream and load generator of `../rows.py`: one small program on plain sockets, so that it costs little compared to what is
//! measured.
//!
//! ```text
//! lab upstream ADDRESS
//! lab drive --url URL --body FILE --needle TEXT --end TEXT [--want N] [--conns N] [--secs S | --total N] [--sample FILE] [--hold]
//! ```

mod drive;
mod upstream;

use tokio::net::TcpStream;

/// Reads available bytes; 0 at the end.
async fn read(stream: &TcpStream, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    match arguments.split_first() {
        Some((mode, rest)) if mode == "upstream" && rest.len() == 1 => {
            local.block_on(&runtime, upstream::serve(&rest[0]));
        }
        Some((mode, rest)) if mode == "drive" => local.block_on(&runtime, drive::drive(rest)),
        _ => {
            eprintln!("lab upstream ADDRESS | lab drive …; it is part of openai-shim-server/benches/rows.py");
        }
    }
}
