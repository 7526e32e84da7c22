use std::cell::Cell;

use multiproc::shm::Shared;

fn main() {
    let _shared = Shared::new(Cell::new(1));
}
