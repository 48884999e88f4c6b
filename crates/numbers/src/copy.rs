//! Short copies of varying length without a call to `memcpy`.
//!
//! A line is five copies of 2 to 120 bytes. Two overlapping fixed-size copies cover each size
//! class, which the compiler turns into a handful of vector moves; lengths beyond 256 bytes go to
//! `copy_from_slice`. Nothing here reads or writes outside the given slices.

/// Copies `source` to `out[at..]` and returns where it ends.
///
/// # Panics
/// When `out` is too short, which callers rule out by asking for enough room.
#[inline(always)]
pub fn put(out: &mut [u8], at: usize, source: &[u8]) -> usize {
    let end = at + source.len();
    let target = &mut out[at..end];
    if source.len() > 64 {
        if source.len() <= 128 {
            ends::<64>(target, source);
        } else {
            target.copy_from_slice(source);
        }
    } else if source.len() >= 32 {
        ends::<32>(target, source);
    } else if source.len() >= 16 {
        ends::<16>(target, source);
    } else if source.len() >= 8 {
        ends::<8>(target, source);
    } else {
        for (to, from) in target.iter_mut().zip(source) {
            *to = *from;
        }
    }
    end
}

/// Copies `N <= source.len() <= 2 * N` bytes as the first `N` and the last `N`.
#[inline(always)]
fn ends<const N: usize>(target: &mut [u8], source: &[u8]) {
    if let (Some(to), Some(from)) = (target.first_chunk_mut::<N>(), source.first_chunk::<N>()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (target.last_chunk_mut::<N>(), source.last_chunk::<N>()) {
        *to = *from;
    }
}

/// Copies a whole padded array to `out[at..]`, of which `length` bytes count.
///
/// # Panics
/// When `out` has no room for the whole array.
#[inline(always)]
pub fn put_padded<const N: usize>(
    out: &mut [u8],
    at: usize,
    source: &[u8; N],
    length: usize,
) -> usize {
    out[at..at + N].copy_from_slice(source);
    at + length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_exactly() {
        let source: Vec<u8> = (0..400u32).map(|i| (i % 251 + 1) as u8).collect();
        for length in 0..source.len() {
            let mut out = vec![0; 420];
            assert_eq!(put(&mut out, 7, &source[..length]), 7 + length);
            assert_eq!(&out[7..7 + length], &source[..length]);
            assert!(
                out[..7]
                    .iter()
                    .chain(&out[7 + length..])
                    .all(|byte| *byte == 0)
            );
        }
    }
}
