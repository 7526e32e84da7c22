use multiproc::startup;

struct Logger;

impl Logger {
    #[startup]
    fn start() {}
}

fn main() {
    Logger::start();
}
