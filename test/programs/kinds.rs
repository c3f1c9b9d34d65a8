//! Enums, slices, generic functions and traits; prints a sum.
use std::env;

pub struct Point { pub x: i64, pub y: i64 }

pub enum Shape { Empty, Circle(i64), Square { side: i64 } }

#[inline(never)]
pub fn area(shape: &Shape) -> i64 {
    // The compiler cannot hand over the members instead of the address.
    let kept = unsafe { std::ptr::read_volatile(&shape) };
    match kept { Shape::Empty => 0, Shape::Circle(r) => 3 * r * r, Shape::Square { side } => side * side }
}

#[inline(never)]
pub fn length(text: &str, numbers: &[i64]) -> usize { text.len() + numbers.len() }

#[inline(never)]
pub fn largest<T: PartialOrd + Copy>(values: &[T]) -> T {
    let mut best = values[0];
    for &value in values { if value > best { best = value; } }
    best
}

pub trait Scale { fn scale(&self, by: i64) -> Point; }
impl Scale for Point {
    #[inline(never)]
    fn scale(&self, by: i64) -> Point {
        let kept = unsafe { std::ptr::read_volatile(&self) };
        Point { x: kept.x * by, y: kept.y * by }
    }
}

#[inline(never)]
pub fn checked(n: i64) -> Result<i64, String> { if n > 2 { Err(format!("{} is too large", n)) } else { Ok(n * 10) } }

fn main() {
    let rounds: i64 = env::args().nth(1).map(|a| a.parse().unwrap()).unwrap_or(4);
    let mut sum = 0;
    for i in 0..rounds {
        let shapes = [Shape::Empty, Shape::Circle(i), Shape::Square { side: i }];
        sum += shapes.iter().map(area).sum::<i64>();
        sum += length("text", &[i, i + 1]) as i64;
        sum += largest(&[i, 7, 3]) + largest(&[1u8, i as u8]) as i64;
        let p = Point { x: i, y: 2 * i }.scale(3);
        sum += p.x + p.y;
        sum += checked(i).unwrap_or(-1);
    }
    println!("{}", sum);
}
