"""What is in a person's workspace: data sets, runs, models, and what their files say."""
