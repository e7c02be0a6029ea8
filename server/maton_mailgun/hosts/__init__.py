"""Assistants and their configuration files: what they keep where, our entry in it alone, and the proof of it.

Imports the settings and errors; only the command line imports it, and serving never does.
"""
