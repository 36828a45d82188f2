"""Weight statistics: landmarks of known laws, and errors."""

import numpy as np
import pytest

from rote.activity.weights import GAUSSIAN_RATIO, LAPLACE_RATIO, weight_statistics

SHAPE = (200, 500)


def test_landmarks_of_gaussian_and_laplace_weights(rng):
    gaussian = weight_statistics(rng.normal(size=SHAPE))
    laplace = weight_statistics(rng.laplace(size=SHAPE))
    # standard errors at 1e5 entries: ratio < .0022, kurtosis .016 (Gaussian) and < .2 (Laplace)
    assert gaussian.l1_l2_ratio == pytest.approx(GAUSSIAN_RATIO, abs=5 * 0.0022)
    assert laplace.l1_l2_ratio == pytest.approx(LAPLACE_RATIO, abs=5 * 0.0022)
    assert abs(gaussian.excess_kurtosis) < 5 * 0.016
    assert laplace.excess_kurtosis == pytest.approx(3, abs=5 * 0.2)


def test_norms_are_those_of_the_rows():
    measured = weight_statistics([[3.0, -4.0], [0.0, 1.0]])
    assert measured.norm_l1.tolist() == [7, 1]
    assert measured.norm_l2.tolist() == [5, 1]
    assert measured.l1_l2_ratio == pytest.approx(2 / np.sqrt(26 / 4))


def test_each_unit_has_a_shape_of_its_own(rng):
    matrix = np.stack([rng.normal(size=4000), rng.laplace(size=4000)])
    measured = weight_statistics(matrix)
    for unit, row in enumerate(matrix):
        alone = weight_statistics(row[None])
        assert measured.unit_l1_l2_ratio[unit] == pytest.approx(alone.l1_l2_ratio)
        assert measured.unit_excess_kurtosis[unit] == pytest.approx(alone.excess_kurtosis)
        away = row - row.mean()
        definition = (away**4).mean() / (away**2).mean() ** 2 - 3
        assert measured.unit_excess_kurtosis[unit] == pytest.approx(definition)


def test_units_without_a_shape_have_none():
    measured = weight_statistics([[0.0, 0.0, 0.0], [2.0, 2.0, 2.0], [0.0, 0.0, 1.0]])
    assert measured.unit_l1_l2_ratio == pytest.approx([np.nan, 1, 1 / np.sqrt(3)], nan_ok=True)
    assert measured.unit_excess_kurtosis == pytest.approx([np.nan, np.nan, -1.5], nan_ok=True)


def test_a_matrix_of_zeros_has_norms_and_no_shape():
    measured = weight_statistics(np.zeros((2, 3)))
    assert not measured.norm_l2.any()
    assert np.isnan([measured.l1_l2_ratio, measured.excess_kurtosis]).all()


@pytest.mark.parametrize("weight", [[1.0, 2.0], np.empty((0, 3))])
def test_other_shapes_are_named(weight):
    with pytest.raises(ValueError, match=r"weight must have shape \(n_units, n_inputs\)"):
        weight_statistics(weight)
