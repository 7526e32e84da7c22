use multiproc::Shareable;

#[derive(Shareable)]
struct Job {
    number: u32,
    run: dyn Fn(u32),
}

#[derive(Shareable)]
struct Jobs([Option<&'static (dyn Fn(u32) + Sync)>; 2]);

fn main() {
    let _ = |job: &Job| (job.run)(job.number);
    let _ = |jobs: Jobs| jobs.0.len();
}
