//! How is a worker sandboxed before it sees data from outside?
//!
//! The worker here may read files below one directory, and nothing else of the file system: the
//! kernel enforces it. The restriction (Landlock) is set before the arguments are decoded, and no
//! code in the process can lift it again.
//!
//! ```text
//! cargo run --example sandbox
//! ```

use std::io::Read;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, path_beneath_rules,
};
use multiproc::{Fd, RemoteError, worker};

/// The directory below which the worker may read.
const ALLOWED: &str = "/usr";

/// Runs in the worker's process, before anything of its arguments is decoded.
///
/// If it panics, the worker does not run: better none than one without a sandbox.
fn lock_in() {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create)
        .and_then(|ruleset| {
            ruleset.add_rules(path_beneath_rules([ALLOWED], AccessFs::from_read(ABI::V1)))
        })
        .and_then(RulesetCreated::restrict_self)
        .expect("this example needs a kernel with Landlock, 5.13 or later");
    assert_eq!(status.ruleset, RulesetStatus::FullyEnforced);
}

/// The number of entries of a directory.
#[worker]
fn count_entries(directory: &Path) -> Result<usize, RemoteError> {
    Ok(std::fs::read_dir(directory)?.count())
}

/// The number of bytes of a file that the parent has opened.
#[worker]
fn count_bytes(mut file: Fd<std::fs::File>) -> Result<usize, RemoteError> {
    let mut bytes = Vec::new();
    Ok(file.read_to_end(&mut bytes)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for directory in [ALLOWED, "/etc"].map(Path::new) {
        let outcome = count_entries::call(directory)
            .before_worker(lock_in)
            .run()?;
        match outcome {
            Ok(count) => println!("{}: {count} entries", directory.display()),
            Err(error) => println!("{}: {error}", directory.display()),
        }
    }

    // A file that is already open stays open: the parent decides, file by file.
    let path = "/etc/passwd";
    let file = Fd::new(std::fs::File::open(path)?);
    let bytes = count_bytes::call(file).before_worker(lock_in).run()??;
    println!("{path}, opened by the parent: {bytes} bytes");
    Ok(())
}
