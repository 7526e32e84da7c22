use multiproc::worker;

/// As in tokio, crossbeam, flume..
mod other {
    pub struct Sender<T>(pub T);

    pub struct UnboundedReceiver<T>(pub T);
}

#[worker]
fn send(numbers: other::Sender<u64>) {
    let _ = numbers.0;
}

#[worker]
fn receive(numbers: Option<other::UnboundedReceiver<u64>>) {
    let _ = numbers;
}

fn main() {
    send::run(other::Sender(1)).unwrap();
    receive::run(None).unwrap();
}
