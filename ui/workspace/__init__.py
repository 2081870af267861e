"""What is in a person's workspace: datasets, runs, models, and what their files say."""
