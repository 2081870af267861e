"""Tables and charts of a finished run, for the report and the app."""
