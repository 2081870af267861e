"""Scores with intervals: evaluations, leaderboard, verdicts, weak classes, what the panels show."""
