"""Operators, one module each."""
