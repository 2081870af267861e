"""What the web server needs besides the pages: access, addresses, signed links, downloads."""
