"""The approval gate: nothing is written until a person has seen the target and the effect and said yes."""
