#[multiproc::test]
#[rstest]
#[case(1)]
fn is_odd(#[case] number: u32) {
    assert_eq!(number % 2, 1);
}

#[multiproc::test]
#[test_case(1)]
fn is_positive(number: u32) {
    assert!(number > 0);
}

fn main() {}
