"""The sandbox's own paths: what arrived, the outbox, faults, events on demand.

Imports every other room of the sandbox but web's application; that one imports it.
"""
