//! Puts this program where the runner container finds it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::place::{Place, RUNNER, SHIM, part_of, publish};

/// May be done again, also while the program runs from there.
pub fn install(dir: &Path) -> io::Result<()> {
    let place = Place::new(dir);
    let named =
        |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let bin = place.bin();
    fs::create_dir_all(&bin)
        .and_then(|()| fs::set_permissions(&bin, Permissions::from_mode(0o755)))
        .map_err(|error| named(&bin, error))?;
    place.make_shared().map_err(|error| named(&place.shared(), error))?;

    let runner = place.runner();
    let part = part_of(&runner);
    fs::copy(std::env::current_exe()?, &part)
        .and_then(|_| publish(&part, &runner, 0o755))
        .map_err(|error| named(&runner, error))?;

    // Relative, so that the containers may mount the directory wherever they like.
    let shim = bin.join(SHIM);
    let part = part_of(&shim);
    let _ = fs::remove_file(&part);
    symlink(Path::new("..").join(RUNNER), &part)
        .and_then(|()| fs::rename(&part, &shim))
        .map_err(|error| named(&shim, error))
}
