"""Keras to ONNX: frozen networks, heads and champions as graphs."""
