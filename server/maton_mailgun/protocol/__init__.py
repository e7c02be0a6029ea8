"""MCP over pipes and over HTTP, and the tools that models have about approvals.

Imports the engine; only here is mcp. The command line may import it.
"""
