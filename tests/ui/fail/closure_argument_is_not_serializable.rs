struct Job {
    number: u32,
}

fn main() {
    let job = Job { number: 7 };
    multiproc::run(job, |job| job.number).unwrap();
    let call = multiproc::call(7, |number| Job { number });
    call.run().unwrap();
}
