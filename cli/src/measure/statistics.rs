//! Sums up repeated measurements. Disturbances only ever add to a run, so the median and the minimum say more than the
//! mean. Ratios are averaged geometrically, so that twice as fast and half as fast cancel out.

/// The values in ascending order.
pub(crate) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The median of sorted values: the mean of the middle two if their number is even.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// A quantile of sorted values: the value below which `part` of them lie, interpolated linearly.
pub(crate) fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let place = values.len().checked_sub(1)? as f64 * part;
    let (lower, upper) = (values.get(place.floor() as usize)?, values.get(place.ceil() as usize)?);
    Some(lower + (upper - lower) * place.fract())
}

/// The geometric mean of positive values.
pub(crate) fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let logarithms: Vec<f64> = values.into_iter().map(f64::ln).collect();
    if logarithms.is_empty() {
        return None;
    }
    Some((logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0]), Some(1.5));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&sorted([9.0, 1.0, 4.0, 2.0])), Some(3.0));
    }

    #[test]
    fn quantiles_lie_between() {
        let values = [1.0, 2.0, 3.0, 5.0, 9.0];
        assert_eq!([0.0, 0.25, 0.75, 1.0].map(|part| quantile(&values, part)), [1.0, 2.0, 5.0, 9.0].map(Some));
        assert_eq!(quantile(&[1.0, 2.0], 0.25), Some(1.25));
        assert_eq!(quantile(&[], 0.25), None);
    }

    #[test]
    fn twice_and_half_cancel_out() {
        assert_eq!(geometric_mean([]), None);
        assert!((geometric_mean([2.0, 0.5]).unwrap() - 1.0).abs() < 1e-12);
        assert!((geometric_mean([1.0, 10.0, 100.0]).unwrap() - 10.0).abs() < 1e-9);
    }
}
