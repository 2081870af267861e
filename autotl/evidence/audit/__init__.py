"""The subgroup audit: rates per group with intervals, claims that hold for all groups at once, and a gate."""
