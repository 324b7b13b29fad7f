//! Installs this program in the volume, where the runner container finds it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::volume::{RUNNER, SHIM, Volume, publish, temporary_path, write_atomically};

/// The module that hands each start of the toolkit over to the runner.
const HOOK: &str = include_str!("sitecustomize.py");

/// Copies this program, the shim and the module for Python to `dir`. This can be repeated, even while the installed program runs.
pub fn install(dir: &Path) -> io::Result<()> {
    let volume = Volume::new(dir);
    let named =
        |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let (bin, hook) = (volume.bin_dir(), volume.hook_dir());
    for dir in [&bin, &hook] {
        fs::create_dir_all(dir)
            .and_then(|()| fs::set_permissions(dir, Permissions::from_mode(0o755)))
            .map_err(|error| named(dir, error))?;
    }
    volume.create_journal_dir().map_err(|error| named(&volume.journal_dir(), error))?;

    let runner = volume.runner();
    let part = temporary_path(&runner);
    fs::copy(std::env::current_exe()?, &part)
        .and_then(|_| publish(&part, &runner, 0o755))
        .map_err(|error| named(&runner, error))?;

    let module = hook.join("sitecustomize.py");
    write_atomically(&module, HOOK.as_bytes()).map_err(|error| named(&module, error))?;

    // The link is relative, so that each container can mount the directory at its own path.
    let shim = bin.join(SHIM);
    let part = temporary_path(&shim);
    let _ = fs::remove_file(&part);
    symlink(Path::new("..").join(RUNNER), &part)
        .and_then(|()| fs::rename(&part, &shim))
        .map_err(|error| named(&shim, error))
}
