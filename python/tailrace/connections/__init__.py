"""Connections by type. A new type is one file beside this one and one line of the registry."""
