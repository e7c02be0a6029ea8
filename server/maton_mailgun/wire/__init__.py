"""The exact request, the Maton transport, when to try again, what an answer means, what callers see of it.

Imports catalogue, mail and config; only here is httpx2. The approval rooms and the engine may import it.
"""
