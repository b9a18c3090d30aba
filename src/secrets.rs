//! The secrets of an installation: made on the first start, readable by its owner only.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::auth::tokens::{derive_key, encode};
use crate::config::Config;
use crate::ids;

/// The keys of an installation.
pub struct Keys {
    pub access_tokens: [u8; 32],
    /// Signs what a link in a mail may do.
    pub links: [u8; 32],
    /// Names the installation where several share a server, and tells nothing of the secret.
    pub fingerprint: String,
}

impl Keys {
    /// # Errors
    /// When the secret can be neither read nor made.
    pub fn of(config: &Config) -> Result<Self, String> {
        let secret = match &config.secret_key {
            Some(secret) => secret.clone(),
            None => kept(&config.data_dir.join("secrets"), "secret_key")?,
        };
        let for_tokens = config.jwt_secret_key.as_ref().unwrap_or(&secret);
        Ok(Self {
            access_tokens: derive_key(for_tokens.as_bytes(), "access tokens"),
            links: derive_key(secret.as_bytes(), "links"),
            fingerprint: encode(&derive_key(secret.as_bytes(), "fingerprint")[..12]),
        })
    }
}

/// Makes a folder that only its owner may enter, unless it is there.
///
/// # Errors
/// When it cannot be made.
pub fn private_folder(path: &Path) -> Result<(), String> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn kept(folder: &Path, name: &str) -> Result<String, String> {
    private_folder(folder)?;
    let path = folder.join(name);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    match fs::read_to_string(&path) {
        Ok(secret) if secret.trim().len() >= 32 => return Ok(secret.trim().to_owned()),
        Ok(_) => {
            return Err(format!(
                "{}: holds no secret; remove the file and one is made (links in mails that are out stop working)",
                path.display()
            ));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // Under another name first: a crash leaves no half secret, and of two starts one wins.
    let secret = encode(&ids::new_secret());
    let draft = folder.join(format!("{name}.{}", std::process::id()));
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{secret}")?;
        file.sync_all()?;
        let linked = fs::hard_link(&draft, &path);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            linked => linked?,
        }
        fs::File::open(folder)?.sync_all()?;
        fs::read_to_string(&path)
    };
    write().map(|secret| secret.trim().to_owned()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("secrets");
        let first = kept(&secrets, "key").unwrap();
        assert_eq!(kept(&secrets, "key").unwrap(), first);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&secrets.join("key")), 0o600);
        assert_eq!(mode(&secrets), 0o700);
        assert_eq!(fs::read_dir(&secrets).unwrap().count(), 1);
    }

    #[test]
    fn an_emptied_secret_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "").unwrap();
        assert!(kept(folder.path(), "key").unwrap_err().contains("holds no secret"));
    }
}
