//! Reads `tls`: the files of a certificate chain and of its key in, what rustls serves with out.

use super::secret;
use super::toml_tree::Section;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// TLS for clients.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The file of the certificate chain.
    pub cert: PathBuf,
    /// The certificate with its key, as rustls serves with it.
    pub(crate) server: Arc<ServerConfig>,
}

/// The section, if there is one.
pub(super) fn read(top: &Section<'_>, folder: &Path) -> Option<Tls> {
    top.get("tls")?;
    let section = top.section("tls");
    let chain = section.text("cert", |path| {
        let path = secret::file_path(path, folder)?;
        Ok((chain(&path)?, path))
    });
    let key = section.text("key", |path| key(&secret::file_path(path, folder)?));
    for (name, example) in [("cert", "\"fullchain.pem\""), ("key", "\"privkey.pem\"")] {
        if section.get(name).is_none() {
            section.missing(name, example);
        }
    }
    let ((chain, cert), key) = (chain?.value, key?);
    match server(chain, key.value) {
        Ok(server) => Some(Tls { cert, server }),
        Err(what) => {
            section.fault("key", &key.span, what);
            None
        }
    }
}

fn server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let server = versions.with_no_client_auth().with_single_cert(chain, key);
    let mut server = server.map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => String::from(
            "this key does not belong to the first certificate of tls.cert; write the files of one pair",
        ),
        error => format!("the pair of tls.cert and this key cannot be used: {error}"),
    })?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read_file(path, "the certificate chain")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| not_pem(path, &error))?;
    if chain.is_empty() {
        let shown = path.display();
        return Err(format!(
            "{shown} holds no certificate; write the path of a PEM file (BEGIN CERTIFICATE)"
        ));
    }
    Ok(chain)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read_file(path, "the private key")?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let shown = path.display();
        let is_encrypted = memchr::memmem::find(&text, b"ENCRYPTED").is_some();
        match error {
            _ if is_encrypted => format!(
                "the key in {shown} is encrypted, and a server has no password for it; decrypt it with \
                 `openssl pkey -in {shown} -out FILE` and write FILE"
            ),
            pem::Error::NoItemsFound => {
                format!("{shown} holds no private key; write the path of a PEM file (BEGIN PRIVATE KEY)")
            }
            error => not_pem(path, &error),
        }
    })
}

fn read_file(path: &Path, what: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| {
        format!("{} cannot be read ({error}); write the path of the PEM file with {what}", path.display())
    })
}

fn not_pem(path: &Path, error: &pem::Error) -> String {
    format!("{} is no PEM file ({error}); export it again", path.display())
}
