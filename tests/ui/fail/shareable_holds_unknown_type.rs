use multiproc::Shareable;

#[derive(Shareable)]
struct Counters {
    total: AtomicU64,
}

fn main() {
    let _ = multiproc::shm::Shared::new(Counters { total: 0 });
}
