"""The attacks and accidents that the approval gate must survive, each under its number."""
