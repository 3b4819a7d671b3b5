//! The Python program that signs what it is fed. It reads the key itself, as nothing in the usual openssl can.

use super::quoting::{file, no_origin, quoted};
use crate::cli::trouble::CliError;
use scanhook_core::signature::{Algorithm, Encoding, Key, KeyEncoding, Scheme, SecretOrigin};

/// A Python program that signs what it is fed. It reads the key itself, as nothing in the usual openssl can.
pub(super) fn signer(scheme: &Scheme) -> Result<String, CliError> {
    let (read, place) = match scheme.keys.first().and_then(Key::origin) {
        Some(SecretOrigin::File(path)) => ("open(sys.argv[1],\"rb\").read()", quoted(&file(path)?)),
        Some(SecretOrigin::Variable(name)) => {
            ("os.environb[os.fsencode(sys.argv[1])]", quoted(name))
        }
        None => return Err(no_origin()),
    };
    let hash = match scheme.algorithm {
        Algorithm::Sha256 => "sha256",
        Algorithm::Sha512 => "sha512",
        Algorithm::Sha1 => "sha1",
    };
    let base64 =
        "k=base64.b64decode(k.strip().translate(bytes.maketrans(b\"-_\",b\"+/\"))+b\"==\"); ";
    let decode = match scheme.key_encoding {
        KeyEncoding::Raw => String::new(),
        KeyEncoding::Hex => "k=bytes.fromhex(k.decode()); ".to_owned(),
        KeyEncoding::Base64 => base64.to_owned(),
        KeyEncoding::Whsec => {
            format!("k=k.strip(); k=k[6:] if k[:6]==b\"whsec_\" else k; {base64}")
        }
    };
    let print = match scheme.encoding {
        Encoding::Hex => "t.hex()",
        Encoding::Base64 => "base64.b64encode(t).decode()",
    };
    Ok(format!(
        "python3 -c 'import base64,hmac,os,sys; k={read}; k=k[:-2] if k[-2:]==b\"\\r\\n\" else k[:-1] if k[-1:]==b\"\\n\" \
         else k; {decode}t=hmac.new(k,sys.stdin.buffer.read(),\"{hash}\").digest(); print({print})' {place}"
    ))
}
