"""One folder, runs anywhere: the champion exported, its predictor, and the registry."""
