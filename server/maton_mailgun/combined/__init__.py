"""Reads that one call makes several of, with one answer: why mail did not arrive, who is on which list.

Imports wire, catalogue and mail. The engine picks a function of it by its name in the row.
"""
