"""What an autoencoder has found is put into words that claim no more than the numbers."""

from __future__ import annotations

from dataclasses import replace

from made_autoencoders import FOUND

from autotl.evidence.autoencoder_words import sentences
from autotl.scores import ScoreInterval


def said(**changes: object) -> str:
    return "\n".join(sentences(replace(FOUND, **changes)))


def test_the_error_is_compared_with_that_of_the_mean_image():
    assert "0.0120 (0.0100 to 0.0140)" in said()
    assert "15 % of the error of the mean image" in said()


def test_images_learned_by_heart_are_named():
    assert "by heart" not in said()
    assert "that is 2.4 times its error on the 54 images that it was trained on" in said(error_train=0.005)


def test_a_time_that_ended_too_early_is_named():
    assert "--seconds" not in said()
    assert "in epoch 4, before training was finished" in said(out_of_time=True)


def test_samples_are_compared_with_held_out_images():
    assert "1.5 times as far from the nearest training image" in said()
    assert "(the mean image 2.5 times, noise 4.5 times)" in said()
    assert "sampled" not in said(nearness={}, sampled_classes=None)


def test_the_classes_of_samples_are_counted():
    assert "sure of 70 of 256 sampled images" in said()
    assert "2 classes: <b>cat</b>: 40, dog: 30" in said()
    none = said(sampled_classes={})
    assert "sure of 0 of 256 sampled images" in none
    assert "assigns" not in none


def test_a_difference_that_may_be_chance_is_not_claimed():
    assert "a difference of +15 points (+5 to +30)" in said()
    assert "chance" not in said()
    rates = (ScoreInterval(0.1, 0, 0.3), ScoreInterval(0.05, 0.03, 0.08), ScoreInterval(0.05, -0.05, 0.2))
    assert "+5 points (-5 to +20), which may be chance" in said(rare_errors=rates)
    assert "champion is wrong" not in said(rare_errors=None)


def test_only_the_over_represented_are_named():
    assert "over-represented among the rarest tenth: skin dark (50 % (30 to 70), of all images 10 %)" in said()
    few = replace(FOUND.rare_groups[0], of_all=0.9)
    assert "over-represented" not in said(rare_groups=(few,))


def test_an_error_above_that_of_the_mean_image_is_named():
    assert "no better than the mean image" not in said()
    assert "no better than the mean image: train it for longer" in said(error_of_mean=0.01)
