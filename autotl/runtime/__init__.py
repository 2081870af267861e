"""Clock, devices, threads: what the machine offers, and Keras on any of its backends."""
