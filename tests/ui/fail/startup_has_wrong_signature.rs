use multiproc::startup;

#[startup]
fn takes(level: u8) {
    let _ = level;
}

#[startup]
fn returns() -> Result<(), String> {
    Ok(())
}

#[startup]
fn diverges() -> ! {
    std::process::exit(0)
}

#[startup(priority = 1)]
async unsafe extern "C" fn qualified<T>() {}

struct Logger;

impl Logger {
    #[startup]
    fn start(&self) {}
}

fn main() {
    takes(1);
    returns().unwrap();
    let _ = qualified::<u8>;
    let _ = diverges;
    Logger.start();
}
