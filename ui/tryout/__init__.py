"""The try page's parts."""
