use multiproc::worker;

#[worker(priority = 10, crate = 1)]
async unsafe fn work<T>(input: &mut T, label: Option<&str>, (_, log): (u8, Box<dyn Fn(&str)>)) -> *mut u8 {
    log(label.unwrap_or_default());
    (&raw mut *input).cast()
}

fn main() {}
