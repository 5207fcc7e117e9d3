//! TLS for the listener: given certificate files, or an authority of our own for development.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keybearer_core::{Clock, Code, Error, Result, SecretString, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

/// Whether a request came through our own TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secure(pub bool);

const DAY: Duration = Duration::from_secs(86_400);

/// Longest life that Apple's clients accept of a certificate is 398 days.
const LIFE_DAYS: u32 = 397;

/// How much life a stored certificate must have left to be used again.
const SPARE_DAYS: u32 = 14;

/// Reads certificate chain and key from PEM files.
///
/// # Errors
/// [`Code::ConfigInvalid`] naming the file that cannot be used.
pub fn from_files(certificate: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>> {
    let unusable = |path: &Path| format!("{} is not a usable PEM file", path.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| Error::new(Code::ConfigInvalid, unusable(certificate)).with_source(error))?;
    let key_der = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| Error::new(Code::ConfigInvalid, unusable(key)).with_source(error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS cannot be set up").with_source(error))?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| {
            let detail = format!("{} and {} do not belong together", certificate.display(), key.display());
            Error::new(Code::ConfigInvalid, detail).with_source(error)
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A certificate of our own authority, for development.
#[derive(Debug)]
pub struct Development {
    /// For the listener.
    pub config: Arc<rustls::ServerConfig>,
    /// The authority's certificate, which clients must trust.
    pub ca_file: PathBuf,
}

/// Uses the authority and the certificate in `folder`, and makes them when they are missing, near their end, or
/// made for other names. Keys are readable by their owner only.
///
/// `names` are DNS names and IP addresses besides localhost, 127.0.0.1 and ::1.
///
/// # Errors
/// [`Code::ConfigInvalid`] when the folder cannot be used.
pub fn development(folder: &Path, names: &[String], clock: &dyn Clock) -> Result<Development> {
    let files = Files::new(folder);
    let mut wanted = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    wanted.extend(
        names.iter().filter(|name| !["localhost", "127.0.0.1", "::1"].contains(&name.as_str())).cloned(),
    );
    if !files.are_good(&wanted, clock.now()) {
        make(&files, wanted, clock.now())?;
    }
    let config = from_files(&files.certificate, &files.key)?;
    Ok(Development { config, ca_file: files.authority })
}

struct Files {
    folder: PathBuf,
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    facts: PathBuf,
}

/// What was made, so that nobody has to parse certificates to know when they end.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Facts {
    names: Vec<String>,
    ends_at: String,
}

impl Files {
    fn new(folder: &Path) -> Self {
        let file = |name: &str| folder.join(name);
        Self {
            folder: folder.to_owned(),
            authority: file("ca.pem"),
            certificate: file("server.pem"),
            key: file("server-key.pem"),
            facts: file("tls.json"),
        }
    }

    fn are_good(&self, wanted: &[String], now: Timestamp) -> bool {
        let facts = fs::read(&self.facts).ok().and_then(|bytes| serde_json::from_slice::<Facts>(&bytes).ok());
        let ends_at = facts.as_ref().and_then(|facts| Timestamp::parse_rfc3339(&facts.ends_at));
        facts.is_some_and(|facts| facts.names == wanted)
            && ends_at.is_some_and(|end| end > now.plus(DAY * SPARE_DAYS))
            && [&self.authority, &self.certificate, &self.key].into_iter().all(|path| path.is_file())
    }
}

/// Makes an authority and one certificate. The authority's key is thrown away: nobody can later issue a certificate
/// for another name with it, whoever trusts it.
fn make(files: &Files, names: Vec<String>, now: Timestamp) -> Result<()> {
    let broken = |error: rcgen::Error| Error::internal("a certificate cannot be made").with_source(error);
    let folder = |error: io::Error| {
        let detail = format!("the folder {} cannot be written", files.folder.display());
        Error::new(Code::ConfigInvalid, detail).with_source(error)
    };
    let authority_key = KeyPair::generate().map_err(broken)?;
    let mut authority = CertificateParams::new(Vec::new()).map_err(broken)?;
    authority.distinguished_name.push(DnType::CommonName, "Keybearer development authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut authority, now);
    let authority_certificate = authority.self_signed(&authority_key).map_err(broken)?;

    let leaf_key = KeyPair::generate().map_err(broken)?;
    let mut leaf = CertificateParams::new(Vec::new()).map_err(broken)?;
    leaf.distinguished_name.push(DnType::CommonName, "Keybearer development server");
    leaf.subject_alt_names = names.iter().map(|name| alternative_name(name)).collect::<Result<_>>()?;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    set_validity(&mut leaf, now);
    let leaf_certificate =
        leaf.signed_by(&leaf_key, &Issuer::new(authority, &authority_key)).map_err(broken)?;

    fs::create_dir_all(&files.folder).map_err(folder)?;
    // the facts go last: a start that breaks off in between makes everything again
    let _ = fs::remove_file(&files.facts);
    write(&files.authority, authority_certificate.pem().as_bytes(), 0o644).map_err(folder)?;
    let chain = format!("{}{}", leaf_certificate.pem(), authority_certificate.pem());
    write(&files.certificate, chain.as_bytes(), 0o644).map_err(folder)?;
    let leaf_pem = SecretString::new(leaf_key.serialize_pem());
    write(&files.key, leaf_pem.expose().as_bytes(), 0o600).map_err(folder)?;
    let facts = Facts { names, ends_at: now.plus(DAY * LIFE_DAYS).rfc3339() };
    let facts =
        serde_json::to_vec(&facts).map_err(|error| Error::internal("facts of TLS").with_source(error))?;
    write(&files.facts, &facts, 0o644).map_err(folder)
}

fn alternative_name(name: &str) -> Result<SanType> {
    if let Ok(address) = name.parse() {
        return Ok(SanType::IpAddress(address));
    }
    let dns = name.try_into().map_err(|_| {
        Error::new(Code::ConfigInvalid, format!("`{name}` is neither a host name nor an address"))
    })?;
    Ok(SanType::DnsName(dns))
}

fn set_validity(parameters: &mut CertificateParams, now: Timestamp) {
    // a day earlier, for clients whose clock is behind
    let (year, month, day) = calendar_day(now.minus(DAY));
    parameters.not_before = rcgen::date_time_ymd(year, month, day);
    let (year, month, day) = calendar_day(now.plus(DAY * LIFE_DAYS));
    parameters.not_after = rcgen::date_time_ymd(year, month, day);
}

fn calendar_day(time: Timestamp) -> (i32, u8, u8) {
    let text = time.rfc3339();
    let mut numbers = text.split(['-', 'T']).map(|part| part.parse::<i32>().unwrap_or(1));
    let year = numbers.next().unwrap_or(2024);
    let mut small = || u8::try_from(numbers.next().unwrap_or(1)).unwrap_or(1);
    (year, small(), small())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // a new file: the mode of an old one would stay
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
