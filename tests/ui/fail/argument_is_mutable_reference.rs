use multiproc::worker;

#[worker]
fn sort(numbers: &mut Vec<f64>) {
    numbers.sort_by(f64::total_cmp);
}

#[worker]
fn fill(numbers: &mut [f64], value: f64) {
    numbers.fill(value);
}

fn main() {
    let mut numbers = vec![2.0, 1.0];
    sort::run(&mut numbers).unwrap();
    fill::run(&mut numbers, 3.0).unwrap();
}
