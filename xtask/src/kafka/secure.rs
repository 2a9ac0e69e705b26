//! A listener that demands TLS and a password, for tests of both: one certificate that signs itself, one user, known by PLAIN
//! and by SCRAM. The password is no secret: whoever reads this can reach nothing but a broker of a test on their own machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::child;

pub const USER: &str = "tiltwise";
pub const PASSWORD: &str = "open-sesame";

/// For the store of the broker's key, which lies beside it.
const STORE: &str = "not-a-secret";

/// The certificate, which a client is to trust.
pub fn certificate(folder: &Path) -> PathBuf {
    folder.join("broker.pem")
}

/// Makes the broker's key and certificate.
pub fn make_key(folder: &Path) -> Result<()> {
    let store = folder.join("broker.p12");
    if store.exists() {
        return Ok(());
    }
    let keytool = |arguments: &[&str]| {
        let mut keytool = Command::new("keytool");
        keytool
            .args(arguments)
            .args(["-alias", "broker", "-storepass", STORE, "-keystore"]);
        keytool.arg(&store);
        keytool
    };
    let mut make = keytool(&["-genkeypair", "-keyalg", "RSA", "-storetype", "PKCS12"]);
    make.args([
        "-dname",
        "CN=localhost",
        "-ext",
        "san=ip:127.0.0.1,dns:localhost",
        "-validity",
        "3650",
    ]);
    child::output(&mut make)?;
    let mut export = keytool(&["-exportcert", "-rfc"]);
    export.arg("-file").arg(certificate(folder));
    child::output(&mut export)?;
    Ok(())
}

/// How the data folder is prepared so that it knows the user.
pub fn user() -> String {
    format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]")
}

/// What the listener adds to server.properties, with the lines that name it left to the caller.
pub fn properties(folder: &Path) -> String {
    let store = folder.join("broker.p12");
    let modules = "org.apache.kafka.common.security";
    format!(
        "ssl.keystore.type=PKCS12\n\
         ssl.keystore.location={}\n\
         ssl.keystore.password={STORE}\n\
         ssl.key.password={STORE}\n\
         sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512\n\
         listener.name.sasl_ssl.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";\n\
         listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;\n",
        store.display()
    )
}

/// The listener as server.properties names it.
pub fn listener(address: SocketAddr) -> String {
    format!("SASL_SSL://{address}")
}
