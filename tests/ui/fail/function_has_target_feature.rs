use multiproc::worker;

#[worker]
#[target_feature(enable = "avx2")]
fn sum(numbers: &[f32]) -> f32 {
    numbers.iter().sum()
}

fn main() {
    let _: f32 = sum::run(&[1.0]).unwrap();
}
