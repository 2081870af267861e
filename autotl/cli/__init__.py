"""The command autotl: one module for each group of its commands."""
