use std::cell::Cell;

struct Counter {
    count: Cell<u64>,
}

#[multiproc::service(threads = 4)]
impl Counter {
    fn new() -> Self {
        Counter { count: Cell::new(0) }
    }

    fn get(&self) -> u64 {
        self.count.get()
    }
}

struct Table {
    start: *mut u8,
}

unsafe impl Sync for Table {}

#[multiproc::service(threads = 4)]
impl Table {
    fn new() -> Self {
        Table { start: std::ptr::null_mut() }
    }

    fn set(&mut self) -> bool {
        self.start.is_null()
    }
}

fn main() {
    let counter = CounterClient::new().spawn().unwrap();
    counter.get().run().unwrap();
    let table = TableClient::new().spawn().unwrap();
    table.set().run().unwrap();
}
