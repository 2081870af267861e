"""Class shares in a population, estimated from a labelled sample and the model's predictions for all items."""
