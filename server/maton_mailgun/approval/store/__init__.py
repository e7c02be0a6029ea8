"""What is remembered, durably: records, their moves, the chain of the audit, SQLite and PostgreSQL.

Imports binding alone; the rooms of approval and the command line may import it.
"""
